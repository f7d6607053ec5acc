"""How the program ends: the exit codes, and the one place that turns errors into them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer.core

from vocalsep.cli import signals, stderr, stdout
from vocalsep.errors import OptionError, VocalsepError

EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
EXIT_INTERNAL = 1

_ARGUMENTS = "vocalsep.arguments"


def exit_code(error: BaseException) -> int:
    """The exit code of an error."""
    return error.exit_code if isinstance(error, VocalsepError) else EXIT_INTERNAL


class ReportingGroup(typer.core.TyperGroup):
    """The one place that turns errors into messages and exit codes."""

    def make_context(self, info_name: Any, args: list[str], *others: Any, **kwargs: Any) -> Any:
        """Take the arguments apart."""
        with reported(args):
            ctx = super().make_context(info_name, list(args), *others, **kwargs)
            ctx.meta[_ARGUMENTS] = args
            return ctx

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with reported(ctx.meta[_ARGUMENTS]):
            return super().invoke(ctx)


@contextmanager
def reported(arguments: Sequence[str] = ()) -> Iterator[None]:
    """Turn an error of the block into its message and exit code.

    Args:
        arguments: what was typed behind the name of the program.
    """
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
        if _is_usage_error(error):
            _explain(error, arguments)
            raise
        if isinstance(error, OptionError):
            error.hint = f"{error.hint} {_files_that_look_like_options(arguments)}".strip()
        stderr.tell(error)
        raise typer.Exit(exit_code(error)) from None


def _explain(error: Any, arguments: Sequence[str]) -> None:
    """Say more of what is wrong with the arguments than Typer does."""
    said = error.message.removeprefix("Value error, ")
    error.message = f"{said} {_files_that_look_like_options(arguments)}".strip()


def _files_that_look_like_options(arguments: Sequence[str]) -> str:
    files = [text for text in arguments if text.startswith("-") and text != "-" and os.path.lexists(text)]
    return " ".join(f"{text} is a file: write ./{text}" for text in files[:1])


def _is_usage_error(error: BaseException) -> bool:
    """Whether Typer itself says what is wrong with the arguments, with the usage line."""
    return hasattr(error, "show") and hasattr(error, "exit_code") and not isinstance(error, VocalsepError)
