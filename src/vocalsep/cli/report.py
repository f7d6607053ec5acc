"""What the command line says on stderr; stdout is for results."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import typer.core

from vocalsep.errors import VocalsepError

EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
EXIT_INTERNAL = 1

debug = False
"""Whether errors come with their tracebacks."""


def say(message: str) -> None:
    """Print one line on stderr; line breaks in file names are shown, not followed."""
    line = message.replace("\n", "\\n").replace("\r", "\\r")
    print(
        line.encode(sys.stderr.encoding or "utf-8", "backslashreplace").decode(sys.stderr.encoding or "utf-8"),
        file=sys.stderr,
        flush=True,
    )


def describe(error: BaseException) -> str:
    """The one line that is said of an error."""
    if isinstance(error, VocalsepError):
        return f"error: {error}"
    return f"error: internal: {type(error).__name__}: {error}. Run again with --debug and report what it prints."


def exit_code(error: BaseException) -> int:
    """The exit code of an error."""
    return error.exit_code if isinstance(error, VocalsepError) else EXIT_INTERNAL


def log_to_stderr(verbosity: int) -> None:
    """Show the library's log on stderr.

    Args:
        verbosity: below 0 errors alone, 0 warnings too, 1 what is done, 2 and above all.
    """
    levels = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    log = logging.getLogger("vocalsep")
    log.handlers = [handler]
    log.setLevel(levels.get(verbosity, logging.DEBUG))


class ReportingGroup(typer.core.TyperGroup):
    """The one place that turns errors into messages and exit codes."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            say("interrupted: nothing half-written is left")
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except BrokenPipeError:
            # who reads stdout has had enough; the flush at exit must not fail once more
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(EXIT_BROKEN_PIPE) from None
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if debug or _is_usage_error(error):
                raise
            say(describe(error))
            raise typer.Exit(exit_code(error)) from None


def _is_usage_error(error: Exception) -> bool:
    """Whether Typer itself says what is wrong with the arguments, with the usage line."""
    return hasattr(error, "show") and hasattr(error, "exit_code") and not isinstance(error, VocalsepError)
