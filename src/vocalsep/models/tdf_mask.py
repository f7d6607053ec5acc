"""The network of the first default: TFC-TDF blocks over folded sub-bands that estimate a complex ratio mask.

Reference: the block is that of TFC-TDF-UNet v3 (Kim, Lee and Jung 2023, arXiv:2306.09382) at a small width, with
sub-bands folded into channels as there; the mask and the compressed features are this project's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from vocalsep.errors import OptionError
from vocalsep.models.base import SpectrogramModel
from vocalsep.models.mask_codec import MaskCodec
from vocalsep.models.signal_config import SpectrogramConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class TDFMaskConfig(SpectrogramConfig):
    """Signals and sizes of the network, which hears stereo and estimates one stem.

    The defaults are those of the first bundled weights.

    Attributes:
        n_bins: bins the network sees; the mask is zero above them.
        sub_bands: equal parts of the bins that are folded into channels.
        width: channels at full resolution.
        growth: channels more at each scale.
        scales: times that frames and bins are halved.
        bottleneck_factor: the TDF squeezes its bins by this factor.
        compression: exponent of magnitudes in the features.
        mask_bias: added to the real part of the mask.
    """

    n_bins: int = 1024
    sub_bands: int = 4
    width: int = 32
    growth: int = 24
    scales: int = 2
    bottleneck_factor: int = 4
    compression: float = 0.3
    mask_bias: float = 0.3

    def __post_init__(self) -> None:
        if self.channels != 2 or len(self.stems) != 1:
            raise OptionError("tdf_mask takes 2 channels and estimates one stem")
        if self.n_bins % (self.sub_bands << self.scales):
            raise OptionError(f"n_bins {self.n_bins} does not divide into {self.sub_bands} x {2**self.scales}")


class TFCTDFBlock(nn.Module):
    """Convolution, a TDF with a bottleneck around which goes a residual, convolution, shortcut around all."""

    def __init__(self, in_channels: int, channels: int, n_bins: int, bottleneck_factor: int) -> None:
        super().__init__()
        hidden = n_bins // bottleneck_factor
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.tdf_down = nn.Linear(n_bins, hidden, bias=False)
        self.norm3 = nn.BatchNorm2d(channels)
        self.tdf_up = nn.Linear(hidden, n_bins, bias=False)
        self.norm4 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.shortcut = (
            nn.Conv2d(in_channels, channels, 1, bias=False) if in_channels != channels else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channel, frame, bin)`` to ``(batch, channel, frame, bin)``."""
        h = self.conv1(functional.relu(self.norm1(x), inplace=True))
        z = self.tdf_down(functional.relu(self.norm2(h), inplace=True))
        h = h + self.tdf_up(functional.relu(self.norm3(z), inplace=True))
        output: Tensor = self.conv2(functional.relu(self.norm4(h), inplace=True)) + self.shortcut(x)
        return output


class NormReLUConv(nn.Module):
    """Batch normalisation, ReLU, a convolution that changes the scale."""

    def __init__(self, conv: nn.Conv2d | nn.ConvTranspose2d) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(conv.in_channels)
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, channel, frame, bin)``."""
        output: Tensor = self.conv(functional.relu(self.norm(x), inplace=True))
        return output


class Encoder(nn.Module):
    """One scale down; the block's output is the skip."""

    def __init__(self, block: TFCTDFBlock, channels: int, out_channels: int) -> None:
        super().__init__()
        self.block = block
        self.down = NormReLUConv(nn.Conv2d(channels, out_channels, 2, 2, bias=False))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``(batch, channel, frame, bin)`` to ``(batch, out_channel, frame / 2, bin / 2)``, and the skip."""
        skip = self.block(x)
        return self.down(skip), skip


class Decoder(nn.Module):
    """One scale up, the skip concatenated behind."""

    def __init__(self, block: TFCTDFBlock, in_channels: int, channels: int) -> None:
        super().__init__()
        self.up = NormReLUConv(nn.ConvTranspose2d(in_channels, channels, 2, 2, bias=False))
        self.block = block

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """``(batch, in_channel, frame, bin)`` to ``(batch, channel, 2 * frame, 2 * bin)``."""
        output: Tensor = self.block(torch.cat([self.up(x), skip], dim=1))
        return output


class Head(nn.Module):
    """Two 1x1 convolutions, from the network's first and last maps to the parts of the mask."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(2 * channels, channels, 1)
        self.mask = nn.Conv2d(channels, out_channels, 1)

    def forward(self, last: Tensor, first: Tensor) -> Tensor:
        """Twice ``(batch, channel, frame, bin)`` to ``(batch, out_channel, frame, bin)``."""
        output: Tensor = self.mask(functional.relu(self.hidden(torch.cat([last, first], dim=1))))
        return output


class TDFMaskCodec(MaskCodec):
    """Features whose bins are folded into channels, band by band."""

    def __init__(self, config: TDFMaskConfig) -> None:
        super().__init__(
            config,
            n_bins=config.n_bins,
            compression=config.compression,
            mask_bias=config.mask_bias,
            frame_multiple=2**config.scales,
        )
        self._sub_bands = config.sub_bands

    def fold(self, maps: Tensor) -> Tensor:
        """``(batch, 6, frame, bin)`` to ``(batch, 6 * band, frame, bin)``."""
        return rearrange(maps, "batch map frame (band bin) -> batch (map band) frame bin", band=self._sub_bands)

    def unfold(self, output: Tensor) -> tuple[Tensor, Tensor]:
        """``(batch, 4 * band, frame, bin)`` to both parts of the mask, each ``(batch, 2, bin, frame)``."""
        real, imaginary = rearrange(
            output,
            "batch (part channel band) frame bin -> part batch channel (band bin) frame",
            part=2,
            channel=2,
        )
        return real, imaginary

    def output_shape(self, shape: tuple[int, ...], n_stems: int) -> tuple[int, ...]:  # noqa: ARG002
        """Four maps a band for the six of the input."""
        return shape[0], 4 * self._sub_bands, *shape[2:]


class TDFMask(SpectrogramModel):
    """A U-Net on level-normalised, compressed mid/side features; its output is a complex mask."""

    def __init__(self, config: TDFMaskConfig) -> None:
        super().__init__(config, TDFMaskCodec(config))
        widths = [config.width + i * config.growth for i in range(config.scales + 1)]
        bins = [(config.n_bins // config.sub_bands) >> i for i in range(config.scales + 1)]

        def block(in_channels: int, scale: int) -> TFCTDFBlock:
            return TFCTDFBlock(in_channels, widths[scale], bins[scale], config.bottleneck_factor)

        self.first_conv = nn.Conv2d(6 * config.sub_bands, widths[0], 1)
        self.encoder = nn.ModuleList(
            Encoder(block(widths[i], i), widths[i], widths[i + 1]) for i in range(config.scales)
        )
        self.bottleneck = block(widths[-1], config.scales)
        self.decoder = nn.ModuleList(
            Decoder(block(2 * widths[i], i), widths[i + 1], widths[i]) for i in reversed(range(config.scales))
        )
        self.head = Head(widths[0], 4 * config.sub_bands)

    def network(self, x: Tensor) -> Tensor:
        """Folded features ``(batch, 6 * band, frame, bin)`` to mask parts ``(batch, 4 * band, frame, bin)``.

        The number of frames is a multiple of ``2 ** scales``.
        """
        first = x = self.first_conv(x)
        skips = []
        for encoder in self.encoder:
            x, skip = encoder(x)
            skips.append(skip)
        x = self.bottleneck(x)
        for decoder in self.decoder:
            x = decoder(x, skips.pop())
        output: Tensor = self.head(x, first)
        return output
