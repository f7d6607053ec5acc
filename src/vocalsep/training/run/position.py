"""Where a training run is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Position:
    """How far a run is, and its results so far: plain values that are saved with every checkpoint.

    Attributes:
        epoch: epochs that are complete.
        epoch_step: steps of the epoch under way.
        step: all steps.
        seconds: time that the run took so far, in seconds.
        best_loss: lowest validation loss so far.
        epochs_since_best: since then.
        sums: sums of the training losses of the epoch under way, in the main process.
        history: a row for each epoch, see `vocalsep.training.run.history`.
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
    """A report of one step.

    Attributes:
        epoch: number of epochs that are complete.
        epochs: number of epochs at most.
        step: number of steps that are done.
        steps: number of steps at most.
        loss: mean loss of the epoch so far.
        audio_rate: seconds of audio that are trained on in a second.
        seconds_a_step: seconds that a step took so far, with its share of the validation.
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
