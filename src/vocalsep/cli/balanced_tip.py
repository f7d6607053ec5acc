"""The line that tells a user of the bundled default, once, what ``--quality balanced`` would give and cost."""

from __future__ import annotations

import sys
from contextlib import suppress

from platformdirs import user_state_path

from vocalsep.cli import stderr
from vocalsep.errors import OutputError
from vocalsep.system.files import atomic_path
from vocalsep.weights.manifest import Entry, load_manifest


def tell_once() -> None:
    """Say it in a terminal, the first time; where that cannot be remembered, never."""
    if not (sys.stdout and sys.stdout.isatty() and sys.stderr.isatty()):
        return
    told = user_state_path("vocalsep", appauthor=False) / "balanced-tip-told"
    if not told.is_absolute() or told.exists():
        return
    with suppress(OutputError, OSError):
        with atomic_path(told) as temporary:
            temporary.touch()
        stderr.say(_tip())


def _tip() -> str:
    manifest = load_manifest()
    fast, balanced = (manifest.entry(model) for model in (manifest.qualities.fast, manifest.qualities.balanced))
    return (
        f"tip: --quality balanced runs {balanced.id}, a much stronger model: a download of {_megabytes(balanced)},"
        f" once, and {_slower(fast, balanced)} times the time. `vocalsep models use balanced` makes it your"
        " default. (Said once.)"
    )


def _megabytes(entry: Entry) -> str:
    assert entry.bytes is not None
    return f"{entry.bytes / 1e6:.0f} MB"


def _slower(fast: Entry, balanced: Entry) -> str:
    assert fast.cost is not None
    assert balanced.cost is not None
    return f"{balanced.cost.real_time_factor / fast.cost.real_time_factor:.0f}"
