"""How much of songs without voice goes into the vocals, or of voices alone into the accompaniment.

    python benchmarks/leakage.py DIR                          # instrumentals: the level of the vocals
    python benchmarks/leakage.py DIR --stem accompaniment     # voices alone: the level of the accompaniment

For each audio file in DIR: level of the stem from that of the input, in dB, over the file, and in its worst whole
half minute (or what there is of one); at the end its distribution over all half minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import torch
from common.report import print_machine, print_table

from vocalsep import Separator
from vocalsep.audio.excerpt import audio_files

PART_SECONDS = 30


def levels(path: Path, stem: str, separator: Separator) -> tuple[float, list[float]]:
    """Level of the stem from that of the input in dB, over the file and in each of its parts."""
    samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
    song = torch.from_numpy(samples.T.copy())
    estimate = separator.separate(song, sample_rate)[stem]
    energies = [(x.double() ** 2).sum(dim=0) for x in (estimate, song)]
    n_parts = max(song.shape[-1] // (PART_SECONDS * sample_rate), 1)
    parts = [energy.tensor_split(n_parts) for energy in energies]
    return decibels(*energies), [decibels(*pair) for pair in zip(*parts, strict=True) if pair[1].sum() > 0]


def decibels(energy: torch.Tensor, of: torch.Tensor) -> float:
    """The ratio of two sums."""
    return float(10 * torch.log10(energy.sum() / of.sum() + 1e-12))


def rows(folder: Path, stem: str, separator: Separator, found: list[float]) -> Iterator[list[str]]:
    """One row for each file; ``found`` gets the levels of all parts."""
    for path in audio_files(folder):
        whole, parts = levels(path, stem, separator)
        found += parts
        yield [path.stem, f"{whole:.1f}", f"{max(parts):.1f}"]


def main() -> None:
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--stem", choices=("vocals", "accompaniment"), default="vocals")
    parser.add_argument("--model", help="name or weights file; the default is the bundled one")
    options = parser.parse_args()
    separator = Separator(options.model)
    found: list[float] = []
    print_table(["file", "level (dB)", "worst half minute"], rows(options.folder, options.stem, separator, found))
    quantiles = ", ".join(f"{q} %: {np.percentile(found, q):.1f} dB" for q in (10, 25, 50, 75, 90))
    below = 100 * float(np.mean(np.array(found) < -20))
    print(f"\n{len(found)} half minutes, {below:.0f} % of them 20 dB or more below the input; {quantiles}")
    print_machine(f"Model {separator.model_id}, {separator.device}, {separator.precision}.")


if __name__ == "__main__":
    main()
