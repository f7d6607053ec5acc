"""What the command line says on stderr; stdout is for results."""

from __future__ import annotations

import logging
import os
import re
import sys

from vocalsep.errors import VocalsepError

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
