"""SCNet: bands compressed by different factors, and LSTMs along frequency and time, by turns.

Reference: Tong et al. 2024, "SCNet: sparse compression network for music source separation", arXiv:2401.13276.
State keys are those of the public checkpoints.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from vocalsep.errors import OptionError
from vocalsep.models import fourier
from vocalsep.models.base import SpectrogramModel
from vocalsep.models.codec import SpectrogramCodec
from vocalsep.models.signal_config import SpectrogramConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class SCNetConfig(SpectrogramConfig):
    """Signals and sizes of the network; the defaults are those of the smaller public model.

    Attributes:
        scaled_transform: whether the transform is divided by the square root of ``n_fft``.
        widths: channels at each scale, from the first one below the spectrogram.
        band_shares: shares of the bins: low, middle and high.
        band_strides: factor by which each band is compressed at each scale.
        band_kernels: bins that each compression reads.
        band_depths: layers of convolution for each band at each scale.
        squeeze: the layers of convolution compute in the width divided by this.
        kernel_size: frames that they read.
        depth: pairs of LSTMs; every other one works on the spectrum of the frames.
        expansion: features of an LSTM for each channel.
        normalises_song: whether the network was trained on songs of one level; see `SpectrogramCodec`.
    """

    stems: tuple[str, ...] = ("drums", "bass", "other", "vocals")
    n_fft: int = 4096
    scaled_transform: bool = True
    widths: tuple[int, ...] = (32, 64, 128)
    band_shares: tuple[float, ...] = (0.175, 0.392, 0.433)
    band_strides: tuple[int, ...] = (1, 4, 16)
    band_kernels: tuple[int, ...] = (3, 4, 16)
    band_depths: tuple[int, ...] = (3, 2, 1)
    squeeze: int = 4
    kernel_size: int = 3
    depth: int = 6
    expansion: int = 1
    normalises_song: bool = True

    def __post_init__(self) -> None:
        bands = (self.band_shares, self.band_strides, self.band_kernels, self.band_depths)
        if any(len(values) != 3 for values in bands):
            raise OptionError("shares, strides, kernels and depths are given for three bands each")
        if any(kernel < stride for kernel, stride in zip(self.band_kernels, self.band_strides, strict=True)):
            raise OptionError("a band kernel shorter than its stride would leave bins out")
        if self.depth % 2:
            raise OptionError(f"a depth of {self.depth} is odd: the frames would be left as a spectrum")
        if self.kernel_size % 2 == 0:
            raise OptionError(f"a kernel of {self.kernel_size} frames has no middle")


class ConvolutionLayers(nn.Module):
    """Layers of convolution along the frames of each bin, each around a residual."""

    def __init__(self, config: SCNetConfig, width: int, depth: int) -> None:
        super().__init__()
        squeezed, kernel_size = width // config.squeeze, config.kernel_size
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.GroupNorm(1, width),
                nn.Conv1d(width, 2 * squeezed, kernel_size, padding=kernel_size // 2),
                nn.GLU(dim=1),
                nn.Conv1d(squeezed, squeezed, kernel_size, padding=kernel_size // 2, groups=squeezed),
                nn.GroupNorm(1, squeezed),
                nn.SiLU(),
                nn.Conv1d(squeezed, width, 1),
            )
            for _ in range(depth)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, channel, bin, frame)``; every bin is an item of its own."""
        n_items = x.shape[0]
        x = rearrange(x, "batch channel bin frame -> (batch bin) channel frame")
        for layer in self.layers:
            x = x + layer(x)
        return rearrange(x, "(batch bin) channel frame -> batch channel bin frame", batch=n_items)


class SparseDown(nn.Module):
    """Each band compressed along its bins by a convolution of its own."""

    def __init__(self, config: SCNetConfig, in_width: int, width: int) -> None:
        super().__init__()
        low, middle, _ = config.band_shares
        self.edges = (low, low + middle)
        self._windows = list(zip(config.band_kernels, config.band_strides, strict=True))
        self.convs = nn.ModuleList(
            nn.Conv2d(in_width, width, (kernel, 1), (stride, 1)) for kernel, stride in self._windows
        )

    def sizes(self, n_bins: int) -> list[int]:
        """Bins in each band of ``n_bins``."""
        edges = [0, *(math.ceil(n_bins * edge) for edge in self.edges), n_bins]
        return [end - start for start, end in itertools.pairwise(edges)]

    def forward(self, x: Tensor) -> list[Tensor]:
        """``(batch, channel, bin, frame)`` to the bands, each ``(batch, width, bin / stride, frame)``."""
        compressed = []
        bands = x.split(self.sizes(x.shape[2]), dim=2)
        for conv, (kernel, stride), band in zip(self.convs, self._windows, bands, strict=True):
            missing = kernel - 1 if stride == 1 else -band.shape[2] % stride
            compressed.append(conv(functional.pad(band, (0, 0, missing // 2, missing - missing // 2))))
        return compressed


class SparseUp(nn.Module):
    """Each band expanded along its bins by a convolution of its own."""

    def __init__(self, config: SCNetConfig, width: int, out_width: int) -> None:
        super().__init__()
        self.convtrs = nn.ModuleList(
            nn.ConvTranspose2d(width, out_width, (kernel, 1), (stride, 1))
            for kernel, stride in zip(config.band_kernels, config.band_strides, strict=True)
        )

    def forward(self, x: Tensor, compressed: Sequence[int], sizes: Sequence[int]) -> Tensor:
        """``(batch, width, bin, frame)`` to ``(batch, out_width, bin, frame)``.

        Args:
            x: bands of ``compressed`` bins, one after the other.
            compressed: bins of each band.
            sizes: bins of each band in the output, cut out of the middle.
        """
        bands = []
        for conv, band, n_bins in zip(self.convtrs, x.split(list(compressed), dim=2), sizes, strict=True):
            expanded = conv(band)
            first = (expanded.shape[2] - n_bins) // 2
            bands.append(expanded[:, :, first : first + n_bins])
        return torch.cat(bands, dim=2)


class Encoder(nn.Module):
    """One scale down: bands compressed and convolved, then a convolution over all; the bands are the skip."""

    def __init__(self, config: SCNetConfig, in_width: int, width: int) -> None:
        super().__init__()
        self.SDlayer = SparseDown(config, in_width, width)
        self.conv_modules = nn.ModuleList(ConvolutionLayers(config, width, depth) for depth in config.band_depths)
        self.globalconv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, list[int], list[int]]:
        """``(batch, channel, bin, frame)`` to ``(batch, width, bin, frame)``.

        Returns:
            the output, the skip, and the bins of each band in the skip and in the input.
        """
        sizes = self.SDlayer.sizes(x.shape[2])
        bands = [
            functional.gelu(module(band)) for module, band in zip(self.conv_modules, self.SDlayer(x), strict=True)
        ]
        skip = torch.cat(bands, dim=2)
        return self.globalconv(skip), skip, [band.shape[2] for band in bands], sizes


class Fusion(nn.Module):
    """A convolution over all of a scale and its skip, and a gated linear unit.

    As published, the convolution sees its input twice over; the sum of both halves of its kernels gives the same
    from one.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2 * width, 2 * width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, width, bin, frame)``, to which the skip has been added."""
        first, second = self.conv.weight.chunk(2, dim=1)
        return functional.glu(functional.conv2d(x, first + second, self.conv.bias, padding=1), dim=1)


class DualPath(nn.Module):
    """An LSTM along the bins of each frame, one along the frames of each bin, each around a residual."""

    def __init__(self, width: int, expansion: int) -> None:
        super().__init__()
        hidden = width * expansion
        self.lstm_layers = nn.ModuleList(nn.LSTM(width, hidden, bidirectional=True) for _ in range(2))
        self.linear_layers = nn.ModuleList(nn.Linear(2 * hidden, width) for _ in range(2))
        self.norm_layers = nn.ModuleList(nn.GroupNorm(1, width) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, channel, bin, frame)``."""
        n_items = x.shape[0]
        along_bins, along_frames = (
            "batch channel bin frame -> bin (batch frame) channel",
            "batch channel bin frame -> frame (batch bin) channel",
        )
        back = (
            "bin (batch frame) channel -> batch channel bin frame",
            "frame (batch bin) channel -> batch channel bin frame",
        )
        for i, (there, again) in enumerate(zip((along_bins, along_frames), back, strict=True)):
            sequences, _ = self.lstm_layers[i](rearrange(self.norm_layers[i](x), there))
            x = x + rearrange(self.linear_layers[i](sequences), again, batch=n_items)
        return x


class SeparationNet(nn.Module):
    """Pairs of LSTMs on the frames and on the spectrum of the frames, by turns."""

    def __init__(self, width: int, depth: int, expansion: int) -> None:
        super().__init__()
        self.dp_modules = nn.ModuleList(DualPath(width * (1 + i % 2), expansion) for i in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, channel, bin, frame)``, of an even number of frames."""
        for i, pair in enumerate(self.dp_modules):
            x = pair(x).float()
            x = fourier.sequence(*x.chunk(2, dim=1)) if i % 2 else torch.cat(fourier.spectrum(x), dim=1)
        return x


class SCNetCodec(SpectrogramCodec):
    """Spectrograms as real maps; the window of the transform is rectangular."""

    frame_axis = 3

    def __init__(self, config: SCNetConfig) -> None:
        super().__init__(config)
        self._scaled, self.normalises_song = config.scaled_transform, config.normalises_song

    def seconds_of(self, n_frames: int) -> float:
        """The longest time whose spectrogram has ``n_frames`` or fewer; one of whole hops has two more."""
        n_samples = (n_frames - 1 - n_frames % 2) * self.hop_length - 1
        return n_samples / self.sample_rate

    def transform(self, waveform: Tensor) -> Tensor:
        """Real ``(..., sample)`` to complex ``(..., bin, frame)``, of an even number of frames.

        The waveform is extended by zeros up to the next hop, one that it ends on included, and by one more where
        the frames, one more than hops, would be odd. One shorter than half a window is extended to that.
        """
        *lead, length = waveform.shape
        n_hops = max(length // self.hop_length + 1, self.n_fft // (2 * self.hop_length) + 1)
        n_hops += 1 - n_hops % 2
        flat = functional.pad(waveform.reshape(-1, length), (0, n_hops * self.hop_length - length))
        window = torch.ones(self.n_fft, dtype=flat.dtype, device=flat.device)
        spectrogram = torch.stft(
            flat, self.n_fft, self.hop_length, window=window, normalized=self._scaled, return_complex=True
        )
        return spectrogram.reshape(*lead, *spectrogram.shape[-2:])

    def invert(self, spectrogram: Tensor, n_samples: int) -> Tensor:
        """Complex ``(..., bin, frame)`` to real ``(..., n_samples)``."""
        *lead, n_bins, n_frames = spectrogram.shape
        window = torch.ones(self.n_fft, dtype=spectrogram.real.dtype, device=spectrogram.device)
        waveform = torch.istft(
            spectrogram.reshape(-1, n_bins, n_frames),
            self.n_fft,
            self.hop_length,
            window=window,
            normalized=self._scaled,
            length=n_samples,
        )
        return waveform.reshape(*lead, n_samples)

    def encode(self, spectrogram: Tensor) -> Tensor:
        """Complex ``(batch, channel, bin, frame)`` to ``(batch, map, bin, frame)``: channels, parts."""
        return rearrange(
            torch.view_as_real(spectrogram), "batch channel bin frame part -> batch (channel part) bin frame"
        )

    def decode(self, output: Tensor, spectrogram: Tensor) -> Tensor:
        """``(batch, stem * map, bin, frame)`` to complex ``(batch, stem, channel, bin, frame)``."""
        estimates = rearrange(
            output.float(),
            "batch (stem channel part) bin frame -> batch stem channel bin frame part",
            channel=spectrogram.shape[1],
            part=2,
        )
        return torch.view_as_complex(estimates.contiguous())

    def output_shape(self, shape: tuple[int, ...], n_stems: int) -> tuple[int, ...]:
        """The maps of the mixture for every stem."""
        return shape[0], n_stems * shape[1], *shape[2:]


class SCNet(SpectrogramModel):
    """Spectrogram in, the spectrograms of all stems out."""

    def __init__(self, config: SCNetConfig) -> None:
        super().__init__(config, SCNetCodec(config))
        widths = [2 * config.channels, *config.widths]
        self.encoder = nn.ModuleList(Encoder(config, *pair) for pair in itertools.pairwise(widths))
        self.separation_net = SeparationNet(widths[-1], config.depth, config.expansion)
        out_widths = [len(config.stems) * widths[0], *widths[1:-1]]
        self.decoder = nn.ModuleList(
            nn.ModuleList([Fusion(width), SparseUp(config, width, out_width)])
            for width, out_width in reversed(list(zip(widths[1:], out_widths, strict=True)))
        )

    def network(self, x: Tensor) -> Tensor:
        """Parts ``(batch, map, bin, frame)`` to ``(batch, stem * map, bin, frame)``.

        The maps are those of (channel, part).
        """
        skips = []
        for encoder in self.encoder:
            x, *skip = encoder(x)
            skips.append(skip)
        x = self.separation_net(x)
        for decoder in self.decoder:
            fusion, up = decoder.children()
            skip, compressed, sizes = skips.pop()
            x += skip
            del skip  # before the convolution, which needs the most memory of all
            x = up(fusion(x), compressed, sizes)
        return x

    def keep_outputs(self, indices: Sequence[int]) -> bool:
        """Keep these stems' part of the last convolutions."""
        _, up = self.decoder[-1].children()
        n_maps = 2 * self.config.channels
        assert isinstance(up, SparseUp)
        kept = torch.tensor([n_maps * i + j for i in indices for j in range(n_maps)])
        for conv in up.convtrs:
            assert isinstance(conv, nn.ConvTranspose2d)
            assert conv.bias is not None
            conv.weight = nn.Parameter(conv.weight.detach()[:, kept].clone())
            conv.bias = nn.Parameter(conv.bias.detach()[kept].clone())
            conv.out_channels = len(kept)
        return True
