"""What the command line says on stderr; stdout is for results."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer.core

from vocalsep.cli import signals, stdout
from vocalsep.errors import VocalsepError

EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
EXIT_INTERNAL = 1

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

debug = False
"""Whether errors come with their tracebacks."""


def shown(text: str) -> str:
    r"""The text with control characters and line breaks, as of file names, to be read and not obeyed.

    >>> print(shown("a\x1b[2J\n音.wav"))
    a\x1b[2J\n音.wav
    """
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def say(message: str) -> None:
    """Print one line on stderr. Where that is full or gone, it is lost: a night's work does not end for it."""
    encoding = sys.stderr.encoding or "utf-8"
    line = shown(message).encode(encoding, "backslashreplace").decode(encoding)
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def describe(error: BaseException) -> str:
    """The one line that is said of an error."""
    if isinstance(error, VocalsepError):
        return f"error: {error}"
    return f"error: internal: {type(error).__name__}: {error}. Run again with --debug and report what it prints."


def exit_code(error: BaseException) -> int:
    """The exit code of an error."""
    return error.exit_code if isinstance(error, VocalsepError) else EXIT_INTERNAL


class _Says(logging.Handler):
    """Says the message alone."""

    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage())


def log_to_stderr(verbosity: int) -> None:
    """Show the library's log on stderr.

    Args:
        verbosity: below 0 errors alone, 0 warnings too, 1 what is done, 2 and above all.
    """
    levels = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}
    log = logging.getLogger("vocalsep")
    log.handlers = [_Says()]
    log.setLevel(levels.get(verbosity, logging.DEBUG))


class ReportingGroup(typer.core.TyperGroup):
    """The one place that turns errors into messages and exit codes."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Take the arguments apart."""
        with reported():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with reported():
            return super().invoke(ctx)


@contextmanager
def reported() -> Iterator[None]:
    """Turn an error of the block into its message and exit code."""
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except (KeyboardInterrupt, Exception) as error:
        if interrupt := signals.cause(error):  # also of an error on the way out: the terminal may be gone
            raise typer.Exit(signals.conclude(interrupt)) from None
        if isinstance(error, BrokenPipeError):
            stdout.drop()  # who reads it has had enough
            raise typer.Exit(EXIT_BROKEN_PIPE) from None
        if debug or _is_usage_error(error):
            raise
        say(describe(error))
        raise typer.Exit(exit_code(error)) from None


def _is_usage_error(error: BaseException) -> bool:
    """Whether Typer itself says what is wrong with the arguments, with the usage line."""
    return hasattr(error, "show") and hasattr(error, "exit_code") and not isinstance(error, VocalsepError)
