"""The line that tells a user of the bundled default, once, what ``--quality balanced`` would give and cost."""

from __future__ import annotations

import sys
from contextlib import suppress

from platformdirs import user_state_path

from vocalsep.cli import stderr
from vocalsep.errors import OutputError
from vocalsep.system.files import atomic_path
from vocalsep.weights.manifest import Entry, load_manifest
from vocalsep.weights.resolve import local_path


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
    """At most 80 characters: a terminal breaks longer lines within a word."""
    manifest = load_manifest()
    fast, balanced = (manifest.entry(model) for model in (manifest.qualities.fast, manifest.qualities.balanced))
    download = "" if local_path(balanced) else f"{_megabytes(balanced)} to download, "
    return f"tip: --quality balanced is much stronger ({download}{_slower(fast, balanced)} times the time)"


def _megabytes(entry: Entry) -> str:
    assert entry.bytes is not None
    return f"{entry.bytes / 1e6:.0f} MB"


def _slower(fast: Entry, balanced: Entry) -> str:
    assert fast.cost is not None
    assert balanced.cost is not None
    return f"{balanced.cost.real_time_factor / fast.cost.real_time_factor:.0f}"
