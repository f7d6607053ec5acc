"""Mel-Band RoFormer: transformers along time and along mel bands, by turns, that estimate complex masks.

Reference: Wang, Lu and Won 2023, "Mel-band RoFormer for music source separation", arXiv:2310.01809; the
transformers are those of Lu et al. 2023, arXiv:2309.02612. State keys are those of the public checkpoints.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from vocalsep.errors import OptionError
from vocalsep.models.base import SpectrogramModel
from vocalsep.models.mel_bands import mel_bands
from vocalsep.models.roformer import RMSNorm, Transformer
from vocalsep.models.rotary import RotaryPositions


@dataclass(frozen=True, slots=True, kw_only=True)
class MelBandRoformerConfig:
    """Sizes of the network; the defaults are those of the public vocals model.

    Attributes:
        sample_rate: Hz.
        channels: of the waveform.
        stems: in the order of the network's output.
        n_fft: window length in samples.
        hop_length: samples from window to window.
        n_bands: mel bands.
        width: features of a token, of which each frame has one a band.
        depth: pairs of transformers.
        time_depth: layers of each transformer along time.
        band_depth: layers of each transformer along the bands.
        n_heads: of the attention.
        head_width: features of a head.
        mask_depth: hidden layers of the mask estimators.
    """

    sample_rate: int = 44100
    channels: int = 2
    stems: tuple[str, ...] = ("vocals",)
    n_fft: int = 2048
    hop_length: int = 441
    n_bands: int = 60
    width: int = 384
    depth: int = 6
    time_depth: int = 1
    band_depth: int = 1
    n_heads: int = 8
    head_width: int = 64
    mask_depth: int = 2

    def __post_init__(self) -> None:
        if self.head_width % 2:
            raise OptionError(f"a head of {self.head_width} features has no pairs of them to turn")


class BandSplit(nn.Module):
    """The values of each band to a token: normalisation and a linear map of the band's own."""

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        self.sizes = list(sizes)
        self.to_features = nn.ModuleList(nn.Sequential(RMSNorm(size), nn.Linear(size, width)) for size in sizes)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, frame, value)``, band after band, to ``(batch, frame, band, width)``."""
        parts = x.split(self.sizes, dim=-1)
        return torch.stack([to(part) for to, part in zip(self.to_features, parts, strict=True)], dim=-2)


class MaskEstimator(nn.Module):
    """Each token to the mask of its band: a perceptron of the band's own and a gated linear unit."""

    def __init__(self, sizes: Sequence[int], width: int, depth: int) -> None:
        super().__init__()
        self.to_freqs = nn.ModuleList(
            nn.Sequential(perceptron([width, *[4 * width] * depth, 2 * size]), nn.GLU()) for size in sizes
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, frame, band, width)`` to ``(batch, frame, value)``, band after band."""
        parts = x.unbind(dim=-2)
        return torch.cat([to(part) for to, part in zip(self.to_freqs, parts, strict=True)], dim=-1)


def perceptron(widths: Sequence[int]) -> nn.Sequential:
    """Linear maps from width to width, with a tanh between them."""
    first, *others = (nn.Linear(*pair) for pair in itertools.pairwise(widths))
    return nn.Sequential(first, *itertools.chain.from_iterable((nn.Tanh(), linear) for linear in others))


class MelBandRoformer(SpectrogramModel):
    """The mixture's spectrogram times a complex mask for each stem; a bin in two bands gets the mean of both.

    As published, the estimates have no constant offset: the bin at 0 Hz is zero.
    """

    frame_axis = 1
    bin_of_value: Tensor
    bands_of_bin: Tensor

    def __init__(self, config: MelBandRoformerConfig) -> None:
        super().__init__(config)
        bands = mel_bands(config.sample_rate, config.n_fft, config.n_bands)
        self.register_buffer("bin_of_value", torch.from_numpy(bands.nonzero()[1]), persistent=False)
        self.register_buffer("bands_of_bin", torch.from_numpy(bands.sum(axis=0)), persistent=False)
        sizes = [2 * config.channels * int(n) for n in bands.sum(axis=1)]

        def transformer(depth: int, positions: RotaryPositions) -> Transformer:
            return Transformer(config.width, depth, config.n_heads, config.head_width, positions)

        time_positions, band_positions = RotaryPositions(config.head_width), RotaryPositions(config.head_width)
        self.band_split = BandSplit(sizes, config.width)
        self.layers = nn.ModuleList(
            nn.ModuleList(
                [transformer(config.time_depth, time_positions), transformer(config.band_depth, band_positions)]
            )
            for _ in range(config.depth)
        )
        self.mask_estimators = nn.ModuleList(
            MaskEstimator(sizes, config.width, config.mask_depth) for _ in config.stems
        )

    def network(self, x: Tensor) -> Tensor:
        """Values ``(batch, frame, value)`` to those of the masks, ``(batch, stem, frame, value)``.

        The values are those of (band, bin, channel, part).
        """
        n_items = len(x)
        x = self.band_split(x).float()  # the sums of all layers stay float32 where these compute in less
        for pair in self.layers:
            along_time, along_bands = pair.children()
            x = along_time(rearrange(x, "batch frame band width -> (batch band) frame width"))
            x = rearrange(x, "(batch band) frame width -> (batch frame) band width", batch=n_items)
            x = rearrange(along_bands(x), "(batch frame) band width -> batch frame band width", batch=n_items)
        return torch.stack([estimator(x) for estimator in self.mask_estimators], dim=1)

    def network_output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The values of the mixture for every stem."""
        return shape[0], len(self.config.stems), *shape[1:]

    def masks(self, spectrogram: Tensor) -> Tensor:
        """Complex ``(batch, channel, bin, frame)`` to complex masks ``(batch, stem, channel, bin, frame)``."""
        parts = torch.view_as_real(spectrogram)
        values = rearrange(
            parts[:, :, self.bin_of_value], "batch channel bin frame part -> batch frame (bin channel part)"
        )
        masks = rearrange(
            self.network(values).float(),
            "batch stem frame (bin channel part) -> batch stem channel bin frame part",
            channel=spectrogram.shape[1],
            part=2,
        )
        total = parts.new_zeros(*masks.shape[:2], *parts.shape[1:])
        total = total.index_add(3, self.bin_of_value, masks)
        return torch.view_as_complex(total / self.bands_of_bin[:, None, None])

    def estimate(self, spectrogram: Tensor) -> Tensor:
        """Complex ``(batch, channel, bin, frame)`` to complex ``(batch, stem, channel, bin, frame)``."""
        estimates = self.masks(spectrogram) * spectrogram.unsqueeze(1)
        estimates[..., 0, :] = 0
        return estimates
