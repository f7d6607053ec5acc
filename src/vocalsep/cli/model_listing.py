"""What the command line shows of the models in the manifest: a table of all, and the facts of one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from vocalsep.cli.table import aligned
from vocalsep.weights.manifest import Entry, Licence, Manifest, Metric
from vocalsep.weights.resolve import local_path

_HEADS = ("NAME", "QUALITY", "WEIGHTS", "SIZE", "TIME", "MEMORY", "LICENCE", "COMMERCIAL", "SCORE")
_NOTES = """
* the default. Quality: what --quality picks. Size: of the file, installed or to be downloaded. Time: relative to
that of the song, measured on two cores. Commercial: whether the licence of the weights allows commercial use.
Scores on different songs cannot be compared."""


def table(manifest: Manifest, default: str) -> Iterator[str]:
    """The lines of a table of all models.

    Args:
        manifest: with the models.
        default: id of the one that runs where none is named.
    """
    picked = {model: quality for quality, model in dataclasses.asdict(manifest.qualities).items()}
    rows = [_HEADS]
    rows += [
        (
            entry.id + (" *" if entry.id == default else ""),
            picked.get(entry.id, "-"),
            whereabouts(entry),
            f"{entry.bytes / 1e6:.1f} MB" if entry.bytes else "-",
            f"{entry.cost.real_time_factor:g} x" if entry.cost else "-",
            f"{entry.cost.memory_mb / 1000:.1f} GB" if entry.cost else "-",
            entry.licence.name,
            commercial_use(entry.licence),
            _score(entry.metrics[0]) if entry.metrics else "-",
        )
        for entry in manifest.models
    ]
    yield from aligned(rows)
    yield _NOTES


def facts(entry: Entry) -> dict[str, Any]:
    """All that is known of a model, as JSON takes it."""
    return {
        **dataclasses.asdict(entry),
        "weights": whereabouts(entry),
        "path": str(local_path(entry) or "") or None,
    }


def details(entry: Entry) -> Iterator[str]:
    """All that is known of a model, a line each."""
    for key, value in facts(entry).items():
        if key == "metrics":
            value = "; ".join(_score(metric) + f" ({metric.protocol})" for metric in entry.metrics)
        elif key == "sources":
            value = ", ".join(
                f"{source.repo}@{source.revision or 'main'}/{source.file}"
                + ("" if source.published else " (not published yet)")
                for source in entry.sources
            )
        elif key == "licence":
            licence = entry.licence
            value = f"{licence.name}: {licence.statement} Commercial use: {commercial_use(licence)}."
        elif key == "cost" and entry.cost:
            cost = entry.cost
            value = f"{cost.real_time_factor:g} s a second of audio, {cost.memory_mb} MB: {cost.measured}"
        elif isinstance(value, dict):
            value = ", ".join(f"{name} {part}" for name, part in value.items())
        elif isinstance(value, (list, tuple)):
            value = ", ".join(map(str, value))
        if value not in (None, ""):
            yield f"{key:<16} {value}"


def commercial_use(licence: Licence) -> str:
    """Whether a licence allows commercial use: yes, no, not stated."""
    return {True: "yes", False: "no", None: "not stated"}[licence.commercial_use]


def whereabouts(entry: Entry) -> str:
    """Where the weights of a model are."""
    if entry.bundled_path:
        return "bundled"
    if entry.installed_path:
        return "installed"
    if local_path(entry):
        return "cached"
    return "on the Hub" if entry.published_sources else "not installed"


def _score(metric: Metric) -> str:
    return f"{metric.name} of {metric.stem} {metric.value} {metric.unit}, {metric.dataset}"
