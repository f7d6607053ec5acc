"""What the defaults have in common: the features they see, and the complex mask they estimate."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor
from torch.nn import functional

from vocalsep.models.codec import SpectrogramCodec
from vocalsep.models.signal_config import SpectrogramConfig


class MaskCodec(SpectrogramCodec):
    """Level-normalised, compressed mid/side features in, a complex mask out.

    Args:
        config: the signals.
        n_bins: number of bins that the network sees, from the lowest up. The mask is zero above them.
        compression: exponent of magnitudes in the features.
        mask_bias: number added to the real part of the mask.
        frame_multiple: the number of frames of the input is a multiple of this.
    """

    def __init__(
        self,
        config: SpectrogramConfig,
        *,
        n_bins: int,
        compression: float,
        mask_bias: float,
        frame_multiple: int,
    ) -> None:
        super().__init__(config, n_bins)
        self.compression, self.mask_bias, self.frame_multiple = compression, mask_bias, frame_multiple

    def level(self, waveform: Tensor) -> Tensor:
        """The root mean square of all channels, ``(batch, 1, 1)``."""
        # float64: squares of any finite float32 are finite there
        energy = waveform.double().square().mean(dim=(1, 2), keepdim=True)
        return energy.sqrt().float() + 1e-6

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

    def encode(self, spectrogram: Tensor) -> Tensor:
        """Complex ``(batch, 2, bin, frame)``, of a level near one, to the network's maps."""
        maps = self.features(spectrogram[:, :, : self.n_bins])
        return self.fold(functional.pad(maps, (0, 0, 0, -maps.shape[2] % self.frame_multiple)))

    def decode(self, output: Tensor, spectrogram: Tensor) -> Tensor:
        """The network's output times the mixture, complex ``(batch, 1, 2, bin, frame)``."""
        n_bins, n_frames = spectrogram.shape[-2:]
        real, imaginary = self.unfold(output[:, :, :n_frames].float())
        estimate = torch.complex(real + self.mask_bias, imaginary) * spectrogram[:, :, : self.n_bins]
        return functional.pad(estimate, (0, 0, 0, n_bins - self.n_bins)).unsqueeze(1)

    def fold(self, maps: Tensor) -> Tensor:
        """Features ``(batch, 6, frame, bin)`` to the layout of the network's input."""
        return maps

    @abstractmethod
    def unfold(self, output: Tensor) -> tuple[Tensor, Tensor]:
        """The network's output to both parts of the mask, each real ``(batch, 2, bin, frame)``."""
