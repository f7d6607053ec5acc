"""How the program ends: the exit codes, and the one place that turns errors into them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer.core

from vocalsep.cli import signals, stderr, stdout
from vocalsep.errors import VocalsepError

EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
EXIT_INTERNAL = 1


def exit_code(error: BaseException) -> int:
    """The exit code of an error."""
    return error.exit_code if isinstance(error, VocalsepError) else EXIT_INTERNAL


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
        if stderr.debug or _is_usage_error(error):
            raise
        stderr.say(stderr.describe(error))
        raise typer.Exit(exit_code(error)) from None


def _is_usage_error(error: BaseException) -> bool:
    """Whether Typer itself says what is wrong with the arguments, with the usage line."""
    return hasattr(error, "show") and hasattr(error, "exit_code") and not isinstance(error, VocalsepError)
