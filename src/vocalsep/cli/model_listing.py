"""What the command line shows of the models in the manifest: a table of all, and the facts of one."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator
from typing import Any

from vocalsep.cli.table import aligned
from vocalsep.stem_names import VOCALS
from vocalsep.weights.manifest import Entry, Licence, Manifest, Metric
from vocalsep.weights.resolve import local_path

_HEADS = ("NAME", "QUALITY", "SIZE", "TIME", "MEMORY", "LICENCE", "COMMERCIAL", "WEIGHTS", "SCORE")
_NUMBERS = range(2, 5)
_NARROW = 7
"""How many columns a narrow terminal has. The others are a second line of each model there."""

_NOTES = (
    "* the default. Quality: what --quality picks. Size: of the file, installed or to be downloaded."
    " Time: relative to that of the song, measured on two cores."
    " Commercial: whether the licence of the weights allows commercial use."
    " Score: of the vocals; scores on different songs cannot be compared."
    " vocalsep models show NAME says more of a model."
)
_LONGEST_LINE = 100
"""Of a text: longer lines are hard to read."""

_HANGING: Any = {"subsequent_indent": " " * 16, "break_on_hyphens": False, "break_long_words": False}


def table(manifest: Manifest, default: str, width: int | None = None) -> Iterator[str]:
    """The lines of a table of all models.

    Args:
        manifest: with the models.
        default: id of the one that runs where none is named.
        width: columns of the terminal. Where a model does not fit into one line, it has two. None: it always has
            one.
    """
    picked = {model: quality for quality, model in dataclasses.asdict(manifest.qualities).items()}
    rows = [_HEADS]
    rows += [
        (
            entry.id + (" *" if entry.id == default else ""),
            picked.get(entry.id, "-"),
            f"{entry.bytes / 1e6:.1f} MB" if entry.bytes else "-",
            f"{entry.cost.real_time_factor:g} x" if entry.cost else "-",
            f"{entry.cost.memory_mb / 1000:.1f} GB" if entry.cost else "-",
            entry.licence.name,
            commercial_use(entry.licence),
            whereabouts(entry),
            _short_score(entry.metrics[0]) if entry.metrics else "-",
        )
        for entry in manifest.models
    ]
    lines = aligned(rows, _NUMBERS)
    if width is None or max(map(len, lines)) <= width:
        yield from lines
    else:
        short = aligned([row[:_NARROW] for row in rows], _NUMBERS)
        for line, (_, *others) in zip(short, (row[_NARROW - 1 :] for row in rows), strict=True):
            yield line
            yield "  " + ", ".join(text for text in others if text != "-")
    yield ""
    yield from textwrap.wrap(_NOTES, min(width or _LONGEST_LINE, _LONGEST_LINE))


def facts(entry: Entry) -> dict[str, Any]:
    """All that is known of a model, as JSON takes it."""
    return {
        **dataclasses.asdict(entry),
        "weights": whereabouts(entry),
        "path": str(local_path(entry) or "") or None,
    }


def details(entry: Entry, width: int | None = None) -> Iterator[str]:
    """All that is known of a model, by name.

    Args:
        entry: the model.
        width: columns of the terminal, where longer lines are broken. None: a fact always has one line.
    """
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
            line = f"{key:<15} {value}"
            yield from textwrap.wrap(line, width, **_HANGING) if width else [line]


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


def _short_score(metric: Metric) -> str:
    """A score of the vocals, unless it says of what."""
    stem = "" if metric.stem == VOCALS else f" of {metric.stem}"
    return f"{metric.name}{stem} {metric.value:.2f} {metric.unit}, {metric.dataset}"


def _score(metric: Metric) -> str:
    return f"{metric.name} of {metric.stem} {metric.value:.2f} {metric.unit}, {metric.dataset}"
