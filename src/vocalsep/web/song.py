"""One song on the page, from its upload to its stems."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal

from vocalsep.audio.reading_options import ReadingOptions
from vocalsep.errors import DamagedAudioError, NonFiniteAudioError, VocalsepError
from vocalsep.split_result import SplitResult
from vocalsep.template import safe_track
from vocalsep.web.limits import Limits
from vocalsep.web.order import Order
from vocalsep.web.preview import Preview
from vocalsep.web.survey import Survey, survey

State = Literal["uploading", "checking", "ready", "waiting", "running", "done", "failed", "cancelled"]

OVER: tuple[State, ...] = ("done", "failed", "cancelled")
"""The states in which nothing happens any more until somebody starts the song again."""


class Song:
    """One song, known to nobody but those who have its id.

    Args:
        folder: folder of the session.
        name: name of the file, as its owner calls it.
        size: size of the file in bytes.

    Attributes:
        id: 32 random hexadecimal digits.
        name: without what a file system may refuse.
        folder: holds the upload, and the stems.
        state: see `State`.
        size: size of the upload in bytes.
        survey: what the file is, once it has been checked.
        order: how it was asked to be separated, at last.
        preview: preview of the stems, from the start of the separation on.
        result: result of the separation, once it is done.
        pictures: spectrograms by name, once somebody has asked for one.
        error: why it failed, or what is wrong with it, in words for its owner.
        began: when the separation began, by the monotonic clock.
        stage: what is done before the separation, such as a download; empty most of the time.
        used: when somebody last asked for something of it, by the monotonic clock.
        wanted: False once its owner has cancelled it.
        removed: whether its owner has removed it, or its session is over.
    """

    def __init__(self, folder: Path, name: str, size: int) -> None:
        self.id = secrets.token_hex(16)
        self.name = safe_track(name.replace("\\", "/").rpartition("/")[2])
        self.folder = folder / self.id
        self.state: State = "uploading"
        self.size = size
        self.survey: Survey | None = None
        self.order: Order | None = None
        self.preview: Preview | None = None
        self.result: SplitResult | None = None
        self.pictures: dict[str, bytes] = {}
        self.error = ""
        self.began = 0.0
        self.stage = ""
        self.used = time.monotonic()
        self.wanted = True
        self.removed = False
        self._lock = threading.RLock()
        self.path.parent.mkdir(mode=0o700, parents=True)

    @property
    def path(self) -> Path:
        """Of the upload."""
        return self.folder / "upload" / self.name

    @property
    def track(self) -> str:
        """What the command would call the song."""
        return Path(self.name).stem

    @property
    def out_dir(self) -> Path:
        """The folder of the stems."""
        return self.folder / "stems"

    @property
    def preview_path(self) -> Path:
        """Of the samples that are heard while the song is separated."""
        return self.folder / "preview"

    @property
    def is_busy(self) -> bool:
        """Whether it waits for the model or is separated."""
        return self.state in ("waiting", "running")

    @property
    def reserved_bytes(self) -> int:
        """The disk space that it takes or may take."""
        return self.size + (self.survey.disk_bytes if self.survey and self.order else 0)

    @property
    def seconds_left(self) -> float | None:
        """How long the separation will take yet, by its pace so far; None where that is not known."""
        if self.state != "running" or not (self.preview and self.survey) or not self.preview.n_samples:
            return None
        elapsed = time.monotonic() - self.began
        return elapsed * max(0.0, self.survey.seconds / self.preview.seconds - 1)

    def check(self, limits: Limits) -> None:
        """Find out what the upload is: the song is ready, or has failed and is deleted."""
        self.state = "checking"
        try:
            try:
                found, words = survey(self.path, limits, ReadingOptions()), ""
            except (DamagedAudioError, NonFiniteAudioError) as error:
                found, words = survey(self.path, limits, ReadingOptions(salvage=True)), self.explain(error)
        except VocalsepError as error:
            self.fail(error)
            return
        with self._lock:
            self.survey, self.state, self.error = found, "ready", words
            self.touch()

    def touch(self) -> None:
        """Note that somebody uses it."""
        self.used = time.monotonic()

    def wait(self, order: Order) -> bool:
        """Take an order; False where one is being served already, or the song cannot be separated."""
        with self._lock:
            if self.removed or self.survey is None or self.is_busy:
                return False
            self.forget_stems()
            self.order, self.state, self.error, self.wanted = order, "waiting", "", True
            return True

    def cancel(self) -> bool:
        """Take the order back; False where there is none."""
        with self._lock:
            if not self.is_busy:
                return False
            self.wanted = False
            if self.state == "waiting":
                self.state = "cancelled"
            return True

    def begin(self, preview: Preview) -> None:
        """Note that the separation begins."""
        self.preview, self.began, self.stage = preview, time.monotonic(), ""

    def run(self) -> bool:
        """Leave the queue; False where the order was taken back."""
        with self._lock:
            if self.state != "waiting":
                return False
            self.state = "running"
            return True

    def end(self, result: SplitResult | None, error: Exception | None = None) -> None:
        """Note what came out of the separation."""
        with self._lock:
            if result is not None:
                self.result, self.state = result, "done"
            else:
                self.forget_stems()
                self.state = "failed" if error else "cancelled"
                self.error = self.explain(error) if error else ""
            self.touch()
            if self.removed:
                self._delete()

    def fail(self, error: Exception) -> None:
        """Note that the upload is no song that can be separated. The upload goes."""
        with self._lock:
            self.state, self.error = "failed", self.explain(error)
            self.path.unlink(missing_ok=True)
            self.size = 0

    def explain(self, error: Exception) -> str:
        """The words of an error without the folders of this machine."""
        if not isinstance(error, VocalsepError):
            return f"internal: {type(error).__name__}. The server's log says more."
        text = str(error).replace("Pass salvage=True", "Tick 'Salvage'")
        for folder in (self.path.parent, self.out_dir):
            text = text.replace(f"{folder}{os.sep}", "")
        return text.replace(str(self.folder), self.name)

    def forget_stems(self) -> None:
        """Remove what an earlier separation left."""
        with self._lock:
            if self.preview:
                self.preview.close()
            self.preview = self.result = None
            self.pictures = {}
            self.preview_path.unlink(missing_ok=True)
            shutil.rmtree(self.out_dir, ignore_errors=True)

    def remove(self) -> None:
        """Delete it, at the latest when its separation has ended."""
        with self._lock:
            self.removed = True
            self.cancel()
            if self.state != "running":
                self._delete()

    def _delete(self) -> None:
        if self.preview:
            self.preview.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):
            self.folder.parent.rmdir()  # of the session, if this was its last song
