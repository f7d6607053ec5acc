"""The optimiser, and the learning rate over a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from vocalsep.training.recipe import OptimiserSettings

_OPTIMISERS = {"adam": Adam, "adamw": AdamW}


def make_optimiser(parameters: Iterable[nn.Parameter], settings: OptimiserSettings) -> Optimizer:
    """The optimiser of the settings."""
    kind: type[Adam] | type[AdamW] = _OPTIMISERS[settings.name]
    return kind(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay)


def moving_average(decay: float) -> Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]:
    """For `torch.optim.swa_utils.AveragedModel`: an average that forgets by ``decay`` a step, faster at first."""

    @torch.no_grad()
    def update(averaged: Sequence[Tensor], current: Sequence[Tensor], n_averaged: Tensor | int) -> None:
        n = int(n_averaged)
        weight = 1 - min(decay, (1 + n) / (10 + n))
        for average, value in zip(averaged, current, strict=True):
            if average.is_floating_point():
                average.lerp_(value, weight)
            else:
                average.copy_(value)

    return update


class Schedule:
    """The learning rate: set after each step, or after each epoch by the validation loss."""

    def __init__(self, optimiser: Optimizer, settings: OptimiserSettings, total_steps: int) -> None:
        self._optimiser = optimiser
        self._plateau: ReduceLROnPlateau | None = None
        self._steps: LambdaLR | None = None
        if settings.schedule == "plateau":
            self._plateau = ReduceLROnPlateau(
                optimiser, factor=settings.plateau_factor, patience=settings.plateau_patience
            )
        else:
            self._steps = LambdaLR(optimiser, lambda step: _share(step, settings, total_steps))

    @property
    def learning_rate(self) -> float:
        """Of the next step."""
        return float(self._optimiser.param_groups[0]["lr"])

    def after_step(self) -> None:
        """Go on by a step of the optimiser."""
        if self._steps:
            self._steps.step()

    def after_epoch(self, valid_loss: float) -> None:
        """Go on by an epoch that ended with this validation loss."""
        if self._plateau:
            self._plateau.step(valid_loss)

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` takes back."""
        return (self._plateau or self._steps).state_dict()  # type: ignore[union-attr]

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state of the same settings."""
        (self._plateau or self._steps).load_state_dict(state)  # type: ignore[union-attr]


def _share(step: int, settings: OptimiserSettings, total_steps: int) -> float:
    """The part of the highest learning rate that a step has."""
    if step < settings.warmup_steps:
        return (step + 1) / (settings.warmup_steps + 1)
    if settings.schedule == "constant":
        return 1.0
    done = (step - settings.warmup_steps) / max(1, total_steps - settings.warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
