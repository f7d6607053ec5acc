"""Print the changes of one version, for the notes of a release.

    python tools/release_notes.py v1.0.0

Fails where the changelog has no such version, or where the package has another one.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from vocalsep._version import __version__

CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"


def notes(tag: str, changelog: str) -> str:
    """What the changelog says of the version that ``tag`` names."""
    version = tag.removeprefix("v")
    if version != __version__:
        raise SystemExit(f"the tag is {tag}, and the package is {__version__}")
    section = re.search(rf"^## {re.escape(version)}\b[^\n]*\n(.*?)(?=^## |\Z)", changelog, re.M | re.S)
    if section is None or not section[1].strip():
        raise SystemExit(f"{CHANGELOG.name} says nothing of {version}")
    return section[1].strip()


if __name__ == "__main__":
    print(notes(sys.argv[1], CHANGELOG.read_text(encoding="utf-8")))
