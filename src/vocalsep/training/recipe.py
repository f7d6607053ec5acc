"""What a training run does: recipes, as TOML files of this package or of the user, and settings on top of them."""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from vocalsep.errors import OptionError
from vocalsep.models.architectures import ARCHITECTURES
from vocalsep.system.mapping import from_mapping
from vocalsep.training.augmentation import Augmentation
from vocalsep.training.losses import check_losses

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSettings:
    """What is read of the tracks.

    Attributes:
        chunk_seconds: length of a training example.
        chunks_per_track: examples of each track an epoch.
        batch_size: examples in a step, for each process.
        workers: processes that read, for each process that trains.
        valid_chunks_per_track: examples of each validation track, evenly spaced; 0 is the whole track.
        epoch_chunks: examples an epoch, whatever the number of tracks; 0 is `chunks_per_track` of each. A stream
            needs it.
        shares: how often each data set is drawn from, one number for each, in the order they were given; empty
            draws every track alike. Needs `epoch_chunks`.
        stream_passes: number of epochs in which a song of a stream is heard before it is removed.
    """

    chunk_seconds: float = 3.0
    chunks_per_track: int = 64
    batch_size: int = 8
    workers: int = 2
    valid_chunks_per_track: int = 0
    epoch_chunks: int = 0
    shares: tuple[float, ...] = ()
    stream_passes: int = 4

    def __post_init__(self) -> None:
        _at_least(self, chunk_seconds=0.1, chunks_per_track=1, batch_size=1, workers=0, valid_chunks_per_track=0)
        _at_least(self, epoch_chunks=0, stream_passes=1)
        if self.shares and not self.epoch_chunks:
            raise OptionError("data.shares needs a number of chunks", "Add data.epoch_chunks=1000.")
        if self.shares and (min(self.shares) < 0 or not any(self.shares)):
            raise OptionError(f"data.shares is {self.shares}", "Give numbers of 0 or more that are not all 0.")


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimiserSettings:
    """How weights follow gradients.

    Attributes:
        name: ``adam`` or ``adamw``.
        learning_rate: the highest learning rate of the schedule.
        weight_decay: weight decay of the optimiser.
        schedule: course of the learning rate: ``constant``, ``cosine`` over the whole run, or ``plateau``, which
            lowers it when the validation loss stops falling.
        warmup_steps: steps in which the learning rate rises from 0; not with ``plateau``.
        plateau_factor: what ``plateau`` multiplies the learning rate by.
        plateau_patience: epochs without a better loss after which ``plateau`` lowers the learning rate.
        clip_norm: length that longer gradients are cut to; 0 leaves them as they are.
        ema_decay: decay of the moving average of the weights, which is then validated and saved; 0 keeps no
            average.
        accumulate: batches whose gradients make one step.
    """

    name: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: Literal["constant", "cosine", "plateau"] = "constant"
    warmup_steps: int = 0
    plateau_factor: float = 0.3
    plateau_patience: int = 10
    clip_norm: float = 0.0
    ema_decay: float = 0.0
    accumulate: int = 1

    def __post_init__(self) -> None:
        _at_least(self, weight_decay=0, warmup_steps=0, plateau_patience=0, clip_norm=0, accumulate=1)
        if self.learning_rate <= 0:
            raise OptionError(f"optimiser.learning_rate is {self.learning_rate}", "Give a positive number.")
        if not 0 <= self.ema_decay < 1:
            raise OptionError(f"optimiser.ema_decay is {self.ema_decay}", "Give 0 to less than 1.")
        if self.schedule == "plateau" and self.warmup_steps:
            raise OptionError("optimiser.warmup_steps goes with the schedules constant and cosine")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """How long a run goes on, and how it is kept.

    Attributes:
        epochs: the most.
        max_steps: the most steps; 0 is as many as the epochs have.
        early_stop_epochs: epochs without a better validation loss that end the run; 0 is never.
        checkpoint_steps: steps from checkpoint to checkpoint, besides the one after every epoch; 0 saves none.
        precision: number format of the network. ``auto`` is bf16 where the device computes it natively, else fp32.
        compile: whether the network goes through torch.compile.
        seed: seed of all random draws.
    """

    epochs: int = 13
    max_steps: int = 0
    early_stop_epochs: int = 0
    checkpoint_steps: int = 0
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    compile: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        _at_least(self, epochs=1, max_steps=0, early_stop_epochs=0, checkpoint_steps=0, seed=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All settings of a run except the architecture and the data set.

    Attributes:
        model: fields of the architecture's config that are not its defaults; a table named like an architecture
            holds those of that one alone.
        data: what is read.
        augmentation: what is done to it.
        loss: weight of each loss, by its name.
        optimiser: how weights follow gradients.
        run: how long.
    """

    model: Mapping[str, object] = field(default_factory=dict)
    data: DataSettings = field(default_factory=DataSettings)
    augmentation: Augmentation = field(default_factory=Augmentation)
    loss: Mapping[str, float]
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    run: RunSettings = field(default_factory=RunSettings)

    def __post_init__(self) -> None:
        check_losses(self.loss)

    def model_config(self, architecture: str) -> dict[str, object]:
        """The config that `vocalsep.models.architectures.build_model` takes, for one of its architectures.

        Raises:
            OptionError: there is no such architecture.
        """
        trainable = [name for name, kind in ARCHITECTURES.items() if kind.build]
        if architecture not in trainable:
            raise OptionError(
                f"no architecture to train is called '{architecture}'", f"Choose {', '.join(trainable)}."
            )
        own = self.model.get(architecture, {})
        common = {key: value for key, value in self.model.items() if key not in ARCHITECTURES}
        return {"architecture": architecture, **(own if isinstance(own, Mapping) else {}), **common}


def recipe_names() -> list[str]:
    """The recipes of this package.

    Example:
        >>> recipe_names()
        ['default', 'paper', 'quick']
    """
    folder = files("vocalsep.training") / "recipes"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def load_recipe(name_or_path: str, settings: Sequence[str] = ()) -> Recipe:
    """Read a recipe and change it.

    Args:
        name_or_path: one of `recipe_names`, or a TOML file.
        settings: ``key=value``, the key with dots, the value as in TOML; quotes around words may be left out.

    Raises:
        OptionError: no such recipe, no TOML, an unknown key (the nearest valid one is named) or a wrong value.

    Example:
        >>> load_recipe("paper", ["optimiser.learning_rate=5e-4"]).optimiser.learning_rate
        0.0005
    """
    return recipe_from(_read(name_or_path), settings)


def recipe_from(values: Mapping[str, Any], settings: Sequence[str] = ()) -> Recipe:
    """The recipe of a mapping, as in TOML, with changes on top; see `load_recipe`."""
    changed: dict[str, Any] = copy.deepcopy(dict(values))
    for setting in settings:
        key, equals, text = setting.partition("=")
        *sections, name = key.strip().split(".")
        if not (equals and sections and name):
            raise OptionError(f"'{setting}' is no setting", "Write section.key=value, such as run.epochs=3.")
        table = changed
        for section in sections:
            table = table.setdefault(section, {})
            if not isinstance(table, dict):
                raise OptionError(f"'{setting}': {section} is a value, not a section")
        table[name] = _value(text.strip())
    return from_mapping(Recipe, changed)


def _read(name_or_path: str) -> dict[str, Any]:
    if name_or_path in recipe_names():
        text = (files("vocalsep.training") / "recipes" / f"{name_or_path}.toml").read_text(encoding="utf-8")
    elif Path(name_or_path).is_file():
        try:
            text = Path(name_or_path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise OptionError(f"cannot read the recipe {name_or_path}: {error}", "Give a TOML file.") from error
    else:
        raise OptionError(
            f"no recipe is called '{name_or_path}'", f"Known: {', '.join(recipe_names())}; or give a TOML file."
        )
    try:
        recipe: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OptionError(f"the recipe {name_or_path} is no TOML: {error}", "Mend that line.") from error
    return recipe


def _value(text: str) -> object:
    try:
        value: object = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return value


def _at_least(settings: object, **limits: float) -> None:
    for name, least in limits.items():
        if getattr(settings, name) < least:
            raise OptionError(f"{name} is {getattr(settings, name)}", f"Give {least} or more.")
