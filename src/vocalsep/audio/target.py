"""The file that a codec library writes to."""

from __future__ import annotations

import os
from pathlib import Path


class TargetFile:
    """A seekable binary file that keeps its first error rather than raise it.

    The codec libraries write from C, where an exception is lost, printed or raised somewhere else, and each
    has words of its own for a full disk. So the file pretends to go on, and `check` raises the error where
    someone listens. That is any error: Ctrl-C too, which strikes wherever the main thread is.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb+", buffering=0)
        self._error: BaseException | None = None
        self._muted = False

    def write(self, data: bytes | memoryview) -> int:
        """Write all of ``data``, or remember why not."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while rest and not (self._error or self._muted):
                rest = rest[self._file.write(rest) :]
        except BaseException as error:
            self._error = self._error or error
        return size

    def read(self, size: int) -> bytes:
        """Read up to ``size`` bytes, or remember why not."""
        try:
            return self._file.read(size) or b""
        except BaseException as error:
            self._error = self._error or error
            return b""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position, or remember why not."""
        try:
            return self._file.seek(offset, whence)
        except BaseException as error:
            self._error = self._error or error
            return -1

    def tell(self) -> int:
        """The position."""
        return self.seek(0, os.SEEK_CUR)

    def check(self) -> None:
        """Raise the first error, if there was one.

        Raises:
            OSError: as the operating system gave it.
        """
        if self._error:
            raise self._error

    def mute(self) -> None:
        """Write nothing from now on: the file will be thrown away, without its codec knowing."""
        self._muted = True

    def close(self) -> None:
        """Close the file."""
        self._file.close()
