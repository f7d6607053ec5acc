"""Where a training run is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Position:
    """Where a run is, and what came of it: plain values that are saved with every checkpoint.

    Attributes:
        epoch: epochs that are complete.
        epoch_step: steps of the epoch under way.
        step: all steps.
        seconds: that the run took.
        best_loss: lowest validation loss so far.
        epochs_since_best: since then.
        sums: of the training losses of the epoch under way, in the main process.
        history: a row for each epoch, see `vocalsep.training.history`.
    """

    epoch: int = 0
    epoch_step: int = 0
    step: int = 0
    seconds: float = 0.0
    best_loss: float = math.inf
    epochs_since_best: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """What is told of a step.

    Attributes:
        epoch: epochs that are complete.
        epochs: the most there will be.
        step: steps that are done.
        steps: the most there will be.
        loss: mean of the epoch so far.
        audio_rate: seconds of audio that were trained on in a second.
        seconds_a_step: that the run took so far, with its validation.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    audio_rate: float
    seconds_a_step: float

    @property
    def seconds_left(self) -> float:
        """Seconds to the end of the run, if nothing ends it before."""
        return (self.steps - self.step) * self.seconds_a_step
