"""One change at a time, at small scale, from compact-v1: a row of training-log.md for each.

    OMP_NUM_THREADS=1 python ablate.py WORK CHANGE

WORK is what ``make6.sh`` makes. The change trains WORK/ablations/CHANGE and is scored on songs of three kinds,
which their names begin with. One thread each: two run at once. So few steps from random weights end in silence; so
a network that is changed begins as one that computes what compact-v1 does.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import torch
from grow import grow
from torch import Tensor, nn

from vocalsep.models import build_model, tdf_mask
from vocalsep.models.blocks import TDSA, TDT
from vocalsep.weights.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from vocalsep.weights.publish import weights_of

HERE = Path(__file__).parent
START = "compact-v1"
CHANGES = {
    "none": (),
    "other-seed": ("run.seed=1",),
    "no-complex-compressed": ("loss.complex_compressed=0",),
    "no-neg-sdr": ("loss.neg_sdr=0",),
    "neg-sdr-0.2": ("loss.neg_sdr=0.2",),
    "multi-resolution-stft": ("loss.multi_resolution_stft=0.02",),
    "chunks-of-4-s": ("data.chunk_seconds=4.0", "data.batch_size=2"),
    "no-average": ("optimiser.ema_decay=0",),
    "rate-2e-3": ("optimiser.learning_rate=2e-3",),
    "no-lo-fi": ("augmentation.lo_fi=0",),
    "no-remix": ("augmentation.remix=0",),
    "no-speed": ("augmentation.speed=0",),
    "no-equalise": ("augmentation.equalise=0",),
    "no-drive": ("augmentation.drive=0",),
    "no-mute": ("augmentation.mute_vocals=0", "augmentation.mute_accompaniment=0"),
}
GROWN = {
    "scales-3": {"scales": 3},
    "growth-48": {"growth": 48},
    "growth-48-scales-3": {"growth": 48, "scales": 3},
}
"""Larger networks, by `grow.py`."""
ATTENTION = {
    "tdt": lambda channels, n_bins: TDT(channels, n_bins, 1, 0.1),
    "tdsa": lambda channels, n_bins: TDSA(n_bins, 1, 1),
    "tdsa-frame": lambda channels, n_bins: TDSA(n_bins, 1, 1, within_frame=True),
}
"""Added to the block at the bottleneck, by a factor that begins at zero."""
DATA = {"real-never": (0, 0), "real-four-times": (4, 0), "spoken": (1, 1)}
"""How often the real voices and music are given, and the spoken songs; else (1, 0)."""


class Attended(nn.Module):
    """A block, and attention after it."""

    def __init__(self, block: nn.Module, attention: nn.Module) -> None:
        super().__init__()
        self.block, self.attention = block, attention
        self.factor = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, channel, frame, bin)``."""
        x = self.block(x)
        return x + self.factor * self.attention(x)


def attend(name: str) -> None:
    """Give every `TDFMask` that is built from now on attention at its bottleneck."""
    build = tdf_mask.TDFMask.__init__

    def built(self: tdf_mask.TDFMask, config: tdf_mask.TDFMaskConfig) -> None:
        build(self, config)
        channels = config.width + config.scales * config.growth
        n_bins = (config.n_bins // config.sub_bands) >> config.scales
        self.bottleneck = Attended(self.bottleneck, ATTENTION[name](channels, n_bins))

    tdf_mask.TDFMask.__init__ = built


def attended(start: Checkpoint) -> Checkpoint:
    """The weights of ``start``, and new ones for attention."""
    torch.manual_seed(0)
    state = build_model(start.config).state_dict()
    for name, value in start.state.items():
        state[name.replace("bottleneck.", "bottleneck.block.")] = value
    return Checkpoint(config=start.config, state=state)


def command(work: Path, change: str, start: str, settings: Sequence[str]) -> list[str]:
    """The arguments of ``vocalsep`` that train it."""
    pools, spoken = DATA.get(change, (1, 0))
    return [
        *("train", "--model=tdf_mask", f"--recipe={HERE / 'ablate.toml'}", f"--init={start}", "--device=cpu"),
        *("--quiet", f"--data=folders:{work}/songs", *[f"--data=folders:{work}/spoken/songs"] * spoken),
        *[f"--data=pools:{work}/real/voices,{work}/real/music"] * pools,
        *(f"--set={setting}" for setting in settings),
        f"--out={work}/ablations/{change}",
    ]


def run(*arguments: str) -> str:
    """What ``vocalsep`` writes, in this process, which may have changed the network."""
    from typer.testing import CliRunner

    from vocalsep.cli.app import app

    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    if done.exit_code:
        raise SystemExit(done.output)
    return done.stdout


def train(work: Path, change: str) -> None:
    """Train WORK/ablations/CHANGE."""
    start, settings = START, CHANGES.get(change, ())
    if change in GROWN or change in ATTENTION:
        first = read_checkpoint(*weights_of(START))
        if change in ATTENTION:
            attend(change)
        first = attended(first) if change in ATTENTION else grow(first, GROWN[change])
        start = str(work / f"start-{change}.safetensors")
        settings = [f"model.{field}={size}" for field, size in GROWN.get(change, {}).items()]
        write_checkpoint(Path(start), first)
    run(*command(work, change, start, settings))


def scored(work: Path, change: str) -> dict[str, float]:
    """Vocals `sdr` in dB, the mean over the songs of each kind."""
    results = run(
        *("evaluate", f"--model={work}/ablations/{change}/last.safetensors", "--json"),
        *(f"--data=folders:{work}/scored", "--device=cpu", "--threads=1"),
    )
    scores = defaultdict(list)
    for song in json.loads(results)["songs"]:
        scores[song["name"].partition("-")[0]].append(song["stems"]["vocals"]["sdr"])
    return {kind: fmean(kept) for kind, kept in sorted(scores.items())}


def main() -> None:
    """Read the command line, train and score; all in one process, whose networks are the changed ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("change", choices=[*CHANGES, *GROWN, *ATTENTION, *DATA])
    options = parser.parse_args()
    train(options.work, options.change)
    row = (f"{kind} {sdr:.2f}" for kind, sdr in scored(options.work, options.change).items())
    print(options.change, *row, sep="\t")


if __name__ == "__main__":
    main()
