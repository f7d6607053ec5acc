"""Vocals and accompaniment ``sdr`` on clips that have references.

    python benchmarks/eval_clips.py DIR
    python benchmarks/eval_clips.py DIR --model NAME

DIR holds a folder for each clip, with ``mixture.flac``, ``vocals.flac`` and ``accompaniment.flac``; its
``index.json``, where there is one, says what their references are. In brackets: the sdr of the mixture itself,
which is what doing nothing reaches.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import soundfile
import torch
from report import print_machine, print_table
from torch import Tensor

from vocalsep import Separator
from vocalsep.evaluation.metrics import sdr

STEMS = ("vocals", "accompaniment")


def read(path: Path) -> tuple[Tensor, int]:
    """``(channel, sample)`` and the rate in Hz."""
    samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
    return torch.from_numpy(samples.T.copy()), sample_rate


def decibels(reference: Tensor, estimate: Tensor) -> str:
    """The sdr to two places, without the sign of a rounded zero."""
    return f"{round(float(sdr(reference, estimate)), 2) + 0.0:.2f}"


def references_of(folder: Path) -> dict[str, str]:
    """Clip to what its references are, from the index of the folder."""
    index = folder / "index.json"
    if not index.exists():
        return {}
    return {clip["id"]: clip["reference"] for clip in json.loads(index.read_text())}


def rows(folder: Path, separator: Separator) -> Iterator[list[str]]:
    """One row for each clip."""
    references = references_of(folder)
    for clip in sorted(folder.iterdir()):
        if not all((clip / f"{name}.flac").exists() for name in ("mixture", *STEMS)):
            continue
        mixture, sample_rate = read(clip / "mixture.flac")
        estimates = separator.separate(mixture, sample_rate)
        figures = []
        for stem in STEMS:
            reference, _ = read(clip / f"{stem}.flac")
            figures.append(f"{decibels(reference, estimates[stem])} ({decibels(reference, mixture)})")
        yield [clip.name, *figures, f"{mixture.shape[-1] / sample_rate:.1f}", references.get(clip.name, "")]


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--model", help="name or weights file; the default is the bundled one")
    options = parser.parse_args()
    separator = Separator(options.model)
    print_table(
        ["clip", "vocals sdr (dB)", "accompaniment sdr (dB)", "seconds", "references"],
        rows(options.folder, separator),
    )
    print_machine(f"Model {separator.model_id}, {separator.device}, {separator.precision}.")


if __name__ == "__main__":
    main()
