"""The file that FFmpeg reads from."""

from __future__ import annotations

import errno
import os
from typing import BinaryIO


class SourceFile:
    """A seekable binary file that keeps its first error rather than raise it.

    FFmpeg reads from C, where an exception is printed or lost. So the file seems to end where it cannot be read,
    and `check` raises the error where someone listens. That a damaged container asks for a place before the start
    of the file is no error of the file: FFmpeg is told that there is none.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._error: BaseException | None = None

    def read(self, size: int) -> bytes:
        """Read up to ``size`` bytes, or remember why not."""
        try:
            return b"" if self._error else self._file.read(size)
        except BaseException as error:
            self._error = error
            return b""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position; negative where that is not possible."""
        try:
            return self._file.seek(offset, whence)
        except BaseException as error:
            if not (isinstance(error, OSError) and error.errno == errno.EINVAL):
                self._error = self._error or error
            return -errno.EINVAL

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
