"""``vocalsep report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders that 'vocalsep train' wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the page.")] = Path("report"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a page that is there.")] = False,
) -> None:
    """Write a page on training runs: losses, scores, speed and curves.

    Prints the paths of report.md, report.html (which needs no other file) and curves.png. Scores and speed are
    those that 'vocalsep evaluate --model RUN/best.safetensors -o RUN/evaluation' left.
    """
    from vocalsep.training.report import write_report

    for path in write_report(runs, out, overwrite=overwrite):
        typer.echo(path)
