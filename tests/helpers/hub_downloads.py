"""Entries to download from a hub on loopback, and what came of it."""

import hashlib
import json
import random
import subprocess
from pathlib import Path

from helpers.hub_server import COMMIT

CONTENT = random.Random(1).randbytes(100_000)
WRONG = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])


def outcome(process: subprocess.Popen[str]) -> dict:
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert "%|" not in stderr, "the client's own progress bar"
    return json.loads(stdout)


def entry(content: bytes = CONTENT, repos: tuple[str, ...] = ("someone/voices",)) -> dict:
    return {
        "id": "voices",
        "architecture": "tdt",
        "description": "",
        "parameters": 1,
        "stems": ["vocals"],
        "licence": {"name": "MIT", "spdx": "MIT", "url": None, "statement": "Theirs."},
        "attribution": "someone",
        "training_data": "not stated",
        "file": "voices.safetensors",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "sources": [{"repo": repo, "revision": COMMIT, "file": "voices.safetensors"} for repo in repos],
    }


def in_cache(tmp_path: Path) -> list[str]:
    """Whatever of the weights is left in the cache, whole or not."""
    hub = tmp_path / "hf" / "hub"
    return sorted(str(p.relative_to(hub)) for p in hub.glob("models--*/*/**/*") if p.is_file() or p.is_symlink())
