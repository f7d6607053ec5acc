"""An installed distribution that carries weights, made by hand in a folder that is put on the path."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch

from vocalsep.models.architectures import build_model, config_of
from vocalsep.weights.checkpoint import Checkpoint, write_checkpoint

SMALL = {"architecture": "tdf", "n_bins": 16, "n_fft": 32, "hop_length": 16, "growth": 4, "depth": 2}


def write_weights(path: Path, config: dict[str, Any] = SMALL) -> None:
    torch.manual_seed(0)
    model = build_model(config)
    write_checkpoint(path, Checkpoint(config=config_of(model), state=model.state_dict()))


def entry_of(path: Path, model_id: str) -> dict[str, Any]:
    """The manifest entry of a weights file."""
    content = path.read_bytes()
    return {
        "id": model_id,
        "architecture": "tdf",
        "description": "Random weights.",
        "parameters": 1,
        "stems": ["vocals"],
        "licence": {"name": "CC0", "spdx": "CC0-1.0", "url": None, "statement": "Nobody's."},
        "attribution": "nobody",
        "training_data": "none",
        "file": path.name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def install(site: Path, distribution: str, *model_ids: str) -> Path:
    """Put a weights package with random weights into ``site``; gives its folder, whose code would leave a file."""
    name = distribution.replace("-", "_")
    folder = site / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(f"open({str(site / 'executed')!r}, 'w')\n")
    entries = []
    for model_id in model_ids:
        write_weights(folder / f"{model_id}.safetensors")
        entries.append(entry_of(folder / f"{model_id}.safetensors", model_id))
    (folder / "weights_manifest.json").write_text(json.dumps({"schema_version": 1, "models": entries}))
    info = site / f"{name}-2.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 2.5\n")
    (info / "entry_points.txt").write_text(f"[vocalsep.weights]\nweights = {name}\n")
    return folder
