"""Measure weights as the rule of the second line does: ``python measure.py WORK WEIGHTS...``.

For each of WEIGHTS (names or files) it prints the mean ``sdr`` of the vocals over the songs of each set of
WORK/measure (see ``held_out.sh``) and the mean over the sets at equal weight. It also prints the share of half
minutes of held-out instrumental music (WORK/real/music/valid) that have the vocals 20 dB or more below the input.
The rule: the highest mean wins, if that share is 75 % or more.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from vocalsep import Separator
from vocalsep.audio.excerpt import audio_files
from vocalsep.datasets.dataset import open_dataset
from vocalsep.evaluation.metrics import sdr

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from leakage import levels

QUIET_DB = -20
SETS = ("unheard", "producers", "synthesised")
VERSIONS = ("", "-lo-fi", "-soft", "-faint")


def mean_sdr(separator: Separator, songs: Path) -> float:
    """Mean over the songs that have a voice."""
    found = []
    for track in open_dataset(f"folders:{songs}").tracks("all"):
        vocals = torch.from_numpy(track.read("vocals"))
        if not vocals.any():
            continue
        mixture = vocals + torch.from_numpy(track.read("accompaniment"))
        found.append(float(sdr(vocals, separator.separate(mixture, track.sample_rate)["vocals"])))
    return sum(found) / len(found)


def main() -> None:
    """Read the command line and print a row for each of the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("weights", nargs="+")
    options = parser.parse_args()
    sets = [f"{name}{kind}" for name in SETS for kind in VERSIONS]
    print("| weights |", " | ".join(sets), "| mean | quiet half minutes |")
    for weights in options.weights:
        separator = Separator(weights)
        scores = [mean_sdr(separator, options.work / "measure" / name) for name in sets]
        instrumentals = audio_files(options.work / "real" / "music" / "valid")
        parts = [level for file in instrumentals for level in levels(file, "vocals", separator)[1]]
        quiet = sum(level <= QUIET_DB for level in parts) / len(parts)
        cells = [f"{score:.2f}" for score in [*scores, sum(scores) / len(scores)]]
        print(f"| {Path(weights).stem} |", " | ".join(cells), f"| {100 * quiet:.0f} % |", flush=True)


if __name__ == "__main__":
    main()
