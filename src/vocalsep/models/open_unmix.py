"""Open-Unmix, the baseline: a bidirectional LSTM over frames that masks the magnitude spectrogram.

Reference: Stöter et al. 2019, "Open-Unmix: a reference implementation for music source separation",
Journal of Open Source Software 4(41), 1667. State keys are those of the public umxhq and umxl checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from vocalsep.errors import OptionError
from vocalsep.models.base import SpectrogramModel
from vocalsep.models.codec import SpectrogramCodec
from vocalsep.models.signal_config import SpectrogramConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenUnmixConfig(SpectrogramConfig):
    """Signals and sizes of Open-Unmix, which estimates one stem.

    Attributes:
        hidden_size: width of the network.
        max_bin: bins the network reads (None: all); it writes all.
        n_layers: number of layers of the LSTM.
        dropout: between the layers of the LSTM, in training.
    """

    n_fft: int = 4096
    hidden_size: int = 512
    max_bin: int | None = None
    n_layers: int = 3
    dropout: float = 0.4

    def __post_init__(self) -> None:
        if len(self.stems) != 1:
            raise OptionError(f"Open-Unmix estimates one stem, not {len(self.stems)}")


class OpenUnmixCodec(SpectrogramCodec):
    """Magnitudes in, magnitudes out; the phases of the estimate are the mixture's."""

    estimates_magnitude = True
    frame_axis = 3

    def encode(self, spectrogram: Tensor) -> Tensor:
        """Complex ``(batch, channel, bin, frame)`` to its magnitude."""
        return spectrogram.abs()

    def decode(self, output: Tensor, spectrogram: Tensor) -> Tensor:
        """The magnitude of the stem to complex ``(batch, 1, channel, bin, frame)``."""
        return torch.polar(output.float(), spectrogram.angle()).unsqueeze(1)


class OpenUnmix(SpectrogramModel):
    """Magnitude in, masked magnitude out, the mixture's phase.

    Deviation: the waveform is extended to whole hops, so that its last samples lie under full windows. The Wiener
    filter of the published separator is `vocalsep.separation.wiener`.
    """

    def __init__(self, config: OpenUnmixConfig) -> None:
        super().__init__(config, OpenUnmixCodec(config))
        hidden, n_bins = config.hidden_size, config.n_fft // 2 + 1
        self.n_in_bins = config.max_bin or n_bins
        self.fc1 = nn.Linear(config.channels * self.n_in_bins, hidden, bias=False)
        self.bn1 = nn.BatchNorm1d(hidden)
        self.lstm = nn.LSTM(hidden, hidden // 2, config.n_layers, dropout=config.dropout, bidirectional=True)
        self.fc2 = nn.Linear(2 * hidden, hidden, bias=False)
        self.bn2 = nn.BatchNorm1d(hidden)
        self.fc3 = nn.Linear(hidden, config.channels * n_bins, bias=False)
        self.bn3 = nn.BatchNorm1d(config.channels * n_bins)
        self.input_mean = nn.Parameter(torch.zeros(self.n_in_bins))
        self.input_scale = nn.Parameter(torch.ones(self.n_in_bins))
        self.output_mean = nn.Parameter(torch.ones(n_bins))
        self.output_scale = nn.Parameter(torch.ones(n_bins))

    def network(self, x: Tensor) -> Tensor:
        """Map ``(batch, channel, bin, frame)``, not negative, to the magnitude of the stem."""
        magnitude = x
        batch, channels, _, _ = magnitude.shape
        x = rearrange(magnitude, "batch channel bin frame -> frame batch channel bin")
        x = (x[..., : self.n_in_bins] + self.input_mean) * self.input_scale

        def normed(norm: nn.Module, y: Tensor) -> Tensor:
            rows: Tensor = rearrange(norm(y), "(frame batch) width -> frame batch width", batch=batch)
            return rows

        x = torch.tanh(normed(self.bn1, self.fc1(x.flatten(2).flatten(0, 1))))
        x = torch.cat([x, self.lstm(x)[0]], dim=-1)  # (frame, batch, 2 * hidden)
        x = functional.relu(normed(self.bn2, self.fc2(x.flatten(0, 1))))
        x = normed(self.bn3, self.fc3(x.flatten(0, 1)))
        x = rearrange(x, "frame batch (channel bin) -> batch channel bin frame", channel=channels)
        mask = functional.relu(x * self.output_scale[:, None] + self.output_mean[:, None])
        return mask * magnitude

    @torch.no_grad()
    def standardise(self, mixtures: Iterable[Tensor]) -> None:
        """Set the input's mean and scale so that each bin of the mixtures has mean 0 and deviation 1.

        As published, ahead of training: the deviation of a bin is not below 1e-4 of the largest.

        Args:
            mixtures: waveforms ``(batch, channel, sample)``, at least one.
        """
        count, total, squares = 0, torch.zeros(()), torch.zeros(())
        for mixture in mixtures:
            magnitude = self.codec.transform(mixture).abs()[..., : self.n_in_bins, :].double()
            count += magnitude.numel() // self.n_in_bins
            total = total + magnitude.sum(dim=(0, 1, 3))
            squares = squares + magnitude.square().sum(dim=(0, 1, 3))
        mean = total / count
        deviation = (squares / count - mean.square()).clamp_min(0).sqrt()
        self.input_mean.copy_(-mean)
        self.input_scale.copy_(1 / deviation.clamp_min(1e-4 * float(deviation.max())))
