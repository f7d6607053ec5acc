"""Transformers along time and along bands of bins, by turns, that estimate complex masks: both RoFormers' part.

Reference: Lu et al. 2023, "Music source separation with band-split RoPE transformer", arXiv:2309.02612.
"""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from vocalsep.errors import OptionError
from vocalsep.models.base import SpectrogramModel
from vocalsep.models.codec import SpectrogramCodec
from vocalsep.models.roformer import RMSNorm, Transformer
from vocalsep.models.rotary import RotaryPositions
from vocalsep.models.signal_config import SpectrogramConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class BandRoformerConfig(SpectrogramConfig):
    """Signals and sizes that both networks have.

    Attributes:
        width: features of a token; each frame has one token a band.
        depth: pairs of transformers.
        time_depth: layers of each transformer along time.
        band_depth: layers of each transformer along the bands.
        n_heads: number of heads of the attention.
        head_width: features of a head.
        mask_depth: layers of the mask estimators, counted as in the published configurations.
        mask_expansion: a mask estimator's hidden layers are the width times this.
    """

    hop_length: int = 441
    width: int = 384
    depth: int = 6
    time_depth: int = 1
    band_depth: int = 1
    n_heads: int = 8
    head_width: int = 64
    mask_depth: int = 2
    mask_expansion: int = 4

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

    def __init__(self, sizes: Sequence[int], width: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.to_freqs = nn.ModuleList(
            nn.Sequential(perceptron([width, *hidden, 2 * size]), nn.GLU()) for size in sizes
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, frame, band, width)`` to ``(batch, frame, value)``, band after band."""
        parts = x.unbind(dim=-2)
        return torch.cat([to(part) for to, part in zip(self.to_freqs, parts, strict=True)], dim=-1)


def perceptron(widths: Sequence[int]) -> nn.Sequential:
    """Linear maps from width to width, with a tanh between them."""
    first, *others = (nn.Linear(*pair) for pair in itertools.pairwise(widths))
    return nn.Sequential(first, *itertools.chain.from_iterable((nn.Tanh(), linear) for linear in others))


class BandRoformerCodec(SpectrogramCodec):
    """The values of all bands in, those of masks out; a value is that of (band, bin, channel, part).

    As published, the estimates have no constant offset: the bin at 0 Hz is zero.

    Args:
        config: the signals.
        band_bins: number of bins of each band.
    """

    frame_axis = 1

    def __init__(self, config: BandRoformerConfig, band_bins: Sequence[int]) -> None:
        super().__init__(config)
        self.band_bins = list(band_bins)

    @abstractmethod
    def masks(self, output: Tensor, spectrogram: Tensor) -> Tensor:
        """``(batch, stem, frame, value)`` to complex masks ``(batch, stem, channel, bin, frame)``."""

    def decode(self, output: Tensor, spectrogram: Tensor) -> Tensor:
        """The masks times the mixture, complex ``(batch, stem, channel, bin, frame)``."""
        estimates = self.masks(output.float(), spectrogram) * spectrogram.unsqueeze(1)
        estimates[..., 0, :] = 0
        return estimates

    def output_shape(self, shape: tuple[int, ...], n_stems: int) -> tuple[int, ...]:
        """The values of the mixture for every stem."""
        return shape[0], n_stems, *shape[1:]


class BandRoformer(SpectrogramModel):
    """The mixture's spectrogram times a complex mask for each stem.

    Args:
        config: sizes.
        codec: what stands around the network, with the bands.
        n_hidden: hidden layers of the mask estimators.
        norm_each: whether a normalisation follows every transformer, and not the last alone.
    """

    def __init__(
        self, config: BandRoformerConfig, codec: BandRoformerCodec, *, n_hidden: int, norm_each: bool
    ) -> None:
        super().__init__(config, codec)
        sizes = [2 * config.channels * n_bins for n_bins in codec.band_bins]

        def transformer(depth: int, positions: RotaryPositions) -> Transformer:
            return Transformer(
                config.width, depth, config.n_heads, config.head_width, positions, norm_output=norm_each
            )

        time_positions, band_positions = RotaryPositions(config.head_width), RotaryPositions(config.head_width)
        self.band_split = BandSplit(sizes, config.width)
        self.layers = nn.ModuleList(
            nn.ModuleList(
                [transformer(config.time_depth, time_positions), transformer(config.band_depth, band_positions)]
            )
            for _ in range(config.depth)
        )
        self.final_norm = nn.Identity() if norm_each else RMSNorm(config.width)
        hidden = [config.mask_expansion * config.width] * n_hidden
        self.mask_estimators = nn.ModuleList(MaskEstimator(sizes, config.width, hidden) for _ in config.stems)

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
        x = self.final_norm(x)
        return torch.stack([estimator(x) for estimator in self.mask_estimators], dim=1)

    def keep_outputs(self, indices: Sequence[int]) -> bool:
        """Keep these stems' mask estimators."""
        self.mask_estimators = nn.ModuleList(self.mask_estimators[i] for i in indices)
        return True
