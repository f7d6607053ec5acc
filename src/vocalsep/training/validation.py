"""How good a model is on the validation chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from vocalsep.training.losses import weighted_losses
from vocalsep.training.spectrogram_module import SpectrogramModule, compare


@torch.no_grad()
def validate(
    estimator: SpectrogramModule,
    batches: Iterable[Tensor],
    loss: Mapping[str, float],
    *,
    device: torch.device,
    add_up: Callable[[Tensor], Tensor] = lambda sums: sums,
) -> dict[str, float]:
    """The mean of each loss over all chunks, and the target's global ``sdr`` in dB over all of them.

    Args:
        estimator: module of the model, which is put into evaluation mode.
        batches: batches of chunks ``(batch, stem, channel, sample)``.
        loss: weight of each loss.
        device: device that the model is on.
        add_up: adds up the sums of all processes, which validate on different batches.
    """
    estimator.eval()
    names = ["loss", *loss]
    sums = torch.zeros(len(names) + 3, device=device)
    for stems in batches:
        comparison = compare(estimator, estimator.model, stems.to(device))
        terms = weighted_losses(comparison, loss)
        signal = comparison.reference.square().sum()
        distortion = (comparison.reference - comparison.estimate).square().sum()
        count = torch.tensor(float(len(stems)), device=device)
        sums += torch.stack([*(terms[name] * count for name in names), count, signal, distortion])
    *totals, count, signal, distortion = add_up(sums).unbind()
    means = {name: float(total / count) for name, total in zip(names, totals, strict=True)}
    return {**means, f"sdr_{estimator.model.config.stems[0]}": float(10 * torch.log10(signal / distortion))}
