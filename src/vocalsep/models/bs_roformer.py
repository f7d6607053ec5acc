"""BS-RoFormer: a `BandRoformer` whose bands lie side by side.

Reference: Lu et al. 2023, "Music source separation with band-split RoPE transformer", arXiv:2309.02612. State keys
are those of the public checkpoints.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from vocalsep.errors import OptionError
from vocalsep.models.band_roformer import BandRoformer, BandRoformerCodec, BandRoformerConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class BSRoformerConfig(BandRoformerConfig):
    """Sizes of the network; the defaults are those of the public vocals models of width 256.

    Attributes:
        band_bins: bins of each band, from the lowest up; together they are all there are.
    """

    hop_length: int = 512
    width: int = 256
    depth: int = 12
    band_bins: tuple[int, ...] = (*[2] * 24, *[4] * 12, *[12] * 8, *[24] * 8, *[48] * 8, 128, 129)

    def __post_init__(self) -> None:
        BandRoformerConfig.__post_init__(self)  # super() does not know a class with slots
        if any(n_bins < 1 for n_bins in self.band_bins):
            raise OptionError("every band has one bin or more")
        if sum(self.band_bins) != self.n_fft // 2 + 1:
            raise OptionError(
                f"the bands have {sum(self.band_bins)} bins together, a window of {self.n_fft} samples has"
                f" {self.n_fft // 2 + 1}"
            )


class BSCodec(BandRoformerCodec):
    """Masks of bands that lie side by side."""

    def __init__(self, config: BSRoformerConfig) -> None:
        super().__init__(config, config.band_bins)

    def encode(self, spectrogram: Tensor) -> Tensor:
        """Complex ``(batch, channel, bin, frame)`` to ``(batch, frame, value)``."""
        return rearrange(
            torch.view_as_real(spectrogram), "batch channel bin frame part -> batch frame (bin channel part)"
        )

    def masks(self, output: Tensor, spectrogram: Tensor) -> Tensor:
        """``(batch, stem, frame, value)`` to complex masks ``(batch, stem, channel, bin, frame)``."""
        masks = rearrange(
            output,
            "batch stem frame (bin channel part) -> batch stem channel bin frame part",
            channel=spectrogram.shape[1],
            part=2,
        )
        return torch.view_as_complex(masks.contiguous())


class BSRoformer(BandRoformer):
    """A `BandRoformer` on bands that lie side by side."""

    def __init__(self, config: BSRoformerConfig) -> None:
        super().__init__(config, BSCodec(config), n_hidden=config.mask_depth - 1, norm_each=False)
