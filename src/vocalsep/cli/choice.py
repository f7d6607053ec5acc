"""Which model a command runs: the one that is named, or that of a quality, and what its first use downloads."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from vocalsep.cli import options, stderr
from vocalsep.errors import OptionError, UnknownModelError
from vocalsep.weights.default_model import ChosenModel, choose_default, default_model
from vocalsep.weights.ensemble_spec import members
from vocalsep.weights.manifest import Entry, load_manifest
from vocalsep.weights.resolve import check_named, from_anywhere, local_path


class Quality(str, Enum):
    """What ``--quality`` takes."""

    fast = "fast"
    balanced = "balanced"
    best = "best"


QualityOption = Annotated[
    Quality | None,
    typer.Option(
        "--quality",
        rich_help_panel=options.MODEL_PANEL,
        help="Instead of a name: what 'vocalsep models list' has for fast, balanced or best.",
        show_default=False,
    ),
]


def complete_name(begun: str) -> list[tuple[str, str]]:
    """The names of models that begin so, each with its description."""
    return [(entry.id, entry.description) for entry in load_manifest().models if entry.id.startswith(begun)]


def complete_model(begun: str) -> list[tuple[str, str]]:
    """The same for ``--model``, where a name may stand behind a plus."""
    before, plus, name = begun.rpartition("+")
    return [(before + plus + found, description) for found, description in complete_name(name)]


def choose(model: str | None, quality: Quality | None) -> ChosenModel:
    """The model to run: that of an option, else the default.

    Raises:
        OptionError: both options are given, or the user's file cannot be read.
        UnknownModelError: the default that the environment or the user's file names is not there.
    """
    if model is not None and quality is not None:
        raise OptionError("--model and --quality exclude each other", "Choose one.")
    if model is not None:
        return ChosenModel(spec=model, origin="--model")
    if quality is not None:
        return ChosenModel(spec=getattr(load_manifest().qualities, quality.value), origin="--quality")
    default = default_model()
    if default.origin:
        try:
            _check_all_named(default.spec)
        except UnknownModelError as error:
            error.message += f"; {default.origin} names it"
            error.hint = f"{error.hint} Or choose another default: vocalsep models use NAME"
            raise
    return default


def make_default(spec: str) -> None:
    """Run ``spec`` from now on where no option names a model, and say what of it is still to be downloaded.

    Raises:
        UnknownModelError: one of its models is not there.
        OptionError: a weight of the ensemble makes no sense.
        OutputError: the choice cannot be written.
    """
    _check_all_named(spec)
    weights = {from_anywhere(str(name)): weight for name, weight in members(spec).items()}
    alike = len(set(weights.values())) == 1
    choose_default("+".join(name if alike else f"{name}:{weight:g}" for name, weight in weights.items()))
    for entry in load_manifest().models:
        if entry.id in weights and not local_path(entry):
            stderr.say(f"the first split downloads {entry.id}; to get it now: vocalsep models pull {entry.id}")


def _check_all_named(spec: str) -> None:
    for name in members(spec):
        check_named(str(name))


def announce_downloads(model: str | None) -> None:
    """Say of each model that is not on this machine what is downloaded, and under which licence."""
    listed = {entry.id: entry for entry in load_manifest().models}
    for name in members(model):
        entry = listed.get(name or "")
        if entry and entry.published_sources and not local_path(entry):
            announce(entry)


def announce(entry: Entry) -> None:
    """Say how large the weights are, and their licence."""
    size = f"{entry.bytes / 1e6:.0f} MB, " if entry.bytes else ""
    stderr.say(f"{entry.id}: {size}licence {entry.licence.name}. {entry.licence.statement}")
