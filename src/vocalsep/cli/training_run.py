"""What the commands that train have in common: their options, and a run with its bar, its words and Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vocalsep.cli import stderr
from vocalsep.cli.progress import Advance, ProgressDisplay
from vocalsep.system.extras import needs_extra

if TYPE_CHECKING:
    from vocalsep.datasets.dataset import Dataset
    from vocalsep.training.run.config import RunConfig
    from vocalsep.training.run.folder import RunFolder
    from vocalsep.training.run.position import StepReport
    from vocalsep.training.trainer import Trainer

_TOLD_BEFORE_A_FORECAST = 3  # reports: the first steps are slower than others
_WORTH_A_FORECAST_SECONDS, _LONG_RUN_SECONDS = 120, 3 * 3600
_SAID_IN_SECONDS = 90
_QUICK = "quick"


Device = Literal["auto", "cpu"]


Data = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="SPEC",
        help="Folder of tracks, musdb18hq[:ROOT], folders:ROOT, pools:VOCALS,ACCOMPANIMENT, synth[:ROOT] or "
        "stream:ROOT; several are trained on together.",
        show_default="MUSDB18-HQ if it was fetched, or synth",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a setting of the recipe: run.epochs=3.", show_default=False
    ),
]
DeviceOption = Annotated[Device, typer.Option("--device", "-d", help="auto takes the GPUs that accelerate finds.")]


@contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Say whether Ctrl-C was pressed, or the process told to end; a second time ends it at once."""
    seen: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)
        stderr.say("saving a checkpoint; once more to stop at once")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(seen)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check_extra() -> None:
    """Import what training needs.

    Raises:
        MissingExtraError: a package is missing.
    """
    with needs_extra("train"):
        import_module("vocalsep.training.trainer")


def open_data(specs: Sequence[str], display: ProgressDisplay, device: Device) -> Dataset:
    """See `vocalsep.training.default_data.training_dataset`; a bar is shown while songs are made."""
    from accelerate import PartialState

    from vocalsep.training.default_data import training_dataset

    # of several processes one makes the songs, and the others find them
    with PartialState(cpu=device == "cpu").main_process_first(), display.bar("songs") as advance:
        return training_dataset(specs, advance)


def train_run(
    config: RunConfig,
    folder: RunFolder,
    display: ProgressDisplay,
    *,
    resume: bool,
    device: Device,
    should_stop: Callable[[], bool],
) -> tuple[Trainer, bool]:
    """Begin a run, or go on with it, with a bar and a line for each epoch.

    Returns:
        the trainer, and whether the run is complete; it is not where ``should_stop`` ended it.
    """
    from vocalsep.training.trainer import Trainer

    with display.bar(str(folder.path)) as advance:
        trainer = Trainer(
            config,
            folder,
            cpu=device == "cpu",
            on_step=_step_teller(advance, config.recipe_name),
            on_epoch=_tell_epoch,
            should_stop=should_stop,
        )
        trainer.start(resume=resume)
        return trainer, trainer.fit()


def _step_teller(advance: Advance, recipe: str) -> Callable[[StepReport], None]:
    """What moves the bar, and says once how long the run will take."""
    n_told = 0

    def tell(step: StepReport) -> None:
        nonlocal n_told
        n_told += 1
        left = _duration(step.seconds_left)
        advance(
            step.step,
            step.steps,
            f"epoch {step.epoch + 1}/{step.epochs}, step {step.step}/{step.steps}, loss {step.loss:.4f}, "
            f"{step.audio_rate:.1f} x real time, {left} left",
        )
        if n_told == _TOLD_BEFORE_A_FORECAST and step.seconds_left > _WORTH_A_FORECAST_SECONDS:
            stderr.note(
                f"{step.steps} steps of {step.seconds_a_step:.1f} s: about {left} to go{_shorter(step, recipe)}"
            )

    return tell


def _shorter(step: StepReport, recipe: str) -> str:
    """What makes a run of some hours shorter."""
    if step.seconds_left < _LONG_RUN_SECONDS:
        return ""
    quick = "" if recipe == _QUICK else f"--recipe {_QUICK} ends within the hour on two cores; "
    return f". {quick}--set run.epochs=N sets how long it goes on, and a GPU is many times as fast"


def _duration(seconds: float) -> str:
    """A time in the words that one would say it in.

    >>> _duration(50000), _duration(100), _duration(20)
    ('13 h 53 min', '2 min', '20 s')
    """
    minutes = round(seconds / 60)
    if seconds < _SAID_IN_SECONDS:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _tell_epoch(row: Mapping[str, float]) -> None:
    sdrs = [
        f", {key.removeprefix('valid_sdr_')} sdr {row[key]:.2f} dB" for key in row if key.startswith("valid_sdr_")
    ]
    stderr.note(
        f"epoch {int(row['epoch'])}: {int(row['step'])} steps in {row['seconds']:.0f} s, "
        f"loss {row['train_loss']:.4f}, validation {row['valid_loss']:.4f}{''.join(sdrs)}"
    )
