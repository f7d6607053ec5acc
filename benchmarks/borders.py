"""How much the vocals change when the borders of the segments move, by the overlap of the segments.

    python benchmarks/borders.py
    python benchmarks/borders.py --model compact-v6 --song examples/demo.mp3

A model hears less around a sample that lies near a border, and an overlap averages two hearings there. So the
difference that is left when all borders move tells what the overlap is worth. A model that the package does not
bring, such as scnet, gets random weights. Levels are in dB, of the difference relative to the vocals.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from common.report import print_machine, print_table
from torch import Tensor

from vocalsep.audio.reader import open_audio
from vocalsep.models.architectures import build_model
from vocalsep.models.base import SeparationModel
from vocalsep.separation.engine import SegmentedSeparation
from vocalsep.separation.level import LevelMeter
from vocalsep.separation.options import SeparationOptions
from vocalsep.weights import list_models, load_model

DEMO = Path(__file__).parents[1] / "examples" / "demo.mp3"
MOVED_SECONDS = 1.7
PART_SECONDS = 0.25


def load(name: str) -> SeparationModel:
    """The model, with random weights where they would have to be downloaded."""
    entry = next(entry for entry in list_models() if entry.id == name)
    torch.manual_seed(0)
    model = load_model(name) if entry.installed_path or not entry.config else build_model(entry.config)
    model.keep_stems(["vocals"])
    return model


def read(path: Path, seconds: float) -> tuple[Tensor, int]:
    """The beginning of a song, ``(channel, sample)``, and its rate."""
    with open_audio(path) as reader:
        rate = reader.info.sample_rate
        blocks = [torch.from_numpy(block) for block in reader.blocks()]
    return torch.cat(blocks, dim=1)[:, : round(seconds * rate)], rate


def level(difference: Tensor, signal: Tensor) -> float:
    """Of a difference relative to a signal, in dB."""
    return 10 * torch.log10(difference.square().sum() / signal.square().sum()).item()


def rows(options: argparse.Namespace) -> Iterator[list[str]]:
    """One row for each overlap."""
    song, rate = read(options.song, options.seconds)
    moved = round(MOVED_SECONDS * rate)
    model, meter = load(options.model), LevelMeter()
    meter.hear(song)
    for overlap in options.overlaps:
        separation = SegmentedSeparation(
            model, SeparationOptions(device="cpu", precision=options.precision, overlap=overlap)
        )
        began = time.process_time()
        here = torch.cat(list(separation([song], meter.level)), dim=-1)[0]
        took = time.process_time() - began
        later = torch.cat([torch.zeros(len(song), moved), song], dim=1)
        there = torch.cat(list(separation([later], meter.level)), dim=-1)[0][:, moved:]
        parts = round(PART_SECONDS * rate)
        pairs = zip((there - here).split(parts, dim=1), here.split(parts, dim=1), strict=True)
        worst = max(level(difference, vocals) for difference, vocals in pairs)
        yield [f"{overlap:g}", f"{level(there - here, here):.1f}", f"{worst:.1f}", f"{took / options.seconds:.2f}"]


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="scnet")
    parser.add_argument("--song", type=Path, default=DEMO)
    parser.add_argument("--seconds", type=float, default=30, help="of the song")
    parser.add_argument("--overlaps", nargs="+", type=float, default=[0.0, 0.1, 0.25, 0.5])
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    options = parser.parse_args()
    header = ["overlap", "difference (dB)", "worst quarter second (dB)", "CPU seconds a second"]
    print_table(header, rows(options))
    print_machine(
        f"{options.seconds:g} s of {options.song.name}, {options.model}, borders moved by {MOVED_SECONDS} s."
    )


if __name__ == "__main__":
    main()
