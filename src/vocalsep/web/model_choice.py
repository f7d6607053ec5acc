"""The models that the page offers, in words."""

from __future__ import annotations

from typing import Any

from vocalsep.web.pace import Pace
from vocalsep.weights.manifest import Entry, load_manifest
from vocalsep.weights.resolve import local_path


def offered_models(*, offline: bool) -> dict[str, str]:
    """What to call each model, by its id: those of the ladder first. Offline, only what is on this machine."""
    manifest = load_manifest()
    qualities = {name: getattr(manifest.qualities, name) for name in manifest.qualities.__slots__}
    names = {model: f"{quality.capitalize()}: {model}" for quality, model in qualities.items()}
    entries = {entry.id: entry for entry in manifest.models}
    order = [*names, *(model for model in entries if model not in names)]
    return {
        model: f"{names.get(model, model)} ({entries[model].licence.name}, {_place(entries[model])})"
        for model in order
        if local_path(entries[model]) or (entries[model].sources and not offline)
    }


def describe_models(pace: Pace, *, offline: bool) -> list[dict[str, Any]]:
    """What the page says of each model that it offers, and how fast it is here."""
    entries = {entry.id: entry for entry in load_manifest().models}
    return [
        {
            "id": model,
            "description": entries[model].description,
            "licence": entries[model].licence.statement,
            "place": _place(entries[model]),
            "pace": pace.expected(model),
            "measured": pace.measured(model) is not None,
        }
        for model in offered_models(offline=offline)
    ]


def _place(entry: Entry) -> str:
    """Where the weights are, with their size."""
    size = f"{entry.bytes / 1e6:.3g} MB" if entry.bytes else ""
    if local_path(entry):
        return size or "on this machine"
    return f"{size} to download".strip()
