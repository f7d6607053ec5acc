"""One change at a time, from random weights, at small scale: a row of training-log.md for each.

    OMP_NUM_THREADS=1 python ablate.py WORK CHANGE ...

WORK is what ``make6.sh`` makes. Each change trains WORK/ablations/CHANGE and is scored on songs of three kinds,
which their names begin with; who gives no change sees which there are. One thread each: two run at once.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from statistics import fmean

from torch import Tensor, nn

from vocalsep.models import tdf_mask
from vocalsep.models.blocks import TDSA, TDT

HERE = Path(__file__).parent
CHANGES = {
    "none": (),
    "other-seed": ("run.seed=1",),
    "window-4096": ("model.n_fft=4096", "model.n_bins=2048", "model.sub_bands=8"),
    "scales-3": ("model.scales=3",),
    "growth-48": ("model.growth=48",),
    "growth-48-scales-3": ("model.growth=48", "model.scales=3"),
    "width-48": ("model.width=48",),
    "compression-0.5": ("model.compression=0.5",),
    "no-complex-compressed": ("loss.complex_compressed=0",),
    "no-neg-sdr": ("loss.neg_sdr=0",),
    "neg-sdr-0.2": ("loss.neg_sdr=0.2",),
    "multi-resolution-stft": ("loss.multi_resolution_stft=0.02",),
    "chunks-of-1-s": ("data.chunk_seconds=1.0", "data.batch_size=8"),
    "chunks-of-4-s": ("data.chunk_seconds=4.0", "data.batch_size=2"),
    "no-average": ("optimiser.ema_decay=0",),
    "rate-3e-3": ("optimiser.learning_rate=3e-3",),
    "no-lo-fi": ("augmentation.lo_fi=0",),
    "no-remix": ("augmentation.remix=0",),
    "no-speed": ("augmentation.speed=0",),
    "no-equalise": ("augmentation.equalise=0",),
    "no-drive": ("augmentation.drive=0",),
    "no-mute": ("augmentation.mute_vocals=0", "augmentation.mute_accompaniment=0"),
}
ATTENTION = {
    "tdt": lambda channels, n_bins: TDT(channels, n_bins, 1, 0.1),
    "tdsa": lambda channels, n_bins: TDSA(n_bins, 1, 1),
    "tdsa-frame": lambda channels, n_bins: TDSA(n_bins, 1, 1, within_frame=True),
}
"""After the block at the bottleneck, with a residual around it, as in the U-Nets that these are of."""
U_NETS = {f"u-net-{head}": ("model.growth=12", f"model.head={head}") for head in ("spectrogram", "mask")}
"""The same training of a small TFC-TDF-UNet: what the network gives."""
POOLS = {"real-never": 0, "real-twice": 2, "real-four-times": 4}
"""How often the real voices and music are given; else once."""


class Attended(nn.Module):
    """A block, and attention after it."""

    def __init__(self, block: nn.Module, attention: nn.Module) -> None:
        super().__init__()
        self.block, self.attention = block, attention

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, channel, frame, bin)``."""
        x = self.block(x)
        return x + self.attention(x)


def attend(name: str) -> None:
    """Give every `TDFMask` that is built from now on attention at its bottleneck."""
    build = tdf_mask.TDFMask.__init__

    def built(self: tdf_mask.TDFMask, config: tdf_mask.TDFMaskConfig) -> None:
        build(self, config)
        channels = config.width + config.scales * config.growth
        n_bins = (config.n_bins // config.sub_bands) >> config.scales
        self.bottleneck = Attended(self.bottleneck, ATTENTION[name](channels, n_bins))

    tdf_mask.TDFMask.__init__ = built


def command(work: Path, change: str) -> list[str]:
    """The arguments of ``vocalsep`` that train it."""
    pools = [f"--data=pools:{work}/real/voices,{work}/real/music"] * POOLS.get(change, 1)
    settings = [f"--set={setting}" for setting in (CHANGES | U_NETS).get(change, ())]
    model = "tdf" if change in U_NETS else "tdf_mask"
    return [
        *("train", f"--model={model}", f"--recipe={HERE / 'ablate.toml'}", "--device=cpu", "--quiet"),
        *(f"--data=folders:{work}/songs", *pools, *settings, f"--out={work}/ablations/{change}"),
    ]


def run(*arguments: str) -> str:
    """What ``vocalsep`` writes, in this process, which may have changed the network."""
    from typer.testing import CliRunner

    from vocalsep.cli.app import app

    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    if done.exit_code:
        raise SystemExit(done.output)
    return done.stdout


def main() -> None:
    """Read the command line; train and score each change in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("changes", nargs="*", metavar="CHANGE")
    options = parser.parse_args()
    if not options.changes:
        print(*CHANGES, *U_NETS, *ATTENTION, *POOLS, sep="\n")
    if len(options.changes) > 1:
        for change in options.changes:
            subprocess.run([sys.executable, __file__, options.work, change], check=True)
        return
    for change in options.changes:
        if change in ATTENTION:
            attend(change)
        run(*command(options.work, change))
        scored = run(
            *("evaluate", f"--model={options.work}/ablations/{change}/last.safetensors", "--json"),
            *(f"--data=folders:{options.work}/scored", "--device=cpu", "--threads=1"),
        )
        scores = defaultdict(list)
        for song in json.loads(scored)["songs"]:
            scores[song["name"].partition("-")[0]].append(song["stems"]["vocals"]["sdr"])
        row = [change, *(f"{kind} {fmean(kept):.2f}" for kind, kept in sorted(scores.items()))]
        print(*row, sep="\t", flush=True)


if __name__ == "__main__":
    main()
