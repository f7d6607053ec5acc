"""Make a wheel of a listed model's weights, so that pip installs them: the ``vocalsep-scnet`` of a release.

    python tools/weights_package.py scnet --out dist

The checkpoint is fetched by its hash, stored as float16 safetensors, and compared on a song with what it was made
of. The wheel holds the weights, a manifest with their hash, and a card, and no code that anything runs.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import soundfile
import torch

from vocalsep.api import Separator
from vocalsep.system.digest import sha256_of
from vocalsep.weights.checkpoint import Checkpoint, write_checkpoint
from vocalsep.weights.manifest import Entry, load_manifest
from vocalsep.weights.published import import_published
from vocalsep.weights.resolve import fetch_entry

PROJECT = Path(__file__).parents[1]
LARGEST = 100_000_000
"""Bytes of the largest file that PyPI takes."""
LEAST_AGREEMENT = 40.0
"""The least signal-to-difference ratio, in dB, between stems of the float16 weights and of the checkpoint."""

_PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.25"]
build-backend = "hatchling.build"

[project]
name = "{distribution}"
version = "{version}"
description = "Weights for vocalsep: {description}"
readme = "README.md"
license = "{spdx}"
requires-python = ">=3.10"

[project.urls]
Homepage = "https://github.com/vocalsep/vocalsep"

[project.entry-points."vocalsep.weights"]
{key} = "{package}"

[tool.hatch.build.targets.wheel]
packages = ["{package}"]
"""
_CARD = """\
# {distribution}

Weights of `{id}` for [vocalsep](https://pypi.org/project/vocalsep/): {description}

```console
$ pip install vocalsep {distribution}
$ vocalsep split song.mp3 --model {id}
```

| | |
|---|---|
| architecture | `{architecture}`, {parameters:,} parameters, float16 |
| licence of the weights | {licence}. {statement} |
| credit | {attribution} |
| training data | {training_data} |
| made of | `{file}`, sha256 `{sha256}` |

On a song, the stems of these float16 weights and of the original checkpoint agree to {agreement:.0f} dB.
"""


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="an id of the manifest that names a package")
    parser.add_argument("--out", type=Path, default=Path("dist"), help="folder for the wheel")
    parser.add_argument("--version", default="1.0.0", help="of the distribution")
    parser.add_argument("--song", type=Path, default=PROJECT / "examples" / "demo.mp3", help="to compare on")
    arguments = parser.parse_args()
    entry = load_manifest().entry(arguments.model)
    checkpoint = fetch_entry(entry).path
    print(build(entry, checkpoint, arguments.out, version=arguments.version, song=arguments.song))


def build(entry: Entry, checkpoint: Path, out: Path, *, version: str, song: Path) -> Path:
    """Build the wheel of an entry from its checkpoint, and give its path."""
    if entry.package is None or entry.licence.spdx is None:
        raise SystemExit(f"{entry.id}: the manifest names no package for it, or no licence that allows one")
    with tempfile.TemporaryDirectory(prefix="vocalsep-") as temporary:
        source = Path(temporary)
        folder = source / entry.package.replace("-", "_")
        folder.mkdir()
        weights = folder / f"{entry.id}.safetensors"
        imported = import_published(checkpoint, entry.id, entry.config)
        write_checkpoint(weights, imported, dtype=torch.float16)
        agreement = agreement_on(song, weights, imported)
        if agreement < LEAST_AGREEMENT:
            raise SystemExit(f"{entry.id}: the vocals differ from the checkpoint's, at {agreement:.1f} dB")
        write_files(source, folder, entry, weights, version, agreement)
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = out.glob(f"{folder.name}-{version}-*.whl")
    if wheel.stat().st_size > LARGEST:
        raise SystemExit(f"{wheel} has {wheel.stat().st_size} bytes, more than PyPI takes")
    return wheel


def write_files(source: Path, folder: Path, entry: Entry, weights: Path, version: str, agreement: float) -> None:
    """Write all that the wheel holds beside the weights."""
    stored = dataclasses.replace(
        entry,
        file=weights.name,
        bytes=weights.stat().st_size,
        sha256=sha256_of(weights, fresh=True),
        config=None,  # it is in the file
        sources=(),
    )
    manifest = {"schema_version": 1, "models": [dataclasses.asdict(stored)]}
    (folder / "weights_manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=2), "utf-8")
    (folder / "__init__.py").write_text('"""Weights for vocalsep, which runs no code of this package."""\n')
    facts = dataclasses.asdict(entry)
    facts |= {"distribution": entry.package, "package": folder.name, "key": entry.id, "version": version}
    facts |= {"licence": entry.licence.name, "statement": entry.licence.statement, "agreement": agreement}
    card = _CARD.format(**facts)
    (source / "README.md").write_text(card, "utf-8")
    (folder / "README.md").write_text(card, "utf-8")
    (source / "pyproject.toml").write_text(_PYPROJECT.format(**facts, spdx=entry.licence.spdx), "utf-8")


def agreement_on(song: Path, weights: Path, checkpoint: Checkpoint) -> float:
    """The signal-to-difference ratio, in dB, between a song's vocals by the weights and by their checkpoint."""
    vocals = []
    with tempfile.TemporaryDirectory(prefix="vocalsep-") as temporary:
        whole = Path(temporary) / "checkpoint.safetensors"
        write_checkpoint(whole, checkpoint)
        for path in (whole, weights):
            separator = Separator(str(path), device="cpu", precision="fp32")
            result = separator.separate_file(song, Path(temporary) / path.stem)
            vocals.append(soundfile.read(result.outputs["vocals"])[0])
    reference, stored = vocals
    power, difference = float((reference**2).sum()), float(((reference - stored) ** 2).sum())
    if power == 0:
        raise SystemExit(f"the checkpoint finds no vocals in {song}")
    return 10 * math.log10(power / max(difference, 1e-10 * power))


if __name__ == "__main__":
    main()
