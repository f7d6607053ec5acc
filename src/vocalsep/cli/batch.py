"""Tracks that go through one model, one after the other or several at once."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vocalsep.audio.outputs import Outputs
from vocalsep.audio.reading_options import ReadingOptions
from vocalsep.cli.inputs import STDIN, Track
from vocalsep.cli.outcome import Outcome
from vocalsep.cli.progress import ProgressDisplay
from vocalsep.errors import DiskFullError, InputUnreadableError, OutputError, OutputExistsError
from vocalsep.split_result import SplitResult
from vocalsep.system.files import exists, remove_leftovers
from vocalsep.system.threads import map_in_order

if TYPE_CHECKING:
    from vocalsep.separation.split_file import Progress


_log = logging.getLogger("vocalsep")

_SHOWN_STDIN = "- (stdin)"


class FileSeparator(Protocol):
    """A `vocalsep.api.Separator`, or what stands in for it."""

    def write_stems(
        self,
        path: Path,
        outputs: Outputs,
        reading: ReadingOptions,
        *,
        track: str,
        progress: Progress,
    ) -> SplitResult:
        """See `vocalsep.api.Separator.write_stems`."""


class Batch:
    """Tracks that go through one model, which is loaded when the first of them needs it.

    Args:
        load: loads the model.
        outputs: where the stems go.
        reading: how the files are read.
        display: shows how far each track is.
        model: id of the model, for the paths of the stems.
        skip_existing: whether tracks are left out whose stems are all there.
    """

    def __init__(
        self,
        load: Callable[[], FileSeparator],
        outputs: Outputs,
        reading: ReadingOptions,
        display: ProgressDisplay,
        *,
        model: str,
        skip_existing: bool,
    ) -> None:
        self._load, self._outputs, self._reading, self._display = load, outputs, reading, display
        self._model, self._skip_existing = model, skip_existing
        self._separator: FileSeparator | None = None
        self._loading = threading.Lock()
        self._interrupted = threading.Event()

    def run(self, tracks: list[Track], jobs: int) -> Iterator[Outcome]:
        """Split the tracks, ``jobs`` at once, and give the outcomes in the order of the tracks.

        What killed runs left where the stems go is removed first.
        """
        self._tidy(tracks)
        if min(jobs, len(tracks)) <= 1:
            yield from map(self._split, tracks)
            return
        if any(self._without_model(track) is None for track in tracks):
            self.separator()  # in this thread, where Ctrl-C ends a download
        with ThreadPoolExecutor(jobs) as pool:
            try:
                yield from map_in_order(pool, self._split, tracks)
            except BaseException:
                self._interrupted.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def separator(self) -> FileSeparator:
        """The model; the first call loads it."""
        with self._loading:
            if self._separator is None:
                self._separator = self._load()
            return self._separator

    def _tidy(self, tracks: list[Track]) -> None:
        targets = (path for track in tracks for path in self._targets(track))
        for folder in dict.fromkeys(path.parent for path in targets):
            for path in remove_leftovers(folder):
                _log.info("removed %s, which a killed run left", path)

    def _split(self, track: Track) -> Outcome:
        if outcome := self._without_model(track):
            return outcome
        separator = self.separator()  # what fails here would fail for every track
        try:
            with self._display.bar(track.name) as advance, _stored(track.path) as path:
                return Outcome(track, result=self._separate(separator, path, track, advance))
        except DiskFullError:
            raise  # this one too
        except OutputExistsError as error:
            error.hint = "Pass --skip-existing or --overwrite, or choose another output folder."
            return Outcome(track, error=error)
        except Exception as error:
            return Outcome(track, error=error)

    def _without_model(self, track: Track) -> Outcome | None:
        """The outcome of a track that cannot be split or is to be skipped; None if it needs the model."""
        if track.error:
            return Outcome(track, error=track.error)
        try:
            if self._skip_existing and self._is_done(track):
                return Outcome(track, made_by=self._maker(track))
            return None
        except OutputError as error:
            return Outcome(track, error=error)

    def _targets(self, track: Track) -> list[Path]:
        return list(self._outputs.paths(track.name, self._model).values())

    def _is_done(self, track: Track) -> bool:
        return all(exists(path) for path in self._targets(track))

    def _maker(self, track: Track) -> str | None:
        """The model that made the stems of a track, where they say it."""
        from vocalsep.audio.tags import read_model

        return read_model(self._targets(track)[0])

    def _separate(self, separator: FileSeparator, path: Path, track: Track, advance: Progress) -> SplitResult:
        def progress(done: float, total: float | None) -> None:
            if self._interrupted.is_set():
                raise KeyboardInterrupt
            advance(done, total)

        reading = self._reading if path == track.path else replace(self._reading, shown_as=_SHOWN_STDIN)
        return separator.write_stems(path, self._outputs, reading, track=track.name, progress=progress)


@contextmanager
def _stored(path: Path) -> Iterator[Path]:
    """``path``, or for `STDIN` a temporary file with what comes there."""
    if str(path) != STDIN:
        yield path
        return
    from vocalsep.audio.stored_file import copy_of_pipe

    if sys.stdin is None:
        raise InputUnreadableError("stdin is closed", "Pipe a file in: vocalsep split - < FILE")
    with copy_of_pipe(sys.stdin.buffer, "stdin") as copy:
        yield copy
