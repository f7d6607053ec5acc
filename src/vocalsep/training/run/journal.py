"""What is written of a run while it goes on: the table, the curves, TensorBoard's events and a model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from vocalsep.evaluation.figures import loss_curves
from vocalsep.models.base import SeparationModel
from vocalsep.training.run.card import model_card
from vocalsep.training.run.config import RunConfig
from vocalsep.training.run.folder import RunFolder
from vocalsep.training.run.history import write_history
from vocalsep.weights.run_layout import RUN_CARD

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class Journal:
    """The records of a run, as a context manager.

    Args:
        folder: folder of the run.
        config: config of the run.
        enabled: False writes nothing: of several processes one keeps the records.
    """

    def __init__(self, folder: RunFolder, config: RunConfig, *, enabled: bool) -> None:
        self._folder, self._config, self._enabled = folder, config, enabled
        self._events: SummaryWriter | None = None

    def __enter__(self) -> Journal:
        if self._enabled:
            from torch.utils.tensorboard import SummaryWriter

            self._events = SummaryWriter(str(self._folder.path / "tensorboard"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._events:
            self._events.close()

    def step(self, step: int, losses: Mapping[str, float], learning_rate: float) -> None:
        """Record the mean losses of the epoch so far."""
        self._record(
            step, {**{f"train/{name}": loss for name, loss in losses.items()}, "learning_rate": learning_rate}
        )

    def epoch(self, history: Sequence[Mapping[str, float]], model: SeparationModel) -> None:
        """Record an epoch: the last row of the history."""
        row = history[-1]
        valid = {key.replace("valid_", "valid/"): value for key, value in row.items() if key.startswith("valid_")}
        self._record(int(row["step"]), valid)
        write_history(self._folder.history_file, history)
        loss_curves(self._folder.path / "curves.png", {self._folder.path.resolve().name: history})
        self._folder.write_text(RUN_CARD, model_card(self._folder, self._config, history, model))

    def _record(self, step: int, values: Mapping[str, float]) -> None:
        if self._events:
            for name, value in values.items():
                self._events.add_scalar(name, value, step)
