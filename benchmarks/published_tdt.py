"""``tdt`` the published way beside ours, in turns on the same machine.

    python benchmarks/published_tdt.py

The published way: float32, chunks of 10 s without overlap, every matrix of attention scores in memory. Ours is
the engine as it is run by default, overlap included. Weights are random: speed does not depend on them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from common.measure import measure
from common.report import print_machine, print_table

if TYPE_CHECKING:
    from torch import Tensor

    from vocalsep.models.base import SeparationModel
    from vocalsep.models.unet_blocks import Attention

WAYS = ("published", "vocalsep fp32", "vocalsep")


def attend_published(attention: Attention, x: Tensor) -> Tensor:
    """Attention of ``(batch, token, width)``, the scores ``(batch, token, token)`` in memory."""
    scores = attention.query(x) @ attention.key(x).transpose(1, 2) / x.shape[-1] ** 0.5
    return scores.softmax(dim=-1) @ attention.value(x)


def separate_published(model: SeparationModel, blocks: Iterable[Tensor]) -> Iterator[Tensor]:
    """The whole song in memory, chunk by chunk through the model."""
    import torch

    song = torch.cat(list(blocks), dim=-1)
    with torch.inference_mode():
        for chunk in song.split(10 * model.config.sample_rate, dim=-1):
            yield model(chunk[None])[0]


def run_here(way: str, seconds: int) -> None:
    """Print the real-time factor of one way."""
    from functools import partial
    from unittest.mock import patch

    from common.steady import real_time_factor

    from vocalsep.models.architectures import build_model
    from vocalsep.models.unet_blocks import Attention
    from vocalsep.separation.engine import SegmentedSeparation
    from vocalsep.separation.options import SeparationOptions

    model = build_model({"architecture": "tdt"})
    if way == "published":
        with patch.object(Attention, "forward", attend_published):
            print(real_time_factor(partial(separate_published, model), seconds))
    else:
        options = SeparationOptions(device="cpu", precision="fp32" if way.endswith("fp32") else "auto")
        print(real_time_factor(SegmentedSeparation(model, options), seconds))


def rows(options: argparse.Namespace) -> Iterator[list[str]]:
    """One row for each way, all compared with the first."""
    runs = {way: [] for way in WAYS}
    for _ in range(options.runs):
        for way in WAYS:
            runs[way].append(measure(sys.executable, __file__, "--here", way, "--seconds", str(options.seconds)))
    factors = {way: statistics.median(float(run.stdout) for run in runs[way]) for way in WAYS}
    peaks = {way: statistics.median(run.peak_mb for run in runs[way]) for way in WAYS}
    for way in WAYS:
        yield [
            way,
            f"{factors[way]:.4f}",
            f"{factors[WAYS[0]] / factors[way]:.1f}",
            f"{peaks[way]:.0f}",
            f"{peaks[way] / peaks[WAYS[0]]:.2f}",
        ]


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="of audio")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--here", choices=WAYS, metavar="WAY", help="run one way once, in this process")
    options = parser.parse_args()
    if options.here:
        run_here(options.here, options.seconds)
        return
    print_table(
        ["tdt", "real-time factor", "times faster", "peak memory (MB)", "share of memory"],
        rows(options),
    )
    print_machine(f"CPU, {options.seconds} s of stereo noise at 44.1 kHz, median of {options.runs} runs.")


if __name__ == "__main__":
    main()
