"""The level of a song: mean and standard deviation of its mono mix, which some networks want to be 0 and 1."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class SongLevel:
    """What a song is brought to zero mean and unit deviation with; the default leaves it as it is.

    Attributes:
        mean: mean of the mono mix.
        deviation: standard deviation of the mono mix; 1 for silence.
    """

    mean: float = 0.0
    deviation: float = 1.0

    def without(self, offset: Tensor | None) -> SongLevel:
        """The level of audio from which an offset ``(channel, 1)`` has been taken; None is no offset."""
        return self if offset is None else replace(self, mean=self.mean - offset.mean().item())

    def normalise(self, waveform: Tensor) -> Tensor:
        """Take the level off a waveform of any shape."""
        return (waveform - self.mean) / self.deviation

    def undo(self, waveform: Tensor) -> Tensor:
        """Give the level back."""
        return waveform * self.deviation + self.mean


class LevelMeter:
    """Measures the level of what it has heard, in double precision.

    Attributes:
        n_samples: how many samples it has heard.

    Example:
        >>> meter = LevelMeter()
        >>> meter.hear(torch.tensor([[1.0, 2.0]]))
        >>> meter.hear(torch.tensor([[3.0]]))
        >>> meter.level
        SongLevel(mean=2.0, deviation=1.0)
    """

    def __init__(self) -> None:
        self.n_samples = 0
        self._sum = self._squares = 0.0

    def hear(self, waveform: Tensor) -> None:
        """Take in ``(channel, sample)``."""
        mono = waveform.to(torch.float64).mean(dim=0)
        self.n_samples += len(mono)
        self._sum += mono.sum().item()
        self._squares += mono.square().sum().item()

    @property
    def level(self) -> SongLevel:
        """Of all that was heard."""
        n = self.n_samples
        mean = self._sum / n if n else 0.0
        variance = (self._squares - n * mean**2) / (n - 1) if n > 1 else 0.0
        return SongLevel(mean=mean, deviation=variance**0.5 if variance > 0 else 1.0)
