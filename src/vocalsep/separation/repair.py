"""Faults of recordings that networks have not been trained on, taken away before the network and given back.

Networks learn from produced songs. An offset (direct current) of a sound card, or a silent channel of a recording
by one microphone, would change or spoil the separation.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_LEAST_SAMPLES = 22050  # the mean of fewer may be a part of a low tone
_LEAST_OFFSET = 1e-3
_LEAST_SHARE = 0.05  # of the deviation; songs without an offset stay below it, and as they are
_SILENT = 1e-8  # energy of a channel that counts as silent, relative to the other: -80 dB


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What is taken away from a segment of a song, and given back to its estimates.

    Attributes:
        offset: mean of each channel, shape ``(channel, 1)``; None where it is too small to matter.
        heard: the one channel of two that is heard by the network in both; None where both have sound.
    """

    offset: Tensor | None = None
    heard: int | None = None

    @classmethod
    def of(cls, samples: Tensor) -> Repair:
        """What has to be repaired of a segment ``(channel, sample)``."""
        offset = None
        deviation, mean = torch.std_mean(samples, dim=1, keepdim=True, correction=0)
        if (
            samples.shape[1] >= _LEAST_SAMPLES
            and (mean.abs() > (_LEAST_SHARE * deviation).clamp_min(_LEAST_OFFSET)).any()
        ):
            offset = mean
        heard = None
        if len(samples) == 2:
            energy = (deviation if offset is not None else samples.square().mean(dim=1).sqrt()).flatten().square()
            loud = int(energy.argmax())
            if energy[loud] > 0 and energy[1 - loud] <= _SILENT * energy[loud]:
                heard = loud
        return cls(offset=offset, heard=heard)

    def apply(self, samples: Tensor) -> Tensor:
        """The segment that the network hears."""
        if self.offset is not None:
            samples = samples - self.offset
        return samples if self.heard is None else samples[self.heard].expand_as(samples)

    def undo(self, estimate: Tensor, accompaniment: int | None) -> Tensor:
        """The estimate ``(stem, channel, sample)`` of the segment as it was.

        Args:
            estimate: what the network made of it.
            accompaniment: index of the stem that gets the offset; None where the network does not give it.
        """
        if self.heard is not None:
            mean = estimate.mean(dim=1)
            estimate = torch.zeros_like(estimate)
            estimate[:, self.heard] = mean
        if self.offset is not None and accompaniment is not None:
            estimate = estimate.clone()
            estimate[accompaniment] += self.offset.to(estimate.device)
        return estimate
