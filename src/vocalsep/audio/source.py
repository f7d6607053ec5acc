"""The bytes of an audio file, as the codec libraries read them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A part of a file that holds audio, without the tags around it.

    Attributes:
        path: path of the file, as errors name it.
        stored: the regular file that holds the bytes. It is ``path``, or a copy of what came through a pipe.
        file: ``stored``, open.
        start: first byte of the part.
        end: first byte behind the part.
        head: bytes that replace the first bytes of the part.
    """

    path: Path
    stored: Path
    file: BinaryIO
    start: int
    end: int
    head: bytes = b""

    @property
    def size(self) -> int:
        """Number of bytes of the part."""
        return self.end - self.start

    @property
    def is_whole_file(self) -> bool:
        """Whether the part is the file, byte for byte."""
        return not (self.start or self.head) and self.end == self.file.seek(0, os.SEEK_END)

    def open(self) -> SourceFile:
        """The part as a file of its own, at its start."""
        return SourceFile(self.file, self.start, self.end, self.head)

    def part(self, start: int, end: int) -> Source:
        """A part of this part, from byte ``start`` up to ``end``, both counted in this part."""
        return replace(self, start=self.start + start, end=self.start + end, head=self.head[start:end])

    def peek(self, start: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``start`` on.

        Raises:
            OSError: the file cannot be read.
        """
        file = self.open()
        file.seek(start)
        data = file.read(size)
        file.check()
        return data


class SourceFile:
    """A seekable binary file that keeps its first error rather than raise it.

    The codec libraries read from C, where an exception is printed or lost. So the file seems to end where it
    cannot be read, and `check` raises the error where someone listens. A damaged container may ask for a place
    before the start of the file. The file is not to blame: the library learns that there is no such place.

    Args:
        file: open file.
        start: first byte that is read; it has position 0 here.
        end: first byte that is not read any more; None reads to the end of the file.
        head: bytes that replace the first bytes of the file.
    """

    def __init__(self, file: BinaryIO, start: int = 0, end: int | None = None, head: bytes = b"") -> None:
        self._file = file
        self._start = start
        self._end = end
        self._head = head
        self._position = 0
        self._error: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes, or remember why not."""
        return self._attempt(lambda: self._read(size), b"")

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position; negative where that is not possible."""
        return self._attempt(lambda: self._seek(offset, whence), -errno.EINVAL)

    def tell(self) -> int:
        """The position."""
        return self._position

    def check(self) -> None:
        """Raise the first error, if there was one.

        Raises:
            OSError: as the operating system gave it.
        """
        if self._error:
            raise self._error

    def _attempt(self, work: Callable[[], Result], otherwise: Result) -> Result:
        if self._error:
            return otherwise
        try:
            return work()
        except BaseException as error:
            self._error = error
            return otherwise

    def _read(self, size: int) -> bytes:
        left = max(self._length() - self._position, 0)
        size = left if size < 0 else min(size, left)
        data = self._head[self._position : self._position + size]
        if len(data) < size:
            self._file.seek(self._start + self._position + len(data))
            data += self._file.read(size - len(data))
        self._position += len(data)
        return data

    def _seek(self, offset: int, whence: int) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: 0}[whence]
        position = offset + (self._length() if whence == os.SEEK_END else origin)
        if position < 0:
            return -errno.EINVAL
        self._position = position
        return position

    def _length(self) -> int:
        if self._end is None:
            self._end = self._file.seek(0, os.SEEK_END)
        return self._end - self._start
