"""Mel-Band RoFormer: a `BandRoformer` whose bands are those of a mel filter bank, which overlap.

Reference: Wang, Lu and Won 2023, "Mel-band RoFormer for music source separation", arXiv:2310.01809. State keys are
those of the public checkpoints.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from vocalsep.models.band_roformer import BandRoformer, BandRoformerCodec, BandRoformerConfig
from vocalsep.models.mel_bands import mel_bands


@dataclass(frozen=True, slots=True, kw_only=True)
class MelBandRoformerConfig(BandRoformerConfig):
    """Sizes of the network; the defaults are those of the public vocals model.

    Attributes:
        n_bands: mel bands.
    """

    n_bands: int = 60


class MelBandCodec(BandRoformerCodec):
    """Masks of overlapping bands; a bin in two bands gets the mean of both."""

    bin_of_value: Tensor
    bands_of_bin: Tensor

    def __init__(self, config: MelBandRoformerConfig) -> None:
        bands = mel_bands(config.sample_rate, config.n_fft, config.n_bands)
        super().__init__(config, bands.sum(axis=1).tolist())
        self.register_buffer("bin_of_value", torch.from_numpy(bands.nonzero()[1]), persistent=False)
        self.register_buffer("bands_of_bin", torch.from_numpy(bands.sum(axis=0)), persistent=False)

    def encode(self, spectrogram: Tensor) -> Tensor:
        """Complex ``(batch, channel, bin, frame)`` to ``(batch, frame, value)``."""
        parts = torch.view_as_real(spectrogram)
        return rearrange(
            parts[:, :, self.bin_of_value], "batch channel bin frame part -> batch frame (bin channel part)"
        )

    def masks(self, output: Tensor, spectrogram: Tensor) -> Tensor:
        """``(batch, stem, frame, value)`` to complex masks ``(batch, stem, channel, bin, frame)``."""
        parts = torch.view_as_real(spectrogram)
        masks = rearrange(
            output,
            "batch stem frame (bin channel part) -> batch stem channel bin frame part",
            channel=spectrogram.shape[1],
            part=2,
        )
        total = parts.new_zeros(*masks.shape[:2], *parts.shape[1:])
        total = total.index_add(3, self.bin_of_value, masks)
        return torch.view_as_complex(total / self.bands_of_bin[:, None, None])


class MelBandRoformer(BandRoformer):
    """A `BandRoformer` on mel bands."""

    def __init__(self, config: MelBandRoformerConfig) -> None:
        super().__init__(config, MelBandCodec(config), n_hidden=config.mask_depth, norm_each=True)
