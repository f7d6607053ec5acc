"""The commands, each imported when it is called, and the options that all of them have."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.main

from vocalsep._version import __version__
from vocalsep.cli import stderr
from vocalsep.cli.exit import ReportingGroup, reported
from vocalsep.cli.panels import MESSAGES_PANEL
from vocalsep.errors import InputUnreadableError

_COMMANDS = {
    "split": "Split songs into vocals and accompaniment.",
    "web": "Open a page in the browser to drop songs on and hear their stems.",
    "models": "List, inspect, download, import and share models.",
    "doctor": "Show versions, devices, caches, and what a split would use.",
    "train": "Train a model; the weights are for 'vocalsep split --model RUN'.",
    "reproduce": "Train the published experiment's models alike, and compare them.",
    "evaluate": "Score a model on songs whose stems are known.",
    "report": "Write a page on training runs: losses, scores, speed and curves.",
    "data": "Get, make and check data to train on.",
}
"""Modules of `vocalsep.cli.commands`, each with the ``app`` of the command, and the first line of its help.

The help of the group shows these lines without importing the modules, which would take as long again."""

_DEFAULT_COMMAND = "split"
_FOR_ALL = ("--verbose", "-v", "-vv", "-vvv", "--quiet", "-q", "--debug")
"""Options that may stand before a command as well as after it; the group's others end the program."""


class LazyGroup(ReportingGroup):
    """A group that builds a command when it is asked for: with all of them, every start would take 0.1 s more.

    Where no command is named, ``split`` is meant: ``vocalsep SONG...``.
    """

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Take the arguments apart."""
        stderr.reset()
        return super().make_context(*args, **kwargs)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the options of the group, and put in the command that is meant."""
        place = next((i for i, text in enumerate(args) if text not in _FOR_ALL), len(args))
        if place < len(args) and self._is_for_split(args[place], ctx):
            args = [*args[:place], _DEFAULT_COMMAND, *args[place:]]
        remaining: list[str] = super().parse_args(ctx, args)
        return remaining

    def _is_for_split(self, text: str, ctx: Any) -> bool:
        if text in _COMMANDS:
            return False
        if text.startswith("-") and text != "-":  # an option of split that stands first
            return text.partition("=")[0] not in {o for param in self.get_params(ctx) for o in param.opts}
        if os.path.lexists(text):
            return True
        from difflib import get_close_matches  # in 5 ms that other starts do not need

        return not get_close_matches(text, _COMMANDS)

    def invoke(self, ctx: Any) -> Any:
        """Run the command, in a folder that is there: libraries would end the process without a word of ours."""
        with reported():
            try:
                Path.cwd()
            except OSError as error:
                raise InputUnreadableError(
                    f"the working folder is gone ({error.strerror})", "Change to one that is there: cd ~"
                ) from error
        return super().invoke(ctx)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """The names, in the order of the help."""
        return list(_COMMANDS)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the names, and what each command does."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def get_params(self, ctx: Any) -> list[Any]:
        """The options of the group."""
        return _with_defaults(super().get_params(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, or None."""
        if cmd_name not in _COMMANDS:
            return None
        command = typer.main.get_command(import_module(f"vocalsep.cli.commands.{cmd_name}").app)
        command.name = cmd_name
        shared = [param for param in self.params if set(param.opts) & set(_FOR_ALL)]
        for each in getattr(command, "commands", {"": command}).values():
            each.params += shared
            each.help = _in_paragraphs(each.help)
        for each in (command, *getattr(command, "commands", {}).values()):
            _with_defaults(each.get_params(ctx))
        return command


def _with_defaults(params: list[Any]) -> list[Any]:
    """Set flags of Typer's own, such as ``--help``, to off: an unset one makes Typer import Pydantic, in 60 ms."""
    for param in params:
        if getattr(param, "is_flag", False) and param.default is None:
            param.default = False
    return params


def _in_paragraphs(text: str | None) -> str | None:
    """A docstring without the line breaks of the source: the terminal breaks lines where it ends itself."""
    return text and "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


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


def _said(*names: str, help: str, **asked: Any) -> Any:
    """An option of all commands. Where it is given, it asks `stderr.configure` for what follows its names."""
    return typer.Option(
        *names,
        expose_value=False,
        callback=lambda wanted: stderr.configure(**(asked if wanted else {})),
        rich_help_panel=MESSAGES_PANEL,
        help=help,
    )


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[
        bool, _said("--verbose", "-v", verbose=1, help="Say what is done, with what, and for how long.")
    ] = False,
    very_verbose: Annotated[bool, _said("-vv", "-vvv", verbose=2, help="Say all that the library logs.")] = False,
    quiet: Annotated[bool, _said("--quiet", "-q", quieter=True, help="Say errors only.")] = False,
    debug: Annotated[bool, _said("--debug", with_tracebacks=True, help="Show the traceback of an error.")] = False,
) -> None:
    """Split songs into vocals and accompaniment.

    vocalsep SONG... is short for vocalsep split SONG...
    """
