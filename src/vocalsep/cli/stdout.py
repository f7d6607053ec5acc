"""Stdout, and what it means that it cannot be written."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vocalsep.system.output_errors import output_error


class Stdout(io.TextIOWrapper):
    """The stdout of the command: whoever prints, help and version too, has the errors of `stdout_errors`."""

    def write(self, text: str, /) -> int:
        """Write a text."""
        with stdout_errors():
            return super().write(text)

    def flush(self) -> None:
        """Write what waits."""
        with stdout_errors():
            super().flush()


@contextmanager
def stdout_errors() -> Iterator[None]:
    """Say of a write to stdout that fails what it means to the user.

    Raises:
        OutputError: stdout goes to a full disk, or to a file that cannot be written.
    """
    try:
        yield
    except BrokenPipeError:  # who reads it has had enough, which is no error
        raise
    except OSError as error:
        drop()
        kind = type(output_error(error, Path("stdout")))
        raise kind(f"cannot write to stdout: {error.strerror}", "Send it to where there is room.") from error


def install() -> None:
    """Make stdout a `Stdout`, if it is a file."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        encoding, errors, by_line = sys.stdout.encoding, sys.stdout.errors, sys.stdout.line_buffering
        if errors == "strict":  # the code page of a console on Windows has no letter for most names
            errors = "backslashreplace"
        sys.stdout = Stdout(sys.stdout.detach(), encoding=encoding, errors=errors, line_buffering=by_line)


def width() -> int | None:
    """Columns of the terminal that stdout is; None where it is a file or a pipe."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    return os.get_terminal_size(sys.stdout.fileno()).columns or 80  # some terminals know no size


def drop() -> None:
    """Let what is printed from now on go nowhere: the flush at exit must not fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
