"""The commands and the options that all of them have."""

from __future__ import annotations

from typing import Annotated

import typer

from vocalsep._version import __version__
from vocalsep.cli import report
from vocalsep.cli.doctor import doctor
from vocalsep.cli.models import models_app
from vocalsep.cli.split import split

app = typer.Typer(
    name="vocalsep",
    cls=report.ReportingGroup,
    help="Split songs into vocals and accompaniment.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
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
    report.debug = debug


app.command()(split)
app.add_typer(models_app)
app.command()(doctor)
