"""Push this project's own models to their repositories on the Hub, each with its card.

    HF_TOKEN=... python tools/push_models.py

The owner is ``hub_owner`` of weights_manifest.json. Repositories that are there already get a new commit.
Afterwards take ``"published": false`` off the sources in the manifest: until then nobody is sent to them.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from vocalsep.system.digest import sha256_of
from vocalsep.weights.checkpoint import read_checkpoint, write_checkpoint
from vocalsep.weights.manifest import Entry, read_manifest
from vocalsep.weights.push import push

PROJECT = Path(__file__).parents[1]
SITE = "https://vocalsep.github.io/vocalsep"
_LINK = re.compile(r"\]\((?!https?:|#)([\w./-]+?)\.md(#[\w-]+)?\)")
_FRONT = """\
---
library_name: vocalsep
license: {licence}
tags: [audio, music, source-separation, vocals]
---

"""


def main() -> None:
    """Push all, and print each name for ``--model``."""
    manifest = read_manifest(PROJECT / "weights_manifest.json")
    for entry in manifest.models:
        for source in entry.sources:
            if source.repo.startswith(f"{manifest.hub_owner}/") and entry.bundled_path:
                check_bytes(entry)
                with tempfile.TemporaryDirectory() as folder:
                    card = Path(folder) / "README.md"
                    card.write_text(card_of(entry), encoding="utf-8")
                    push(entry.id, source.repo, card=card)
                print(f"hf:{source.repo}", flush=True)


def check_bytes(entry: Entry) -> None:
    """Make sure that what is pushed has the hash of the manifest: a push writes the weights file anew."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        write_checkpoint(path, read_checkpoint(Path(str(entry.bundled_path))))
        if sha256_of(path) != entry.sha256:
            raise SystemExit(f"{entry.id}: the bytes that a push writes are not those of the manifest")


def card_of(entry: Entry) -> str:
    """The model's page, with a head for the Hub, and links that lead to the documentation site."""
    page = (PROJECT / "docs" / "models" / f"{entry.id}.md").read_text(encoding="utf-8")
    front = _FRONT.format(licence=(entry.licence.spdx or "other").lower())
    return front + _LINK.sub(lambda link: f"]({SITE}/{_place(link[1])}/{link[2] or ''})", page)


def _place(link: str) -> str:
    """Where the page that docs/models links to lies on the site."""
    return link[3:] if link.startswith("../") else f"models/{link}"


if __name__ == "__main__":
    main()
