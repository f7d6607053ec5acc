"""The order of a network's numbers in memory, which decides how fast convolutions are."""

from __future__ import annotations

import torch

from vocalsep.models.base import SeparationModel


def use_fast_layout(model: SeparationModel, device: torch.device, dtype: torch.dtype) -> None:
    """Put the weights of a model into the layout in which it runs fastest.

    Args:
        model: model whose weights are moved in place.
        device: device that the model runs on.
        dtype: number format that the network computes in.
    """
    contiguous = device.type == "cpu" and dtype in model.hints.contiguous_in
    layout = torch.contiguous_format if contiguous else torch.channels_last
    model.to(memory_format=layout)  # type: ignore[call-overload]
