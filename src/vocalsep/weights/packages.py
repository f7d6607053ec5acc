"""Weights packages: distributions that carry weights, found by their entry points in ``vocalsep.weights``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

GROUP = "vocalsep.weights"
"""The entry-point group. The value of an entry point is a package without code, and its folder holds the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsPackage:
    """An installed distribution that carries weights.

    Attributes:
        distribution: its name on PyPI, normalised: ``vocalsep-scnet``.
        version: version of the distribution.
        folder: where its files lie.
    """

    distribution: str
    version: str
    folder: Path


@cache
def weights_packages() -> tuple[WeightsPackage, ...]:
    """The weights packages of this environment, by name. None of them is imported, so no code of theirs runs."""
    from importlib.metadata import distributions  # in 10 ms that other starts do not need

    found: dict[str, WeightsPackage] = {}
    for distribution in distributions():
        # parsed, the entry points of all would take twice the time
        if GROUP not in (distribution.read_text("entry_points.txt") or ""):
            continue
        for entry_point in distribution.entry_points.select(group=GROUP):
            if folder := _folder_of(entry_point.value):
                name = re.sub(r"[-_.]+", "-", distribution.name).lower()
                package = WeightsPackage(distribution=name, version=distribution.version, folder=folder)
                found.setdefault(name, package)
    return tuple(found[name] for name in sorted(found))


def _folder_of(package: str) -> Path | None:
    """The folder of a package at the top level; to look for one inside another would import that one."""
    spec = find_spec(package) if package.isidentifier() else None
    locations = spec.submodule_search_locations if spec else None
    return Path(next(iter(locations))) if locations else None
