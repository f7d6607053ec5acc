"""SCNet's speed and memory beside the published layout of the network and beside Demucs' htdemucs, in one run.

    python benchmarks/scnet.py
    python benchmarks/scnet.py --peers ~/peers/bin/python

``--peers`` names the Python of an environment with the packages pymss-core, whose SCNet is laid out as published,
and demucs, on the same PyTorch. Weights are random. Every network separates the same noise, cut into its own
segments at the same overlap; those of the packages run in float32, one segment at a time, on all cores, as the
packages run them. The networks take turns, each in a process of its own, and the table shows medians.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.measure import measure
from common.report import print_machine, print_table

if TYPE_CHECKING:
    from torch import Tensor

RATE = 44_100
SCNET_SEGMENT = 11 * RATE
SIZES = {
    "scnet": {},
    "scnet-large": {"dims": [4, 64, 128, 256], "band_SR": [0.225, 0.372, 0.403]},
}


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: of the network.
        by: "vocalsep" or "peer".
        precision: "fp32" or "bf16".
    """

    name: str
    by: str
    precision: str


def ours(row: Row, overlap: float) -> Callable[[Tensor], None]:
    """The engine, as the command runs it: the vocals alone."""
    from vocalsep.models.architectures import build_model
    from vocalsep.separation.engine import SegmentedSeparation
    from vocalsep.separation.options import SeparationOptions
    from vocalsep.weights.manifest import load_manifest

    network = build_model(load_manifest().entry(row.name).config)
    network.keep_stems(["vocals"])
    separation = SegmentedSeparation(
        network, SeparationOptions(device="cpu", precision=row.precision, overlap=overlap)
    )

    def run(noise: Tensor) -> None:
        for _ in separation(noise.split(RATE, dim=1)):
            pass

    return run


def reference(row: Row, overlap: float) -> Callable[[Tensor], None]:
    """The package's network over segments of the same length."""
    import torch
    from pymss_core.modules.scnet.scnet import SCNet

    network = SCNet(**SIZES[row.name]).eval()
    stride = round(SCNET_SEGMENT * (1 - overlap))

    @torch.inference_mode()
    def run(noise: Tensor) -> None:
        for start in range(0, max(1, noise.shape[1] - SCNET_SEGMENT + stride), stride):
            network(noise[None, :, start : start + SCNET_SEGMENT])

    return run


def htdemucs(row: Row, overlap: float) -> Callable[[Tensor], None]:
    """The network of the published weights' size, by the package's own loop."""
    from demucs.apply import apply_model
    from demucs.htdemucs import HTDemucs

    network = HTDemucs(
        ["drums", "bass", "other", "vocals"], bottom_channels=512, dconv_mode=3, segment=39 / 5
    ).eval()

    def run(noise: Tensor) -> None:
        apply_model(network, noise[None], device="cpu", split=True, overlap=overlap, shifts=0)

    return run


def run_here(row: Row, overlap: float, seconds: int) -> None:
    """Print the real-time factor, and the processor's seconds for a second of audio."""
    import torch

    runner = ours if row.by == "vocalsep" else htdemucs if row.name == "htdemucs" else reference
    torch.manual_seed(0)
    run = runner(row, overlap)
    noise = 0.1 * torch.randn(2, seconds * RATE)
    run(noise[:, : 12 * RATE])
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    run(noise)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"wall": wall / seconds, "worked": worked / seconds}))


def rows(options: argparse.Namespace) -> Iterator[list[str]]:
    """Measure all in turns, ``runs`` times, then give one row for each."""
    wanted = [Row(name, "vocalsep", precision) for name in options.models for precision in options.precisions]
    if options.peers:
        wanted += [Row(name, "peer", "fp32") for name in [*options.models, "htdemucs"]]
    found: dict[Row, list[tuple[float, float, float]]] = {row: [] for row in wanted}
    for _ in range(options.runs):
        for row in wanted:
            python = sys.executable if row.by == "vocalsep" else options.peers
            order = [row.name, row.by, row.precision, options.overlap, options.seconds]
            run = measure(python, __file__, "--here", json.dumps(order))
            took = json.loads(run.stdout.splitlines()[-1])
            found[row].append((took["wall"], took["worked"], run.peak_mb))
    by = {"vocalsep": "vocalsep", "peer": "its package"}
    for row, runs in found.items():
        wall, worked, peak = (statistics.median(column) for column in zip(*runs, strict=True))
        yield [f"{row.name}, {by[row.by]}, {row.precision}", f"{wall:.3f}", f"{worked:.3f}", f"{peak:.0f}"]


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(SIZES))
    parser.add_argument("--precisions", nargs="+", choices=("fp32", "bf16"), default=["fp32", "bf16"])
    parser.add_argument("--overlap", type=float, default=0.25)
    parser.add_argument("--seconds", type=int, default=60, help="of noise")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers", metavar="PYTHON", help="that has pymss-core and demucs")
    parser.add_argument("--here", help=argparse.SUPPRESS)  # what the children do
    options = parser.parse_args()
    if options.here:
        name, by, precision, overlap, seconds = json.loads(options.here)
        run_here(Row(name, by, precision), overlap, seconds)
        return
    print_table(
        ["network", "real-time factor", "CPU seconds a second", "peak memory (MB)"],
        rows(options),
    )
    print_machine(
        f"{options.seconds} s of noise, overlap {options.overlap:g}, random weights, medians of {options.runs}."
    )


if __name__ == "__main__":
    main()
