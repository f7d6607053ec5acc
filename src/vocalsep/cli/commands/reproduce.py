"""``vocalsep reproduce``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vocalsep.cli import stderr, training_run
from vocalsep.cli.exit import EXIT_INTERRUPTED
from vocalsep.cli.progress import ProgressDisplay

if TYPE_CHECKING:
    from vocalsep.training.reproduce import Experiment, HeldOutSongs, Run

app = typer.Typer(add_completion=False)


@app.command()
def reproduce(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the experiment, of one before to go on.")],
    data: training_run.Data = None,
    recipe: Annotated[
        str | None,
        typer.Option("--recipe", "-r", help="paper, default, or a TOML file.", show_default="paper"),
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(
            "--models",
            "-m",
            metavar="NAME,...",
            help="Architectures, perhaps with settings: tdt,tdsa:attention=frame. They join those of before.",
            show_default="umx,tdf,tdsa,tdt",
        ),
    ] = None,
    settings: training_run.Settings = None,
    device: training_run.DeviceOption = "auto",
) -> None:
    """Train the published experiment's models alike, and compare them.

    Each sees the same chunks in the same order for as many steps, and is scored on the data's test part, or else
    its valid one. Prints the paths of the page. Ctrl-C saves a checkpoint; go on with the same -o. Each model is
    for 'vocalsep split --model OUT/NAME'. For several GPUs, each with batches of its own: accelerate launch -m
    vocalsep reproduce ...
    """
    training_run.check_extra()
    from accelerate import PartialState

    from vocalsep.datasets.dataset import open_dataset
    from vocalsep.training.reproduce import begin, held_out, write_page

    with ProgressDisplay() as display:
        experiment = _experiment(out, data or [], recipe, models, settings or [], display, device)
        songs = held_out(open_dataset(experiment.dataset))  # refuses before hours of work
        runs = experiment.runs(out)
        processes = PartialState(cpu=device == "cpu")
        stderr.configure(quieter=not processes.is_main_process)
        processes.wait_for_everyone()  # all have seen what is there before one changes it
        if processes.is_main_process:
            begin(out, experiment, runs)
        complete = _train(runs, display, device=device)
        if not processes.is_main_process:
            return
        if not complete:
            stderr.say(f"stopped and saved: vocalsep reproduce -o {out}")
            raise typer.Exit(EXIT_INTERRUPTED)
        for run in runs:
            _score(run, songs, display, device=device)
    for path in write_page(out, experiment):
        typer.echo(path)


def _experiment(
    out: Path,
    data: list[str],
    recipe: str | None,
    models: str | None,
    settings: list[str],
    display: ProgressDisplay,
    device: training_run.Device,
) -> Experiment:
    """The experiment of the options; what they leave out is as before, in a folder that has one."""
    from vocalsep.training.recipe import load_recipe, recipe_from
    from vocalsep.training.reproduce import MODELS, Experiment, read_experiment

    before = read_experiment(out)
    asked = [model.strip() for model in models.split(",")] if models else []
    if before and recipe is None:
        name, loaded = before.recipe_name, recipe_from(dataclasses.asdict(before.recipe), settings)
    else:
        name = recipe or "paper"
        loaded = load_recipe(name, settings)
    experiment = Experiment(
        models=tuple(dict.fromkeys([*(before.models if before else ()), *asked])) or MODELS,
        dataset=before.dataset if before else "",
        recipe_name=name,
        recipe=loaded,
    )
    if before and not data:
        return experiment
    return dataclasses.replace(experiment, dataset=training_run.open_data(data, display, device).spec)


def _train(runs: Sequence[Run], display: ProgressDisplay, *, device: training_run.Device) -> bool:
    """Train them to their ends, or until Ctrl-C; whether all are complete."""
    with training_run.interrupts() as interrupted:
        for number, run in enumerate(runs, start=1):
            stderr.note(f"{run.name}, model {number} of {len(runs)}:")
            trainer, complete = training_run.train_run(
                run.config,
                run.folder,
                display,
                resume=run.resume,
                device=device,
                should_stop=interrupted,
            )
            if not complete:
                break
        trainer.close()
        return complete and not interrupted()


def _score(run: Run, songs: HeldOutSongs, display: ProgressDisplay, *, device: training_run.Device) -> None:
    from vocalsep.training.reproduce import evaluate_run

    with display.bar(f"{run.name} scored") as advance:
        results = evaluate_run(run, songs, device=device, progress=advance)
    scores = [(stem, metrics["sdr"].mean) for stem, metrics in results.summary.items()]
    sdrs = ", ".join(f"{stem} {'-' if sdr is None else f'{sdr:.2f} dB'}" for stem, sdr in scores)
    stderr.note(f"{run.name}: sdr on {len(results.songs)} songs, split {songs.split}: {sdrs}")
