"""What bfloat16 changes: its vocals against those of float32, on clips that have references.

    python benchmarks/precision.py DIR
    python benchmarks/precision.py DIR --models mdx23c melband-kim

DIR as for `eval_clips.py`. Models whose weights are on this machine run over all clips: the largest difference
from float32, relative to its vocals, and the most that the ``sdr`` of the vocals moves. The others run at random
weights, over one segment of the first clip, for the difference alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import torch
from common.report import print_machine, print_table
from eval_clips import read
from torch import Tensor

from vocalsep import Separator
from vocalsep.evaluation.metrics import sdr
from vocalsep.models.architectures import build_model
from vocalsep.weights.manifest import load_manifest
from vocalsep.weights.resolve import local_path


def row(model: str, clips: list[Path]) -> list[str]:
    """The row of a model."""
    entry = load_manifest().entry(model)
    if local_path(entry):
        exact, reduced = (Separator(model, device="cpu", precision=precision) for precision in ("fp32", "bf16"))
        differences, moves = [], []
        for clip in clips:
            mixture, rate = read(clip / "mixture.flac")
            reference, _ = read(clip / "vocals.flac")
            pair = [separator.separate(mixture, rate)["vocals"] for separator in (exact, reduced)]
            differences.append(difference(*pair))
            moves.append(abs(float(sdr(reference, pair[0])) - float(sdr(reference, pair[1]))))
        return [model, f"{max(differences):.1f}", f"{max(moves):.3f}"]
    torch.manual_seed(0)
    network = build_model(entry.config or {"architecture": entry.architecture})
    mixture, _ = read(clips[0] / "mixture.flac")
    segment = mixture[:, : round(network.hints.segment_seconds * network.config.sample_rate)].unsqueeze(0)
    with torch.inference_mode():
        whole = network(segment)[:, 0]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            part = network(segment)[:, 0].float()
    return [f"{model}, random weights", f"{difference(whole, part):.1f}", "-"]


def difference(exact: Tensor, other: Tensor) -> float:
    """Level of the difference from that of the exact one, in dB."""
    return float(10 * torch.log10((other - exact).square().sum() / exact.square().sum()))


def rows(models: list[str], folder: Path) -> Iterator[list[str]]:
    """One for each model."""
    clips = sorted(path.parent for path in folder.glob("*/vocals.flac"))
    return (row(model, clips) for model in models)


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--models", nargs="+", default=["compact-v6", "compact-v5", "tdf", "tdsa", "tdt", "umx"])
    options = parser.parse_args()
    heads = ["model", "bf16 from fp32 (dB)", "most that sdr moves (dB)"]
    print_table(heads, rows(options.models, options.folder))
    print_machine("CPU.")


if __name__ == "__main__":
    main()
