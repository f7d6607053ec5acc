"""The network of the default: TFC-TDF blocks over a sparsely compressed spectrum, and LSTMs along time.

The window is long enough to part the harmonics of a voice from those of a bass or a piano. Low bins keep their
full resolution; groups of middle and of high bins share a position, so that the network stays cheap.

Reference: the sparse compression of bands is that of SCNet (Tong et al. 2024, arXiv:2401.13276); the block is that
of TFC-TDF-UNet v3 (Kim, Lee and Jung 2023, arXiv:2306.09382); recurrence along time after TFC-TDF blocks is that
of DTTNet (Chen et al. 2023, arXiv:2309.08684).
Deviation: a mask is estimated, from compressed features; each band is compressed by one linear map; skips are
added, which halves the cost of the convolutions after them; there is no recurrence along frequency, where the TDF
already sees all positions.
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
from vocalsep.models.tdf_mask import NormReLUConv, TFCTDFBlock

_MAPS, _MASK_MAPS = 6, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseTDFConfig(SpectrogramConfig):
    """Signals and sizes of the network, which hears stereo and estimates one stem.

    Attributes:
        band_bins: number of bins in each band, from the lowest band up. The mask is zero above the last band.
        band_strides: number of neighbouring bins of each band that share one position.
        width: channels at full resolution.
        growth: channels added at each scale.
        scales: how often frames and positions are halved.
        bottleneck_factor: factor by which a TDF squeezes its positions.
        recurrent_layers: pairs of a recurrent layer and a block at the bottleneck.
        recurrent_width: hidden units of an LSTM in each direction.
        compression: exponent of magnitudes in the features.
        mask_bias: number added to the real part of the mask.
    """

    n_fft: int = 4096
    band_bins: tuple[int, ...] = (384, 640, 1024)
    band_strides: tuple[int, ...] = (1, 4, 16)
    width: int = 32
    growth: int = 32
    scales: int = 2
    bottleneck_factor: int = 4
    recurrent_layers: int = 2
    recurrent_width: int = 64
    compression: float = 0.3
    mask_bias: float = 0.3

    def __post_init__(self) -> None:
        if self.channels != 2 or len(self.stems) != 1:
            raise OptionError("sparse_tdf takes 2 channels and estimates one stem")
        if len(self.band_bins) != len(self.band_strides):
            raise OptionError(f"{len(self.band_bins)} bands have {len(self.band_strides)} strides")
        if sum(self.band_bins) > self.n_fft // 2 + 1:
            raise OptionError(f"the bands have {sum(self.band_bins)} bins, and the window {self.n_fft // 2 + 1}")
        for n_bins, stride in zip(self.band_bins, self.band_strides, strict=True):
            if n_bins % (stride << self.scales):
                raise OptionError(f"a band of {n_bins} bins does not divide into {stride} x {2**self.scales}")

    @property
    def band_positions(self) -> tuple[int, ...]:
        """Number of positions of each band."""
        return tuple(bins // stride for bins, stride in zip(self.band_bins, self.band_strides, strict=True))


class TimeLSTM(nn.Module):
    """A bidirectional LSTM along the frames of each position, inside a residual connection."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.lstm = nn.LSTM(channels, hidden, bidirectional=True)
        self.output = nn.Linear(2 * hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, channel, frame, position)``."""
        sequences = rearrange(self.norm(x), "batch channel frame position -> frame (batch position) channel")
        heard: Tensor = self.output(self.lstm(sequences.contiguous())[0])
        n_items = x.shape[0]  # len(x) would be a constant where the network is traced for ONNX
        there = "frame (batch position) channel -> batch channel frame position"
        return x + rearrange(heard, there, batch=n_items)


class SparseTDFCodec(MaskCodec):
    """Features and mask bin by bin; the network itself compresses the bands."""

    def __init__(self, config: SparseTDFConfig) -> None:
        super().__init__(
            config,
            n_bins=sum(config.band_bins),
            compression=config.compression,
            mask_bias=config.mask_bias,
            frame_multiple=2**config.scales,
        )

    def unfold(self, output: Tensor) -> tuple[Tensor, Tensor]:
        """``(batch, 4, frame, bin)`` to both parts of the mask, each ``(batch, 2, bin, frame)``."""
        real, imaginary = output.transpose(-1, -2).chunk(2, dim=1)
        return real, imaginary

    def output_shape(self, shape: tuple[int, ...], n_stems: int) -> tuple[int, ...]:  # noqa: ARG002
        """The mask's four maps for the six features."""
        return shape[0], _MASK_MAPS, *shape[2:]


class SparseTDF(SpectrogramModel):
    """A U-Net on level-normalised, compressed mid/side features; its output is a complex mask."""

    def __init__(self, config: SparseTDFConfig) -> None:
        super().__init__(config, SparseTDFCodec(config))
        self.bands, self.strides, self.positions = config.band_bins, config.band_strides, config.band_positions
        widths = [config.width + i * config.growth for i in range(config.scales + 1)]
        positions = [sum(config.band_positions) >> i for i in range(config.scales + 1)]

        def block(in_channels: int, scale: int) -> TFCTDFBlock:
            return TFCTDFBlock(in_channels, widths[scale], positions[scale], config.bottleneck_factor)

        scales = range(config.scales)
        self.compress = nn.ModuleList(nn.Conv2d(_MAPS * stride, widths[0], 1) for stride in self.strides)
        self.encoder = nn.ModuleList(block(widths[i], i) for i in scales)
        self.down = nn.ModuleList(
            NormReLUConv(nn.Conv2d(widths[i], widths[i + 1], 2, 2, bias=False)) for i in scales
        )
        self.bottleneck = nn.Sequential(block(widths[-1], config.scales))
        for _ in range(config.recurrent_layers):
            self.bottleneck.append(TimeLSTM(widths[-1], config.recurrent_width))
            self.bottleneck.append(block(widths[-1], config.scales))
        self.up = nn.ModuleList(
            NormReLUConv(nn.ConvTranspose2d(widths[i + 1], widths[i], 2, 2, bias=False)) for i in scales
        )
        self.decoder = nn.ModuleList(block(widths[i], i) for i in scales)
        self.hidden = nn.Conv2d(2 * widths[0], 2 * widths[0], 1)
        self.expand = nn.ModuleList(nn.Conv2d(2 * widths[0], _MASK_MAPS * stride, 1) for stride in self.strides)

    def network(self, x: Tensor) -> Tensor:
        """Features ``(batch, 6, frame, bin)`` to mask parts ``(batch, 4, frame, bin)``.

        The number of frames is a multiple of ``2 ** scales``.
        """
        first = x = torch.cat(
            [
                compress(
                    rearrange(band, "batch map frame (position bin) -> batch (map bin) frame position", bin=stride)
                )
                for band, stride, compress in zip(
                    x.split(self.bands, dim=-1), self.strides, self.compress, strict=True
                )
            ],
            dim=-1,
        )
        skips = []
        for encoder, down in zip(self.encoder, self.down, strict=True):
            skips.append(encoder(x))
            x = down(skips[-1])
        x = self.bottleneck(x)
        for up, decoder in zip(reversed(self.up), reversed(self.decoder), strict=True):
            x = decoder(up(x) + skips.pop())
        x = functional.relu(self.hidden(torch.cat([x, first], dim=1)))
        return torch.cat(
            [
                rearrange(
                    expand(band), "batch (map bin) frame position -> batch map frame (position bin)", bin=stride
                )
                for band, stride, expand in zip(
                    x.split(self.positions, dim=-1), self.strides, self.expand, strict=True
                )
            ],
            dim=-1,
        )
