"""Which lead instruments are taken for a voice: what comes out as vocals of synthesised songs that have none.

    vocalsep data synth --minutes 100 --seed 707 -o SYNTH && python benchmarks/leads.py SYNTH

For each instrument that plays the lead of a song in SYNTH: in how many, and the level of the vocals from that of
the input, in dB, where the input is the band with its lead, and the lead alone; medians and worst.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

import soundfile
import torch
from common.report import print_machine, print_table
from leakage import decibels

from vocalsep import Separator

# of General MIDI, eight programs each
FAMILIES = (
    *("piano", "mallets and bells", "organ", "guitar", "bass", "strings", "ensemble", "brass"),
    *("reed", "pipe", "synth lead", "synth pad", "synth effects", "ethnic", "percussive", "sound effects"),
)
FREE_REEDS = range(21, 24)  # accordions and harmonica, which General MIDI has among the organs


def family(part: dict[str, Any]) -> str:
    """What plays a part of a band: a simple synthesiser, or a program of a soundfont."""
    if not part["soundfont"]:
        return str(part["instrument"])
    return "accordion or harmonica" if part["program"] in FREE_REEDS else FAMILIES[part["program"] // 8]


def level(separator: Separator, song: torch.Tensor, sample_rate: int) -> float:
    """Of the vocals from that of the song ``(channel, sample)``, in dB."""
    vocals = separator.separate(song, sample_rate)["vocals"]
    return decibels(vocals.double() ** 2, song.double() ** 2)


def measured(folder: Path, separator: Separator) -> dict[str, list[tuple[float, float]]]:
    """The levels of band and lead of each song, by instrument."""
    levels: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for path in sorted(folder.glob("song-*/lead.flac")):
        facts = json.loads(path.with_name("song.json").read_text(encoding="utf-8"))
        instruments = {family(part) for part in facts["song"]["band"] if part["stem"] == "lead"}
        stems = {}
        for stem in ("mixture", "vocals", "lead"):
            samples, rate = soundfile.read(path.with_name(f"{stem}.flac"), dtype="float32", always_2d=True)
            stems[stem] = torch.from_numpy(samples.T.copy())
        found = level(separator, stems["mixture"] - stems["vocals"], rate), level(separator, stems["lead"], rate)
        levels[" and ".join(sorted(instruments))].append(found)
    return levels


def main() -> None:
    """Read the command line and print the table, the worst instrument first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="SYNTH", type=Path)
    parser.add_argument("--model", help="name or weights file; the default is the bundled one")
    options = parser.parse_args()
    separator = Separator(options.model)
    levels = measured(options.folder, separator)

    def row(name: str, found: list[tuple[float, float]]) -> list[str]:
        figures = [figure(values) for values in zip(*found, strict=True) for figure in (statistics.median, max)]
        return [name, str(len(found)), *(f"{figure:.1f}" for figure in figures)]

    worst_first = sorted(levels, key=lambda name: -statistics.median(band for band, _ in levels[name]))
    names = ["lead instrument", "songs", "band with it", "worst", "lead alone", "worst"]
    print_table(names, (row(name, levels[name]) for name in worst_first))
    print_machine(f"Model {separator.model_id}, {separator.device}, {separator.precision}.")


if __name__ == "__main__":
    main()
