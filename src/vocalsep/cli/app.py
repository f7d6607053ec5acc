"""The commands, each imported when it is called, and the options that all of them have."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer
import typer.main

from vocalsep._version import __version__
from vocalsep.cli import stderr
from vocalsep.cli.exit import ReportingGroup

_COMMANDS = ("split", "models", "doctor", "train", "reproduce", "evaluate", "report", "data")
"""Modules of `vocalsep.cli.commands`, each with the ``app`` of the command."""


class LazyGroup(ReportingGroup):
    """A group that builds a command when it is asked for: with all of them, every start would take 0.1 s more."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """The names, in the order of the help."""
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The command of this name, or None."""
        if cmd_name not in _COMMANDS:
            return None
        command = typer.main.get_command(import_module(f"vocalsep.cli.commands.{cmd_name}").app)
        command.name = cmd_name
        return command


app = typer.Typer(
    name="vocalsep",
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vocalsep {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Split songs into vocals and accompaniment."""
    stderr.debug = debug
