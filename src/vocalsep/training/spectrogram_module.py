"""A model as training calls it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vocalsep.models.base import SpectrogramModel
from vocalsep.stem_names import STEMS
from vocalsep.training.losses import Comparison


class SpectrogramModule(nn.Module):
    """A model whose forward gives spectrograms, in reduced precision: data-parallel training sees forward alone.

    Args:
        model: its `SpectrogramModel.spectrograms` are the output.
        dtype: number format that its network computes in.
    """

    def __init__(self, model: SpectrogramModel, dtype: torch.dtype) -> None:
        super().__init__()
        self.model, self._dtype = model, dtype

    def forward(self, mixture: Tensor) -> Tensor:
        """``(batch, channel, sample)`` to complex ``(batch, stem, channel, bin, frame)``."""
        with torch.autocast(mixture.device.type, dtype=self._dtype, enabled=self._dtype != torch.float32):
            return self.model.spectrograms(mixture)


def compare(estimator: nn.Module, model: SpectrogramModel, stems: Tensor) -> Comparison:
    """Run the model on the mixtures of ``(batch, stem, channel, sample)``.

    Args:
        estimator: a `SpectrogramModule`, or what wraps one.
        model: the model that the estimator holds.
        stems: vocals and accompaniment.
    """
    mixture = stems.sum(dim=1)
    target = STEMS.index(model.config.stems[0])
    return Comparison(model, estimator(mixture)[:, 0], stems[:, target], mixture)
