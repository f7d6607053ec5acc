"""Which model a command runs: the one that is named, or that of a quality, and what its first use downloads."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from vocalsep.cli import options, stderr
from vocalsep.errors import OptionError
from vocalsep.weights.ensemble_spec import members
from vocalsep.weights.manifest import Entry, load_manifest
from vocalsep.weights.resolve import local_path


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


def choose(model: str | None, quality: Quality | None) -> str | None:
    """The model to run, None for the default.

    Raises:
        OptionError: both are given.
    """
    if quality is None:
        return model
    if model is not None:
        raise OptionError("--model and --quality exclude each other", "Choose one.")
    chosen: str = getattr(load_manifest().qualities, quality.value)
    return chosen


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
