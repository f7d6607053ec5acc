"""``vocalsep train``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vocalsep.cli import stderr, training_run
from vocalsep.cli.exit import EXIT_INTERRUPTED
from vocalsep.cli.progress import ProgressDisplay
from vocalsep.errors import OptionError, RunError

if TYPE_CHECKING:
    from vocalsep.training.run.config import RunConfig
    from vocalsep.training.run.folder import RunFolder

app = typer.Typer(add_completion=False)


@app.command()
def train(
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", help="Architecture: umx, tdf, tdsa, tdt, tdf_mask or sparse_tdf.", show_default=False
        ),
    ] = None,
    data: training_run.Data = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            "-r",
            help="default, quick (an hour on two cores), paper, or a TOML file.",
            show_default="default",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder of the run.", show_default="runs/MODEL-RECIPE"),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            "--init",
            metavar="WEIGHTS",
            help="Start from these: a name, file or run, as of split --model.",
            show_default="at random",
        ),
    ] = None,
    settings: training_run.Settings = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder.")] = False,
    device: training_run.DeviceOption = "auto",
) -> None:
    """Train a model; the weights are for 'vocalsep split --model RUN'.

    Prints the path of the best weights. Ctrl-C saves a checkpoint, from which --resume goes on. For several GPUs
    or machines: accelerate launch -m vocalsep train ...
    """
    training_run.check_extra()
    from vocalsep.training.run.folder import RunFolder

    display = ProgressDisplay()
    with display, training_run.interrupts() as interrupted:
        if resume:
            if out is None:
                raise OptionError("--resume needs the folder of the run", "Add -o RUN.")
            folder = RunFolder(out)
            config = _config_to_resume(folder, model, data or [], recipe, init, settings or [])
        else:
            config, folder = _new_run(model, data or [], recipe, out, init, settings or [], display, device)
        trainer, complete = training_run.train_run(
            config, folder, display, resume=resume, device=device, should_stop=interrupted
        )
        trainer.close()
    if not trainer.is_main:
        return
    if not complete:
        stderr.say(f"stopped after step {trainer.position.step}, saved: vocalsep train --resume -o {folder.path}")
        raise typer.Exit(EXIT_INTERRUPTED)
    typer.echo(folder.best_weights)


def _new_run(
    model: str | None,
    data: list[str],
    recipe: str | None,
    out: Path | None,
    init: str | None,
    settings: list[str],
    display: ProgressDisplay,
    device: training_run.Device,
) -> tuple[RunConfig, RunFolder]:
    from vocalsep.training.recipe import load_recipe
    from vocalsep.training.run.config import RunConfig
    from vocalsep.training.run.folder import RunFolder

    if model is None:
        raise OptionError("no architecture to train", "Add --model tdf, tdsa, tdt, umx, tdf_mask or sparse_tdf.")
    name = recipe or "default"
    loaded = load_recipe(name, settings)
    folder = RunFolder(out or Path("runs") / f"{model}-{Path(name).stem}")
    folder.check_new()
    config = RunConfig.resolve(
        model, loaded, recipe_name=name, dataset="", init=init
    )  # refuses what is wrong before data are made
    return dataclasses.replace(config, dataset=training_run.open_data(data, display, device).spec), folder


def _config_to_resume(
    folder: RunFolder,
    model: str | None,
    data: list[str],
    recipe: str | None,
    init: str | None,
    settings: list[str],
) -> RunConfig:
    from vocalsep.training.run.config import check_same_run

    before = folder.read_config()
    if model not in (None, before.architecture):
        raise RunError(
            f"{folder.path} is a run of {before.architecture}, not {model}", "Choose another -o folder."
        )
    if data or recipe is not None or init is not None:
        raise OptionError("--data, --recipe and --init are those of the run", "Leave them out with --resume.")
    now = before.with_settings(settings)
    check_same_run(before, now)
    return now
