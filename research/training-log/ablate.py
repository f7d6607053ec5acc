"""One change at a time, at small scale, from compact-v1: a row of training-log.md for each.

    OMP_NUM_THREADS=1 python ablate.py WORK CHANGE

WORK is what ``make6.sh`` makes. The change trains WORK/ablations/CHANGE and is scored on songs of three kinds,
which their names begin with. One thread each: two run at once. So few steps from random weights end in silence; so
a network that is changed begins as one that computes what compact-v1 does. Where the change is of what goes in or
comes out, the first convolution and the head begin at random, and what is between them as in compact-v1: `ends` is
the row to compare these with.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

import torch
from einops import rearrange
from grow import grow
from torch import Tensor, nn
from torch.nn import functional

from vocalsep.models import tdf_mask
from vocalsep.models.architectures import build_model
from vocalsep.models.unet_blocks import TDSA, TDT
from vocalsep.weights.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from vocalsep.weights.source import weights_of

HERE = Path(__file__).parent
START = str(HERE / "compact-v1.safetensors")
CHANGES = {
    "none": (),
    "other-seed": ("run.seed=1",),
    "no-l1-waveform": ("loss.l1_waveform=0",),
    "no-complex-compressed": ("loss.complex_compressed=0",),
    "no-neg-sdr": ("loss.neg_sdr=0",),
    "neg-sdr-0.2": ("loss.neg_sdr=0.2",),
    "multi-resolution-stft": ("loss.multi_resolution_stft=0.02",),
    "chunks-of-4-s": ("data.chunk_seconds=4.0", "data.batch_size=2"),
    "batch-8": ("data.batch_size=8", "run.max_steps=125"),
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
    "width-48": {"width": 48},
}
"""Larger networks, by `grow.py`."""
ATTENTION = {
    "tdt": lambda channels, n_bins: TDT(channels, n_bins, 1, 0.1),
    "tdsa": lambda channels, n_bins: TDSA(n_bins, 1, 1),
    "tdsa-frame": lambda channels, n_bins: TDSA(n_bins, 1, 1, within_frame=True),
}
"""Added to the block at the bottleneck, by a factor that begins at zero."""
ENDS = {
    "ends": {},
    "ends-window-4096": {"n_fft": 4096, "n_bins": 2048, "sub_bands": 8},
    "ends-no-compression": {"compression": 1.0},
    "ends-spectrum": {},
    "ends-mask-and-spectrum": {},
}
"""What goes in; what comes out is changed by `spectrum` and `masked_and_added`."""
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


class TwoHeads(nn.Module):
    """The head of a mask, and a second one, whose maps wait for `masked_and_added`."""

    def __init__(self, mask: nn.Module, spectrum: nn.Module) -> None:
        super().__init__()
        self.mask, self.spectrum = mask, spectrum

    def forward(self, last: Tensor, first: Tensor) -> Tensor:
        """The maps of the mask."""
        self.maps = self.spectrum(last, first)
        return self.mask(last, first)


Estimate = Callable[[tdf_mask.TDFMask, Tensor], Tensor]
masked: Estimate = tdf_mask.TDFMask.estimate
BIN_LEVEL = 30.0
"""About the magnitude of a bin where the waveform's level is one: what spectra are multiplied by."""


def padded(model: tdf_mask.TDFMask, output: Tensor, spectrogram: Tensor) -> Tensor:
    """The network's complex ``(batch, 2, bin, frame)`` as the estimate of one stem."""
    return functional.pad(BIN_LEVEL * output, (0, 0, 0, spectrogram.shape[-2] - model.codec.n_bins)).unsqueeze(1)


def spectrum(self: tdf_mask.TDFMask, spectrogram: Tensor) -> Tensor:
    """`TDFMask.estimate` of a network whose output is the estimate, not a mask."""
    output = self.network(self.codec.encode(spectrogram))[:, :, : spectrogram.shape[-1]]
    return padded(self, torch.complex(*self.codec.unfold(output.float())), spectrogram)


def masked_and_added(self: tdf_mask.TDFMask, spectrogram: Tensor) -> Tensor:
    """Likewise, of one with `TwoHeads`: a mask, and a spectrum that is added to what it lets through."""
    estimate = masked(self, spectrogram)
    layout = "batch (part channel band) frame bin -> part batch channel (band bin) frame"
    real, imaginary = rearrange(self.head.maps.float(), layout, part=2, channel=2)[..., : spectrogram.shape[-1]]
    return estimate + padded(self, torch.complex(real, imaginary), spectrogram)


def build_with(extend: Callable[[tdf_mask.TDFMask, tdf_mask.TDFMaskConfig], None]) -> None:
    """Let ``extend`` change every `TDFMask` that is built from now on."""
    build = tdf_mask.TDFMask.__init__

    def built(self: tdf_mask.TDFMask, config: tdf_mask.TDFMaskConfig) -> None:
        build(self, config)
        extend(self, config)

    tdf_mask.TDFMask.__init__ = built


def attend(name: str) -> None:
    """Attention at the bottleneck."""

    def extend(model: tdf_mask.TDFMask, config: tdf_mask.TDFMaskConfig) -> None:
        channels = config.width + config.scales * config.growth
        n_bins = (config.n_bins // config.sub_bands) >> config.scales
        model.bottleneck = Attended(model.bottleneck, ATTENTION[name](channels, n_bins))

    build_with(extend)


def add_head(model: tdf_mask.TDFMask, config: tdf_mask.TDFMaskConfig) -> None:
    """A second head, for `masked_and_added`."""
    model.head = TwoHeads(model.head, tdf_mask.Head(config.width, 4 * config.sub_bands))


def attended(start: Checkpoint) -> Checkpoint:
    """The weights of ``start``, and new ones for attention."""
    torch.manual_seed(0)
    state = build_model(start.config).state_dict()
    for name, value in start.state.items():
        state[name.replace("bottleneck.", "bottleneck.block.")] = value
    return Checkpoint(config=start.config, state=state)


def with_new_ends(start: Checkpoint, change: str) -> Checkpoint:
    """The weights of ``start`` between a first convolution and a head that are random, in networks built so."""
    if change == "ends-spectrum":
        tdf_mask.TDFMask.estimate = spectrum
    if change == "ends-mask-and-spectrum":
        tdf_mask.TDFMask.estimate = masked_and_added
        build_with(add_head)
    config = {**start.config, **ENDS[change]}
    torch.manual_seed(0)
    state = build_model(config).state_dict()
    kept = {name: value for name, value in start.state.items() if not name.startswith(("first_conv.", "head."))}
    return Checkpoint(config=config, state={**state, **kept})


def begin(change: str) -> Checkpoint:
    """What the change begins with, in networks that are built so from now on."""
    first = read_checkpoint(*weights_of(START))
    if change in ENDS:
        return with_new_ends(first, change)
    if change in ATTENTION:
        attend(change)
        return attended(first)
    return grow(first, GROWN.get(change, {}))


def command(work: Path, change: str, start: Path, settings: Sequence[str]) -> list[str]:
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
    first, start = begin(change), work / f"start-{change}.safetensors"
    write_checkpoint(start, first)
    sizes = {**GROWN.get(change, {}), **ENDS.get(change, {})}
    settings = [*CHANGES.get(change, ()), *(f"model.{field}={size}" for field, size in sizes.items())]
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
    parser.add_argument("change", choices=[*CHANGES, *GROWN, *ATTENTION, *ENDS, *DATA])
    options = parser.parse_args()
    train(options.work, options.change)
    row = (f"{kind} {sdr:.2f}" for kind, sdr in scored(options.work, options.change).items())
    print(options.change, *row, sep="\t")


if __name__ == "__main__":
    main()
