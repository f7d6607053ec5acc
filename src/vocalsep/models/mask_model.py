"""What the defaults have in common: the features they see, and the complex mask they estimate."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor
from torch.nn import functional

from vocalsep.models.base import SpectrogramConfig, SpectrogramModel


class MaskModel(SpectrogramModel):
    """A network that estimates a complex mask from level-normalised, compressed mid/side features.

    Attributes:
        n_bins: number of bins that the network sees, from the lowest up. The mask is zero above them.
        compression: exponent of magnitudes in the features.
    """

    def __init__(self, config: SpectrogramConfig, *, n_bins: int, compression: float) -> None:
        super().__init__(config)
        self.n_bins, self.compression = n_bins, compression

    def features(self, spectrogram: Tensor) -> Tensor:
        """Complex ``(batch, 2, bin, frame)`` to six real maps ``(batch, 6, frame, bin)``.

        With c(z) = z (|z| + 1e-4)^(compression - 1): Re c(L), Re c(R), Im c(L), Im c(R), and the compressed
        magnitudes of L + R and L - R.
        """
        compressed = spectrogram * (spectrogram.abs() + 1e-4) ** (self.compression - 1)
        left, right = spectrogram.unbind(dim=1)
        middle_side = torch.stack([left + right, left - right], dim=1)
        maps = [compressed.real, compressed.imag, (middle_side.abs() + 1e-4) ** self.compression]
        return torch.cat(maps, dim=1).transpose(-1, -2)

    @abstractmethod
    def mask(self, spectrogram: Tensor) -> Tensor:
        """Complex ``(batch, 2, bin, frame)``, of a level near one, to a complex mask of the same shape."""

    def spectrograms(self, waveform: Tensor) -> Tensor:
        """``(batch, 2, sample)`` to ``(batch, 1, 2, bin, frame)``; the level is taken out and put back."""
        # float64: squares of any finite float32 are finite there
        energy = waveform.double().square().mean(dim=(1, 2), keepdim=True)
        level = energy.sqrt().float() + 1e-6
        return super().spectrograms(waveform / level) * level[..., None, None]

    def estimate(self, spectrogram: Tensor) -> Tensor:
        """Complex ``(batch, 2, bin, frame)`` to complex ``(batch, 1, 2, bin, frame)``."""
        n_bins = spectrogram.shape[-2]
        seen = spectrogram[:, :, : self.n_bins]
        estimate = self.mask(seen) * seen
        return functional.pad(estimate, (0, 0, 0, n_bins - self.n_bins)).unsqueeze(1)
