"""An input as a regular file that can be read at any position, also where it comes through a pipe."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from vocalsep.audio.source import Source
from vocalsep.audio.surroundings import audio_extent
from vocalsep.errors import InputNotFoundError, InputUnreadableError
from vocalsep.system.output_errors import output_error

_BLOCK_BYTES = 2**20


class StoredFile:
    """An open input, which is on disk as long as it is open.

    Args:
        path: path of a file, a FIFO or a device such as ``/dev/stdin``.
        stored: regular file that holds the content already; None opens ``path``.

    Attributes:
        path: path of the input, as errors name it.
        stored: regular file with the content.

    Raises:
        InputNotFoundError: there is no such file.
        InputUnreadableError: it is a folder, or cannot be read.
        OutputError: there is no room for what comes through a pipe.
    """

    def __init__(self, path: Path, stored: Path | None = None) -> None:
        self.path = path
        self.stored = stored or path
        self._kept = ExitStack()
        try:
            if stored is None and _is_pipe(path):
                with path.open("rb", buffering=0) as pipe:
                    self.stored = self._kept.enter_context(copy_of_pipe(pipe, str(path)))
            self._file = open_file(self.stored)
            self._kept.callback(self._file.close)
        except FileNotFoundError as error:
            raise InputNotFoundError(f"{path} does not exist", "Check the name and the folder.") from error
        except OSError as error:
            raise unreadable_error(path, error) from error

    def source(self) -> Source:
        """The audio in the file, without the tags around it.

        Raises:
            OSError: the file cannot be read.
        """
        self._file.read(1)  # what cannot be read may not be measured either, with another error
        start, end = audio_extent(self._file)
        return Source(path=self.path, stored=self.stored, file=self._file, start=start, end=end)

    def opened_again(self) -> StoredFile:
        """The content from its start; this one has to stay open meanwhile."""
        return StoredFile(self.path, self.stored)

    def close(self) -> None:
        """Close the file, and remove what was kept of a pipe."""
        self._kept.close()


@contextmanager
def copy_of_pipe(pipe: BinaryIO, name: str) -> Iterator[Path]:
    """What comes through a pipe, in a temporary file: containers have to be read at any position.

    Args:
        pipe: open to be read.
        name: name of the pipe, for errors.

    Raises:
        InputUnreadableError: the pipe cannot be read.
        OutputError: the file cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="vocalsep-") as folder:
        copy = Path(folder) / "input"
        try:
            with copy.open("wb", buffering=0) as file:
                for block in _blocks(pipe, name):
                    rest = memoryview(block)
                    while rest:
                        rest = rest[file.write(rest) :]
        except OSError as error:
            kind = type(output_error(error, copy))
            hint = "Set TMPDIR to a folder with room."
            raise kind(f"cannot keep {name} in {folder}: {error.strerror}", hint) from error
        yield copy


def open_file(path: Path) -> BinaryIO:
    """A regular file, open to be read.

    Raises:
        OSError: it cannot be opened.
    """
    return path.open("rb")


def unreadable_error(path: Path, error: OSError) -> InputUnreadableError:
    """The error for a file that the operating system does not let read."""
    reason = error.strerror or type(error).__name__
    return InputUnreadableError(f"cannot read {path}: {reason}", "Give a file that you may read.")


def _is_pipe(path: Path) -> bool:
    """Whether a path is neither a regular file nor a folder, which opening explains."""
    mode = path.stat().st_mode
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _blocks(pipe: BinaryIO, name: str) -> Iterator[bytes]:
    try:
        while block := pipe.read(_BLOCK_BYTES):
            yield block
    except OSError as error:
        raise InputUnreadableError(f"cannot read {name}: {error.strerror}", "Pipe a file in.") from error
