"""``vocalsep train``."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from vocalsep.cli import options, report
from vocalsep.cli.extra import needs_extra
from vocalsep.cli.progress import ProgressDisplay
from vocalsep.errors import OptionError, RunError

if TYPE_CHECKING:
    from vocalsep.training.position import StepReport
    from vocalsep.training.run_folder import RunConfig, RunFolder


class Device(str, Enum):
    """What ``--device`` takes."""

    auto = "auto"
    cpu = "cpu"


app = typer.Typer(add_completion=False)


@app.command()
def train(
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Architecture: umx, tdf, tdsa, tdt or tdf_mask.", show_default=False),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="SPEC",
            help="Folder of tracks, musdb18hq[:ROOT], folders:ROOT, pools:VOCALS,ACCOMPANIMENT or synth[:ROOT]; "
            "several are trained on together.",
            show_default="MUSDB18-HQ if it was fetched, or synth",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option("--recipe", "-r", help="default, paper, or a TOML file.", show_default="default"),
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
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change a setting of the recipe: run.epochs=3.", show_default=False
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder.")] = False,
    device: Annotated[
        Device, typer.Option("--device", "-d", help="auto takes the GPUs that accelerate finds.")
    ] = Device.auto,
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say more.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say errors only.")] = False,
    debug: options.Debug = False,
) -> None:
    """Train a model; the weights are for 'vocalsep split --model RUN'.

    Prints the path of the best weights. Ctrl-C saves a checkpoint, from which --resume goes on. For several GPUs
    or machines: accelerate launch -m vocalsep train ...
    """
    report.debug = report.debug or debug
    report.log_to_stderr(-1 if quiet else verbose)
    with needs_extra("train"):
        from vocalsep.training.run_folder import RunFolder
        from vocalsep.training.trainer import Trainer
    display = ProgressDisplay(wanted=not quiet)
    with display, _interrupts() as interrupted:
        if resume:
            if out is None:
                raise OptionError("--resume needs the folder of the run", "Add -o RUN.")
            folder = RunFolder(out)
            config = _config_to_resume(folder, model, data or [], recipe, init, settings or [])
        else:
            config, folder = _new_run(model, data or [], recipe, out, init, settings or [], display, device)
        with display.bar(str(folder.path)) as advance:
            trainer = Trainer(
                config,
                folder,
                cpu=device is Device.cpu,
                on_step=_step_teller(advance),
                on_epoch=None if quiet else _tell_epoch,
                should_stop=interrupted,
            )
            trainer.start(resume=resume)
            complete = trainer.fit()
            trainer.close()
    if not trainer.is_main:
        return
    if not complete:
        report.say(f"stopped after step {trainer.position.step}, saved: vocalsep train --resume -o {folder.path}")
        raise typer.Exit(report.EXIT_INTERRUPTED)
    typer.echo(folder.best_weights)


def _new_run(
    model: str | None,
    data: list[str],
    recipe: str | None,
    out: Path | None,
    init: str | None,
    settings: list[str],
    display: ProgressDisplay,
    device: Device,
) -> tuple[RunConfig, RunFolder]:
    from accelerate import PartialState

    from vocalsep.training.default_data import training_dataset
    from vocalsep.training.recipe import load_recipe
    from vocalsep.training.run_folder import RunConfig, RunFolder

    if model is None:
        raise OptionError("no architecture to train", "Add --model tdf, tdsa, tdt, umx or tdf_mask.")
    name = recipe or "default"
    loaded = load_recipe(name, settings)
    folder = RunFolder(out or Path("runs") / f"{model}-{Path(name).stem}")
    folder.check_new()
    config = RunConfig.resolve(
        model, loaded, recipe_name=name, dataset="", init=init
    )  # refuses what is wrong before data are made
    # of several processes one makes the songs, and the others find them
    with PartialState(cpu=device is Device.cpu).main_process_first(), display.bar("songs") as advance:
        dataset = training_dataset(data, advance)
    return dataclasses.replace(config, dataset=dataset.spec), folder


def _config_to_resume(
    folder: RunFolder,
    model: str | None,
    data: list[str],
    recipe: str | None,
    init: str | None,
    settings: list[str],
) -> RunConfig:
    from vocalsep.training.run_folder import check_same_run

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


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Say whether Ctrl-C was pressed, or the process told to end; a second time ends it at once."""
    seen: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)
        report.say("saving a checkpoint; once more to stop at once")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(seen)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _step_teller(advance: Callable[..., None]) -> Callable[[StepReport], None]:
    def tell(step: StepReport) -> None:
        advance(
            step.epoch * step.epoch_steps + step.epoch_step,
            step.epochs * step.epoch_steps,
            f"epoch {step.epoch + 1}/{step.epochs}, loss {step.loss:.4f}, {step.audio_rate:.0f} x real time",
        )

    return tell


def _tell_epoch(row: Mapping[str, float]) -> None:
    sdrs = [
        f", {key.removeprefix('valid_sdr_')} sdr {row[key]:.2f} dB" for key in row if key.startswith("valid_sdr_")
    ]
    report.say(
        f"epoch {int(row['epoch'])}: {int(row['step'])} steps in {row['seconds']:.0f} s, "
        f"loss {row['train_loss']:.4f}, validation {row['valid_loss']:.4f}{''.join(sdrs)}"
    )
