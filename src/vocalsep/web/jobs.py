"""The queue of songs, and the thread that separates them one after the other."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

import numpy as np

from vocalsep.api import Separator
from vocalsep.audio.outputs import Outputs
from vocalsep.errors import VocalsepError
from vocalsep.split_result import SplitResult
from vocalsep.web.order import Order
from vocalsep.web.pace import Pace
from vocalsep.web.preview import Preview
from vocalsep.web.song import Song

_log = logging.getLogger("vocalsep")

_TRIAL_SECONDS = 12
_TRIAL_RATE = 44100

OpenSeparator = Callable[[str, Callable[[int, int], None]], Separator]
"""Loads a model by its id; the second argument is called with the bytes downloaded and those of the whole file."""


class CancelledError(Exception):
    """The owner of a song does not want it any more."""


class Jobs:
    """Separates songs one after the other, since one song keeps the whole machine busy.

    Args:
        open_separator: see `OpenSeparator`.
        pace: learns how fast each model is.
    """

    def __init__(self, open_separator: OpenSeparator, pace: Pace) -> None:
        self._open, self._pace = open_separator, pace
        self._waiting: deque[Song] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._running: Song | None = None
        self._loaded: tuple[str, Separator] | None = None
        self._thread = threading.Thread(target=self._work, name="vocalsep-jobs", daemon=True)
        self._thread.start()

    def add(self, song: Song, order: Order) -> bool:
        """Put a song at the end of the queue; False where it is there already, or cannot be separated."""
        with self._changed:
            if self._closing or not song.wait(order):
                return False
            self._waiting.append(song)
            self._changed.notify_all()
            return True

    def cancel(self, song: Song) -> bool:
        """Take a song out of the queue, or end its separation."""
        with self._changed:
            if song in self._waiting:
                self._waiting.remove(song)
        return song.cancel()

    def place(self, song: Song) -> int | None:
        """How many songs come before one that waits, the one under way included; None where it does not wait."""
        with self._changed:
            waiting = [other for other in self._waiting if other.state == "waiting"]
            return waiting.index(song) + (self._running is not None) if song in waiting else None

    def warm_up(self, model: str) -> None:
        """Load a model ahead of the first song, and measure its pace on noise, in the thread of the queue."""
        with self._changed:
            self._warm = model
            self._changed.notify_all()

    def close(self) -> None:
        """End the separation under way, and the thread."""
        with self._changed:
            self._closing = True
            for song in (*self._waiting, *([self._running] if self._running else [])):
                song.cancel()
            self._waiting.clear()
            self._changed.notify_all()
        self._thread.join(timeout=10)

    _warm: str | None = None

    def _work(self) -> None:
        while True:
            with self._changed:
                while not (self._waiting or self._closing or self._warm):
                    self._changed.wait()
                if self._closing:
                    return
                warm, self._warm = self._warm, None
                song = self._waiting.popleft() if self._waiting else None
                self._running = song
            if song and song.run():
                self._serve(song)
            elif warm:
                self._try_out(warm)
            with self._changed:
                self._running = None

    def _serve(self, song: Song) -> None:
        result: SplitResult | None = None
        failure: Exception | None = None
        try:
            result = self._separate(song)
        except CancelledError:
            pass
        except VocalsepError as error:
            failure = error
        except Exception as error:
            _log.exception("internal error on a song of %s", song.order.model if song.order else "no model")
            failure = error
        song.end(result, failure)

    def _separate(self, song: Song) -> SplitResult:
        order, found = song.order, song.survey
        assert order is not None
        assert found is not None
        separator = self._separator(order.model, song)
        began = time.perf_counter()
        info = found.info
        preview = Preview(song.preview_path, info.sample_rate, info.channels, info.layout)
        song.begin(preview)

        def progress(done: float, total: float | None) -> None:
            if not song.wanted:
                raise CancelledError

        outputs = Outputs(
            folder=song.out_dir,
            stems=order.stems,
            format=order.format,
            downmix=info.channels > order.format.most_channels,
        )
        result = separator.write_stems(
            song.path, outputs, order.reading, track=song.track, progress=progress, on_block=preview.add
        )
        preview.finish()
        progress(result.seconds, None)
        self._pace.note(order.model, result.seconds, time.perf_counter() - began)
        return result

    def _separator(self, model: str, song: Song | None = None) -> Separator:
        """The model, kept for the next song."""

        def downloading(done: int, total: int) -> None:
            if song:
                song.stage = f"downloading the model, {done / 1e6:.0f} of {total / 1e6:.0f} MB"
                if not song.wanted:
                    raise CancelledError
            if self._closing:
                raise CancelledError

        if self._loaded is None or self._loaded[0] != model:
            self._loaded = None  # two large models at once may not fit into memory
            if song:
                song.stage = "loading the model"
            self._loaded = model, self._open(model, downloading)
        return self._loaded[1]

    def _try_out(self, model: str) -> None:
        try:
            separator = self._separator(model)
            noise = 0.1 * np.random.default_rng(0).standard_normal((2, _TRIAL_SECONDS * _TRIAL_RATE), np.float32)
            began = time.perf_counter()
            separator.separate(noise, _TRIAL_RATE)
            self._pace.note(model, _TRIAL_SECONDS, time.perf_counter() - began)
        except (VocalsepError, CancelledError) as error:
            _log.warning("%s was not tried out: %s", model, error)
