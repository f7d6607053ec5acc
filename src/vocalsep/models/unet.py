"""The complex-as-channels U-Net: one network, three intermediate blocks (TDF, TDSA, TDT).

Reference: TFC-TDF-UNet, Choi et al. 2020, arXiv:1912.02591; the TDSA and TDT variants replace the TDF by
self-attention and a transformer block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from vocalsep.errors import OptionError
from vocalsep.models.base import SpectrogramModel
from vocalsep.models.codec import SpectrogramCodec
from vocalsep.models.signal_config import SpectrogramConfig
from vocalsep.models.stft import pack, unpack
from vocalsep.models.unet_blocks import TDF, TDSA, TDT, TFC, down, up


@dataclass(frozen=True, slots=True, kw_only=True)
class UNetConfig(SpectrogramConfig):
    """Signals and sizes of the U-Net, which estimates one stem; the defaults are the published configuration.

    Attributes:
        n_bins: bins the network sees: ``n_fft // 2``, the Nyquist bin is dropped and zero in the estimate.
        depth: levels; frames and bins halve at each.
        growth: channels of every block's output.
        kernel_size: size of the convolutions, (frames, bins).
        layers: layers in each TFC and in each block after it.
        bottleneck: ``tdf`` with more than one layer: bins are squeezed by ``n_bins / bottleneck`` between them.
        attention: ``tdsa``: what a position attends to: all of its ``segment``, as in the published code, or the
            channels of its ``frame`` alone, as its description has it.
        n_heads: ``tdsa``: 1 is the published attention (biases, no output projection); more are multi-head.
        dropout: ``tdt``: in the feed-forward, in training.
        head: what the network gives: the stem's ``spectrogram``, as published, or a complex ``mask`` that the
            mixture's spectrogram is multiplied by.
    """

    n_bins: int = 1024
    depth: int = 3
    growth: int = 24
    kernel_size: tuple[int, int] = (3, 3)
    layers: int = 1
    bottleneck: int = 128
    attention: Literal["segment", "frame"] = "segment"
    n_heads: int = 1
    dropout: float = 0.1
    head: Literal["spectrogram", "mask"] = "spectrogram"

    def __post_init__(self) -> None:
        if self.n_bins % 2**self.depth:
            raise OptionError(f"n_bins {self.n_bins} cannot be halved {self.depth} times (depth)")
        if len(self.stems) != 1:
            raise OptionError(f"the U-Net estimates one stem, not {len(self.stems)}")


Mixer = Callable[[UNetConfig, int], nn.Module]
"""Makes the block after a TFC for a number of bins."""


def tdf(config: UNetConfig, n_bins: int) -> nn.Module:
    """The mixer of the TFC-TDF-UNet."""
    return TDF(config.growth, n_bins, n_bins * config.bottleneck // config.n_bins, config.layers)


def tdsa(config: UNetConfig, n_bins: int) -> nn.Module:
    """The mixer of the TFC-TDSA-UNet."""
    return TDSA(n_bins, config.n_heads, config.layers, within_frame=config.attention == "frame")


def tdt(config: UNetConfig, n_bins: int) -> nn.Module:
    """The mixer of the TFC-TDT-UNet."""
    return TDT(config.growth, n_bins, config.layers, config.dropout)


class Block(nn.Module):
    """A TFC and a mixer around which goes one more residual, as the published checkpoint needs it."""

    def __init__(self, config: UNetConfig, mixer: Mixer, in_channels: int, n_bins: int) -> None:
        super().__init__()
        self.tfc = TFC(in_channels, config.growth, config.kernel_size, config.layers)
        self.mixer = mixer(config, n_bins)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channel, frame, bin)`` to ``(batch, growth, frame, bin)``."""
        x = self.tfc(x)
        output: Tensor = x + self.mixer(x)
        return output


class Encoder(nn.Module):
    """One level down: block, then half the frames and bins."""

    def __init__(self, config: UNetConfig, mixer: Mixer, n_bins: int) -> None:
        super().__init__()
        self.block = Block(config, mixer, config.growth, n_bins)
        self.down = down(config.growth)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, channel, frame, bin)`` to ``(batch, channel, frame / 2, bin / 2)``."""
        output: Tensor = self.down(self.block(x))
        return output


class Decoder(nn.Module):
    """One level up: the skip is concatenated, block, then double the frames and bins."""

    def __init__(self, config: UNetConfig, mixer: Mixer, n_bins: int) -> None:
        super().__init__()
        self.block = Block(config, mixer, 2 * config.growth, n_bins)
        self.up = up(config.growth)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """``(batch, channel, frame, bin)`` to ``(batch, channel, 2 * frame, 2 * bin)``."""
        skip = skip[:, :, : x.shape[2]]  # where an odd number of frames was halved on the way down
        output: Tensor = self.up(self.block(torch.cat([x, skip], dim=1)))
        return output


def _begin_at_half(out_conv: nn.Conv2d) -> None:
    """Set a mask to about one half, at random around it: from masks around zero, training ends in silence."""
    channels = out_conv.out_channels // 2
    with torch.no_grad():
        out_conv.weight.mul_(0.1)
    real, imaginary = torch.full((channels,), 0.5), torch.zeros(channels)
    out_conv.bias = nn.Parameter(torch.cat([real, imaginary]))


class UNetCodec(SpectrogramCodec):
    """Complex-as-channels in; out come the same of the stem, or of a mask for the mixture.

    Attributes:
        masks: whether the network's output is a mask.
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__(config, config.n_bins)
        self.masks, self._frame_multiple = config.head == "mask", 2**config.depth

    def encode(self, spectrogram: Tensor) -> Tensor:
        """Complex ``(batch, channel, bin, frame)`` to ``(batch, 2 * channel, frame, bin)``."""
        n_frames = spectrogram.shape[-1]
        packed = pack(spectrogram[..., : self.n_bins, :])
        return functional.pad(packed, (0, 0, 0, -n_frames % self._frame_multiple))

    def decode(self, output: Tensor, spectrogram: Tensor) -> Tensor:
        """The network's output to complex ``(batch, 1, channel, bin, frame)``."""
        n_bins, n_frames = spectrogram.shape[-2:]
        estimate = unpack(output[:, :, :n_frames])
        if self.masks:
            estimate = estimate * spectrogram[..., : self.n_bins, :]
        return functional.pad(estimate, (0, 0, 0, n_bins - self.n_bins)).unsqueeze(1)


class UNet(SpectrogramModel):
    """Spectrogram in, spectrogram of the one stem out.

    Args:
        config: sizes.
        mixer: `tdf`, `tdsa` or `tdt`.
    """

    def __init__(self, config: UNetConfig, mixer: Mixer) -> None:
        codec = UNetCodec(config)
        super().__init__(config, codec)
        maps = 2 * config.channels
        bins = [config.n_bins >> level for level in range(config.depth + 1)]
        self.in_conv = nn.Conv2d(maps, config.growth, (1, 3), padding="same")
        self.encoder = nn.ModuleList(Encoder(config, mixer, n) for n in bins[:-1])
        self.bottleneck = Block(config, mixer, config.growth, bins[-1])
        self.decoder = nn.ModuleList(Decoder(config, mixer, n) for n in reversed(bins[1:]))
        self.out_conv = nn.Conv2d(config.growth, maps, (1, 3), padding="same")
        if codec.masks:
            _begin_at_half(self.out_conv)

    def network(self, x: Tensor) -> Tensor:
        """Complex-as-channels ``(batch, 2 * channel, frame, bin)`` to the same of the stem, or of its mask.

        Frames beyond the last multiple of ``2 ** depth`` are not in the output.
        """
        x = functional.relu(self.in_conv(x))
        skips = []
        for encoder in self.encoder:
            x = encoder(x)
            skips.append(x)
        x = self.bottleneck(x)
        for decoder in self.decoder:
            x = decoder(x, skips.pop())
        output: Tensor = self.out_conv(x)
        return output
