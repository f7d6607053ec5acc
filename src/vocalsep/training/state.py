"""What a run has learned and how far it is: all that a checkpoint keeps."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.optim.swa_utils import AveragedModel

from vocalsep.errors import RunError, VocalsepError
from vocalsep.models.base import SpectrogramModel
from vocalsep.system.mapping import from_mapping
from vocalsep.training.optimisation import Schedule, make_optimiser, moving_average
from vocalsep.training.recipe import OptimiserSettings
from vocalsep.training.run.position import Position


class TrainingState:
    """The weights, their moving average, the optimiser with its schedule and scaler, and the position.

    Args:
        model: the model that is trained, on its device.
        settings: settings of the optimiser.
        dtype: number format that the network computes in.
        total_steps: steps of the whole run.

    Attributes:
        schedule: schedule of the learning rate.
        position: how far the run is.
    """

    def __init__(
        self, model: SpectrogramModel, settings: OptimiserSettings, dtype: torch.dtype, total_steps: int
    ) -> None:
        self._model, self._settings = model, settings
        self._optimiser = make_optimiser(model.parameters(), settings)
        self.schedule = Schedule(self._optimiser, settings, total_steps)
        device = next(model.parameters()).device
        self._scaler = GradScaler(device.type, enabled=dtype == torch.float16)
        self._average: AveragedModel | None = None
        if settings.ema_decay:
            average = moving_average(settings.ema_decay)
            self._average = AveragedModel(model, multi_avg_fn=average, use_buffers=True)
        self.position = Position()

    @property
    def best_model(self) -> SpectrogramModel:
        """The moving average of the model where there is one, else the model."""
        return self._model if self._average is None else cast(SpectrogramModel, self._average.module)

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return self.schedule.learning_rate

    def load_weights(self, state: Mapping[str, Tensor]) -> None:
        """Start from weights, which fit the model."""
        self._model.load_state_dict(state)
        if self._average:
            self._average.module.load_state_dict(state)

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a loss."""
        self._scaler.scale(loss).backward()

    def step(self) -> None:
        """Change the weights by the gradients, which are zero afterwards."""
        self._scaler.unscale_(self._optimiser)
        if self._settings.clip_norm:
            nn.utils.clip_grad_norm_(self._model.parameters(), self._settings.clip_norm)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self._optimiser.zero_grad()
        self.schedule.after_step()
        if self._average:
            self._average.update_parameters(self._model)

    def to_mapping(self) -> dict[str, Any]:
        """What `restore` takes."""
        return {
            "model": self._model.state_dict(),
            "average": self._average.state_dict() if self._average else {},
            "optimiser": self._optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self._scaler.state_dict(),
            "position": dataclasses.asdict(self.position),
        }

    def restore(self, state: Mapping[str, Any], origin: Path) -> None:
        """Go on from a state.

        Args:
            state: what `to_mapping` gave.
            origin: file that it is from, for messages.

        Raises:
            RunError: it is of another model or another optimiser.
        """
        try:
            self._model.load_state_dict(state["model"])
            if self._average:
                self._average.load_state_dict(state["average"])
            self._optimiser.load_state_dict(state["optimiser"])
            self.schedule.load_state_dict(state["schedule"])
            self._scaler.load_state_dict(state["scaler"])
            self.position = from_mapping(Position, state["position"])
        except (RuntimeError, ValueError, KeyError, VocalsepError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise RunError(f"{origin} is not of this run: {reason}", "Choose another folder.") from error
