"""What the command line says on stderr; stdout is for results."""

from __future__ import annotations

import os
import re
import sys
import traceback

from vocalsep.errors import VocalsepError

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

debug = False
"""Whether errors come with their tracebacks."""

quiet = False
"""Whether errors alone are said."""

_verbosity = 0


def reset() -> None:
    """Say what is said without options: a process, as of the tests, may run several commands."""
    global debug, quiet, _verbosity
    debug, quiet, _verbosity = False, False, 0


def configure(*, verbose: int = 0, quieter: bool = False, with_tracebacks: bool = False) -> None:
    """Say more or less from now on, as the options of the command line ask; they add up.

    Args:
        verbose: 1 more shows what is done, 2 more shows all that the library logs.
        quieter: errors alone.
        with_tracebacks: errors come with their tracebacks.
    """
    global debug, quiet, _verbosity
    from vocalsep.cli.log import show  # in 2 ms that --help and --version do not need

    debug, quiet, _verbosity = debug or with_tracebacks, quiet or quieter, _verbosity + verbose
    show(say, "ERROR" if quiet else ("WARNING", "INFO", "DEBUG")[min(_verbosity, 2)])


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


def note(message: str) -> None:
    """Print one line on stderr, unless errors alone are wanted."""
    if not quiet:
        say(message)


def tell(error: BaseException, about: str = "") -> None:
    """Say the one line of an error, behind what it is about, and with ``--debug`` its traceback ahead of that."""
    if debug:
        for line in "".join(traceback.format_exception(error)).splitlines():
            say(line)
    say(f"{about}: {describe(error)}" if about else describe(error))


def describe(error: BaseException) -> str:
    """The one line that is said of an error."""
    if isinstance(error, VocalsepError):
        from vocalsep.cli.flags import told  # in 1 ms that other starts do not need

        return f"error: {told(error)}"
    return f"error: internal: {type(error).__name__}: {error}. Run again with --debug and report what it prints."
