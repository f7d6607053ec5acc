"""Which model a command runs: the one that is named, or that of a quality, and what its first use downloads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import typer

from vocalsep.cli import stderr
from vocalsep.cli.panels import MODEL_PANEL
from vocalsep.errors import OptionError, UnknownModelError
from vocalsep.weights.default_model import choose_default, default_model, model_of
from vocalsep.weights.ensemble_spec import EnsembleSpec, parse_ensemble
from vocalsep.weights.hub import offline_switches
from vocalsep.weights.manifest import Entry, load_manifest
from vocalsep.weights.resolve import check_named, from_anywhere, local_path


@dataclass(frozen=True, slots=True)
class Choice:
    """The model that a command runs.

    Attributes:
        model: what was chosen.
        origin: the option, the environment variable or the file that names it; None where nobody chose.
    """

    model: EnsembleSpec
    origin: str | None


def complete_name(begun: str) -> list[tuple[str, str]]:
    """The names of models that begin so, each with its description."""
    return [(entry.id, entry.description) for entry in load_manifest().models if entry.id.startswith(begun)]


def complete_model(begun: str) -> list[tuple[str, str]]:
    """The same for ``--model``, where a name may stand behind a plus."""
    before, plus, name = begun.rpartition("+")
    return [(before + plus + found, description) for found, description in complete_name(name)]


def choose(
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            rich_help_panel=MODEL_PANEL,
            help="Name, weights file or hf:OWNER/REPO; A+B is their mean.",
            show_default="that of 'vocalsep models use'",
            autocompletion=complete_model,
        ),
    ] = None,
    quality: Annotated[
        Literal["fast", "balanced", "best"] | None,
        typer.Option(
            "--quality",
            rich_help_panel=MODEL_PANEL,
            help="Instead of a name: what 'vocalsep models list' has for fast, balanced or best.",
            show_default=False,
        ),
    ] = None,
) -> Choice:
    """The model to run: that of an option, else the default.

    Raises:
        OptionError: both options are given, a weight of an ensemble is not above zero, or the user's file cannot
            be read.
        UnknownModelError: a name of an ensemble is empty, or the default that the environment or the user's file
            names is not there.
    """
    if model is not None and quality is not None:
        raise OptionError("--model and --quality exclude each other", "Choose one.")
    if model is not None:
        return Choice(parse_ensemble(model_of(model)), "--model")
    if quality is not None:
        return Choice(parse_ensemble(getattr(load_manifest().qualities, quality)), "--quality")
    default = default_model()
    chosen = Choice(parse_ensemble(default.spec), default.origin)
    if default.origin:
        try:
            _check_all_named(chosen.model)
        except UnknownModelError as error:
            error.message += f"; {default.origin} names it"
            error.hint = f"{error.hint} Or choose another default: vocalsep models use NAME"
            raise
    return chosen


def make_default(spec: str) -> None:
    """Run ``spec`` from now on where no option names a model, and say what of it is still to be downloaded.

    Args:
        spec: a model, an ensemble, or fast, balanced or best.

    Raises:
        UnknownModelError: one of its models is not there.
        OptionError: a weight of the ensemble makes no sense.
        OutputError: the choice cannot be written.
    """
    model = parse_ensemble(model_of(spec))
    _check_all_named(model)
    weights = {from_anywhere(str(name)): share for name, share in model.shares.items()}
    if len(weights) > 1 and any("+" in name for name in weights):
        raise OptionError("a file of this ensemble lies in a folder that has a + in its name", "Move the files.")
    alike = len(set(weights.values())) == 1
    named = "+".join(name if alike else f"{name}:{weight:g}" for name, weight in weights.items())
    choose_default(spec if model_of(spec) != spec else named)  # the word of a quality follows the ladder
    for entry in load_manifest().models:
        if entry.id in weights and not local_path(entry):
            stderr.note(f"the first split downloads {entry.id}; to get it now: vocalsep models pull {entry.id}")


def _check_all_named(model: EnsembleSpec) -> None:
    for name in model.shares:
        check_named(str(name))


def announce_downloads(model: EnsembleSpec, *, offline: bool) -> None:
    """Say of each model that is not on this machine what is downloaded, and under which licence."""
    if offline_switches(offline):
        return
    listed = {entry.id: entry for entry in load_manifest().models}
    for name in model.shares:
        entry = listed.get(name or "")
        if entry and entry.published_sources and not local_path(entry):
            announce(entry)


def announce(entry: Entry) -> None:
    """Say how large the weights are, and their licence."""
    size = f"{entry.bytes / 1e6:.0f} MB, " if entry.bytes else ""
    stderr.note(f"{entry.id}: {size}licence {entry.licence.name}. {entry.licence.statement}")
