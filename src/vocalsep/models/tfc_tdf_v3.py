"""TFC-TDF U-Net v3: convolutions, linear maps over the bins of a frame, and sub-bands folded into channels.

Reference: Kim, Lee and Jung 2023, "Sound demixing challenge 2023 music demixing track technical report:
TFC-TDF-UNet v3", arXiv:2306.09382. State keys are those of the public MDX23C checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from vocalsep.errors import OptionError
from vocalsep.models.base import SpectrogramModel
from vocalsep.models.codec import SpectrogramCodec
from vocalsep.models.signal_config import SpectrogramConfig

_EXACT_SCALES = 3
"""So many scales down are float32 whatever the precision: errors of the first go through all that follow."""


@contextmanager
def float32(device_type: str) -> Iterator[torch.dtype]:
    """Compute in float32 where `torch.autocast` has another precision, and give that one, or float32."""
    autocast = torch.is_autocast_enabled(device_type)
    with torch.autocast(device_type, enabled=False):
        yield torch.get_autocast_dtype(device_type) if autocast else torch.float32


@dataclass(frozen=True, slots=True, kw_only=True)
class TFCTDFv3Config(SpectrogramConfig):
    """Signals and sizes of the network; the defaults are those of the public vocals model.

    Attributes:
        n_bins: bins the network sees; those above are zero in the estimates.
        sub_bands: equal parts of the bins that are folded into channels.
        width: channels at full resolution.
        growth: channels more at each scale.
        scales: times that frames and bins are halved.
        blocks: number of blocks in a row at each scale.
        bottleneck_factor: each TDF squeezes its bins by this factor.
    """

    stems: tuple[str, ...] = ("vocals", "accompaniment")
    n_fft: int = 8192
    n_bins: int = 4096
    sub_bands: int = 4
    width: int = 128
    growth: int = 128
    scales: int = 5
    blocks: int = 2
    bottleneck_factor: int = 4

    def __post_init__(self) -> None:
        if self.n_bins % (self.sub_bands << self.scales):
            raise OptionError(f"n_bins {self.n_bins} does not divide into {self.sub_bands} x {2**self.scales}")
        if self.n_bins > self.n_fft // 2 + 1:
            raise OptionError(f"a window of {self.n_fft} samples has no {self.n_bins} bins")


def norm_gelu(channels: int, last: nn.Module) -> nn.Sequential:
    """Instance normalisation, GELU, then a convolution or linear map."""
    # groups of one channel are instance normalisation: the same numbers from a faster kernel
    return nn.Sequential(nn.GroupNorm(channels, channels), nn.GELU(), last)


class TFCTDF(nn.Module):
    """Convolution, a TDF with a bottleneck around which goes a residual, convolution, shortcut around all."""

    def __init__(self, in_channels: int, channels: int, n_bins: int, bottleneck_factor: int) -> None:
        super().__init__()
        hidden = n_bins // bottleneck_factor
        self.tfc1 = norm_gelu(in_channels, nn.Conv2d(in_channels, channels, 3, padding=1, bias=False))
        self.tdf = nn.Sequential(
            *norm_gelu(channels, nn.Linear(n_bins, hidden, bias=False)),
            *norm_gelu(channels, nn.Linear(hidden, n_bins, bias=False)),
        )
        self.tfc2 = norm_gelu(channels, nn.Conv2d(channels, channels, 3, padding=1, bias=False))
        self.shortcut = nn.Conv2d(in_channels, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channel, frame, bin)`` to ``(batch, channel, frame, bin)``."""
        h = self.tfc1(x)
        h = h + self.tdf(h)
        output: Tensor = self.tfc2(h) + self.shortcut(x)
        return output


class Blocks(nn.Module):
    """The blocks of one scale, in a row."""

    def __init__(self, config: TFCTDFv3Config, in_channels: int, channels: int, n_bins: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(
                TFCTDF(channels if i else in_channels, channels, n_bins, config.bottleneck_factor)
                for i in range(config.blocks)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channel, frame, bin)`` to ``(batch, channel, frame, bin)``."""
        output: Tensor = self.blocks(x)
        return output


class Rescale(nn.Module):
    """Normalisation, GELU, and a convolution of stride 2 that halves or doubles frames and bins."""

    def __init__(self, conv: nn.Conv2d | nn.ConvTranspose2d) -> None:
        super().__init__()
        self.conv = norm_gelu(conv.in_channels, conv)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, channel, frame, bin)``."""
        output: Tensor = self.conv(x)
        return output


class Encoder(nn.Module):
    """One scale down; the output of the blocks is the skip."""

    def __init__(self, blocks: Blocks, channels: int, out_channels: int) -> None:
        super().__init__()
        self.tfc_tdf = blocks
        self.downscale = Rescale(nn.Conv2d(channels, out_channels, 2, 2, bias=False))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``(batch, channel, frame, bin)`` to ``(batch, out_channel, frame / 2, bin / 2)``, and the skip."""
        skip = self.tfc_tdf(x)
        return self.downscale(skip), skip


class Decoder(nn.Module):
    """One scale up, the skip concatenated behind."""

    def __init__(self, blocks: Blocks, in_channels: int, channels: int) -> None:
        super().__init__()
        self.upscale = Rescale(nn.ConvTranspose2d(in_channels, channels, 2, 2, bias=False))
        self.tfc_tdf = blocks

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """``(batch, in_channel, frame, bin)`` to ``(batch, channel, 2 * frame, 2 * bin)``."""
        output: Tensor = self.tfc_tdf(torch.cat([self.upscale(x), skip], dim=1))
        return output


class TFCTDFv3Codec(SpectrogramCodec):
    """Spectrograms as real maps, whose bins are folded into channels, band by band."""

    def __init__(self, config: TFCTDFv3Config) -> None:
        super().__init__(config, config.n_bins)
        self._sub_bands, self._frame_multiple = config.sub_bands, 2**config.scales

    def encode(self, spectrogram: Tensor) -> Tensor:
        """Complex ``(batch, channel, bin, frame)`` to ``(batch, map, frame, bin)``: channels, parts, bands."""
        folded = rearrange(
            torch.view_as_real(spectrogram[:, :, : self.n_bins]),
            "batch channel (band bin) frame part -> batch (channel part band) frame bin",
            band=self._sub_bands,
        )
        return functional.pad(folded, (0, 0, 0, -spectrogram.shape[-1] % self._frame_multiple))

    def decode(self, output: Tensor, spectrogram: Tensor) -> Tensor:
        """``(batch, stem * map, frame, bin)`` to complex ``(batch, stem, channel, bin, frame)``."""
        n_channels, n_bins, n_frames = spectrogram.shape[1:]
        parts = rearrange(
            output[:, :, :n_frames].float(),
            "batch (stem channel part band) frame bin -> batch stem channel (band bin) frame part",
            channel=n_channels,
            part=2,
            band=self._sub_bands,
        )
        estimates = torch.view_as_complex(parts.contiguous())
        return functional.pad(estimates, (0, 0, 0, n_bins - self.n_bins))

    def output_shape(self, shape: tuple[int, ...], n_stems: int) -> tuple[int, ...]:
        """The maps of the mixture for every stem."""
        return shape[0], n_stems * shape[1], *shape[2:]


class TFCTDFv3(SpectrogramModel):
    """Spectrogram in, the spectrograms of all stems out.

    Instance normalisation makes every estimate depend on the whole segment: segments of the length the weights
    were trained on do best.
    """

    def __init__(self, config: TFCTDFv3Config) -> None:
        super().__init__(config, TFCTDFv3Codec(config))
        maps = 2 * config.channels * config.sub_bands
        widths = [config.width + i * config.growth for i in range(config.scales + 1)]
        bins = [(config.n_bins // config.sub_bands) >> i for i in range(config.scales + 1)]

        def blocks(in_channels: int, scale: int) -> Blocks:
            return Blocks(config, in_channels, widths[scale], bins[scale])

        self.first_conv = nn.Conv2d(maps, widths[0], 1, bias=False)
        self.encoder_blocks = nn.ModuleList(
            Encoder(blocks(widths[i], i), widths[i], widths[i + 1]) for i in range(config.scales)
        )
        self.bottleneck_block = blocks(widths[-1], config.scales)
        self.decoder_blocks = nn.ModuleList(
            Decoder(blocks(2 * widths[i], i), widths[i + 1], widths[i]) for i in reversed(range(config.scales))
        )
        self.final_conv = nn.Sequential(
            nn.Conv2d(widths[0] + maps, widths[0], 1, bias=False),
            nn.GELU(),
            nn.Conv2d(widths[0], len(config.stems) * maps, 1, bias=False),
        )

    def network(self, x: Tensor) -> Tensor:
        """Folded parts ``(batch, map, frame, bin)`` to ``(batch, stem * map, frame, bin)``.

        The maps are those of (channel, part, band), the number of frames is a multiple of ``2 ** scales``.
        """
        mixture = x
        skips = []
        with float32(x.device.type) as reduced:
            first = x = self.first_conv(mixture)
            for encoder in self.encoder_blocks[:_EXACT_SCALES]:
                x, skip = encoder(x)
                skips.append(skip.to(reduced))
        for encoder in self.encoder_blocks[_EXACT_SCALES:]:
            x, skip = encoder(x)
            skips.append(skip)
        x = self.bottleneck_block(x)
        for decoder in self.decoder_blocks:
            x = decoder(x, skips.pop())
        output: Tensor = self.final_conv(torch.cat([mixture, x * first], dim=1))
        return output

    def keep_outputs(self, indices: Sequence[int]) -> bool:
        """Keep these stems' part of the last convolution."""
        last = self.final_conv[-1]
        assert isinstance(last, nn.Conv2d)
        n_maps = last.out_channels // len(self.config.stems)
        kept = torch.tensor([n_maps * i + j for i in indices for j in range(n_maps)])
        last.weight, last.out_channels = nn.Parameter(last.weight.detach()[kept].clone()), len(kept)
        return True
