"""The training loop: one code path for one CPU, one GPU, or many of them on many machines.

All chance of a step is drawn from a generator that is seeded by the seed, the step and the process, so a run that
was cut goes on as if it had not been.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from vocalsep.datasets.dataset import open_dataset
from vocalsep.errors import DivergedError, InputError
from vocalsep.models.architectures import build_model
from vocalsep.models.base import SpectrogramModel
from vocalsep.models.open_unmix import OpenUnmix
from vocalsep.separation.device import choose_precision
from vocalsep.separation.layout import use_fast_layout
from vocalsep.training.initial_weights import initial_state
from vocalsep.training.losses import weighted_losses
from vocalsep.training.run.config import RunConfig
from vocalsep.training.run.environment import describe_environment
from vocalsep.training.run.folder import RunFolder
from vocalsep.training.run.journal import Journal
from vocalsep.training.run.position import Position, StepReport
from vocalsep.training.spectrogram_module import SpectrogramModule, compare
from vocalsep.training.state import TrainingState
from vocalsep.training.training_data import TrainingData
from vocalsep.training.validation import validate

_REPORT_STEPS = 10
"""Steps from one report of the losses to the next. Each report waits for the device."""

_SLOW_STEP_SECONDS = 1.0
"""Where a step takes longer than this, every step is reported: waiting for the device costs little then."""


class Trainer:
    """A run: the model, what it is trained on, and how far it is.

    Args:
        config: config of the run.
        folder: folder of the run, which `start` makes.
        cpu: train on the CPU, whatever else there is.
        on_step: called now and then, in the main process alone.
        on_epoch: called with each new row of the history, in the main process alone.
        should_stop: asked after each step.

    Raises:
        DatasetError: no tracks, or unfit ones.
        OptionError: the config makes no model that can be trained.
    """

    def __init__(
        self,
        config: RunConfig,
        folder: RunFolder,
        *,
        cpu: bool = False,
        on_step: Callable[[StepReport], None] | None = None,
        on_epoch: Callable[[Mapping[str, float]], None] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        recipe = config.recipe
        self._config, self._recipe, self._folder = config, recipe, folder
        self._on_step, self._on_epoch, self._should_stop = on_step, on_epoch, should_stop
        self._accelerator = Accelerator(cpu=cpu)
        self._dtype = choose_precision(recipe.run.precision, self._accelerator.device)
        torch.manual_seed(recipe.run.seed)
        model = build_model(config.model)
        self._model = model.to(self._accelerator.device)
        use_fast_layout(self._model, self._accelerator.device, self._dtype)
        self._data = TrainingData(
            open_dataset(config.dataset),
            recipe,
            model.config,
            process=self._accelerator.process_index,
            n_processes=self._accelerator.num_processes,
        )
        self._state = TrainingState(self._model, recipe.optimiser, self._dtype, self._total_steps())
        if recipe.run.compile:
            self._model.compiled_network = torch.compile(self._model.network)
        self._estimator: nn.Module = self._accelerator.prepare(SpectrogramModule(self._model, self._dtype))
        self._losses: dict[str, Tensor] = {}  # of the steps since the last report

    @property
    def position(self) -> Position:
        """How far the run is."""
        return self._state.position

    @property
    def epoch_steps(self) -> int:
        """Steps that make an epoch."""
        return self._data.epoch_steps

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes and reports."""
        return bool(self._accelerator.is_main_process)

    def start(self, *, resume: bool = False) -> None:
        """Make the folder of the run, or resume from the state in it.

        Raises:
            ModelError: the weights to start from are not available, or do not fit.
            OutputExistsError: a run is to be made where one is.
            RunError: there is no state to resume from, or it is of another model.
            OutputError: the folder cannot be written.
        """
        if resume:
            self._state.restore(self._folder.read_state(), origin=self._folder.state_file)
        elif self._config.init:
            self._state.load_weights(initial_state(self._config.init, self._model))
        if self.is_main and resume:
            self._folder.write_config(self._config)
        elif self.is_main:
            self._folder.create(self._config, describe_environment())

    def fit(self) -> bool:
        """Train to the end, or until `should_stop` says so; the state is saved either way.

        Returns:
            whether the run is complete.

        Raises:
            DivergedError: the loss is not finite; the checkpoint before stays.
            InputError: a file is gone or damaged; the state is saved first.
            OutputError: the disk is full; the last checkpoint stays.
        """
        with Journal(self._folder, self._config, enabled=self.is_main) as journal:
            if self.position.step == 0 and isinstance(self._model, OpenUnmix) and not self._config.init:
                self._standardise(self._model)
            while not self._is_complete():
                if not self._train_epoch(journal):
                    return False
                self._end_epoch(journal)
        return True

    def close(self) -> None:
        """Leave the group of processes, when all have come to this; nothing is trained afterwards."""
        # a process that ends while another still waits for it in the group aborts that one
        self._accelerator.wait_for_everyone()
        self._accelerator.end_training()

    def _standardise(self, model: OpenUnmix) -> None:
        device = self._accelerator.device
        model.standardise(stems.to(device).sum(dim=1) for stems in self._data.for_statistics())

    def _total_steps(self) -> int:
        run = self._recipe.run
        all_steps: int = run.epochs * self._data.epoch_steps
        return min(run.max_steps, all_steps) if run.max_steps else all_steps

    def _is_complete(self) -> bool:
        run, position = self._recipe.run, self.position
        stopped = run.early_stop_epochs and position.epochs_since_best >= run.early_stop_epochs
        return bool(stopped) or position.epoch >= run.epochs or position.step >= self._total_steps()

    def _train_epoch(self, journal: Journal) -> bool:
        """Train to the end of the epoch; whether it was reached."""
        position = self.position
        self._data.begin_epoch()
        loaded = self._data.training(position.epoch, position.epoch_step)
        self._estimator.train()
        began = time.monotonic() - position.seconds
        try:
            while position.epoch_step < self._data.epoch_steps and position.step < self._total_steps():
                self._step(loaded)
                position.seconds = time.monotonic() - began
                is_slow = position.seconds > _SLOW_STEP_SECONDS * position.step
                if is_slow or position.step % _REPORT_STEPS == 0:
                    self._report_losses(journal)
                stopped = self._any_process_stops()
                every = self._recipe.run.checkpoint_steps
                if stopped or (every and position.step % every == 0):
                    self._report_losses(journal)
                    self._save()
                if stopped:
                    return False
        except InputError:  # a file went bad: what was trained so far stays
            self._report_losses(journal)
            self._save()
            raise
        self._report_losses(journal)
        if self.is_main:
            self._data.end_epoch()
        return True

    def _step(self, loaded: Iterator[Tensor]) -> None:
        """One step of the optimiser, over the next batches."""
        settings = self._recipe.optimiser
        for i in range(settings.accumulate):
            stems = next(loaded).to(self._accelerator.device, non_blocking=True)
            self._seed(i)  # after the loader, which draws from the same generator when an epoch begins
            stems = self._recipe.augmentation(stems, self._data.n_samples, self._model.config.sample_rate)
            last = i == settings.accumulate - 1
            with nullcontext() if last else self._accelerator.no_sync(self._estimator):
                terms = weighted_losses(compare(self._estimator, self._model, stems), self._recipe.loss)
                self._state.backward(terms["loss"] / settings.accumulate)
            for name, term in terms.items():
                self._losses[name] = self._losses.get(name, 0) + term.detach() / settings.accumulate
        self._state.step()
        self.position.step += 1
        self.position.epoch_step += 1

    def _seed(self, batch: int) -> None:
        """Make all chance from here on that of a batch of this step."""
        numbers = [self._recipe.run.seed, self.position.step, batch, self._accelerator.process_index]
        torch.manual_seed(int(np.random.SeedSequence(numbers).generate_state(1)[0]))

    def _report_losses(self, journal: Journal) -> None:
        """Take in the losses of the steps since the last report, and report them.

        Raises:
            DivergedError: one is not finite.
        """
        position, sums = self.position, {name: float(total) for name, total in self._losses.items()}
        self._losses = {}
        if not sums:
            return
        if not math.isfinite(sums["loss"]):
            raise DivergedError(
                f"the loss is {sums['loss']} before step {position.step}",
                "Resume from the last checkpoint with optimiser.clip_norm=1, or start anew with a lower "
                "optimiser.learning_rate.",
            )
        for name, total in sums.items():
            position.sums[name] = position.sums.get(name, 0.0) + total
        if not self.is_main:
            return
        means = {name: total / position.epoch_step for name, total in position.sums.items()}
        journal.step(position.step, means, self._state.learning_rate)
        if self._on_step:
            data, accumulate = self._recipe.data, self._recipe.optimiser.accumulate
            chunks = position.step * accumulate * data.batch_size * self._accelerator.num_processes
            self._on_step(
                StepReport(
                    epoch=position.epoch,
                    epochs=self._recipe.run.epochs,
                    step=position.step,
                    steps=self._total_steps(),
                    loss=means["loss"],
                    audio_rate=chunks * data.chunk_seconds / max(position.seconds, 1e-9),
                    seconds_a_step=position.seconds / position.step,
                )
            )

    def _any_process_stops(self) -> bool:
        if self._accelerator.num_processes == 1:
            return self._should_stop()
        wish = torch.tensor(float(self._should_stop()), device=self._accelerator.device)
        return float(self._accelerator.reduce(wish, "sum")) > 0

    def _end_epoch(self, journal: Journal) -> None:
        position, began = self.position, time.monotonic()
        model = self._state.best_model
        figures = self._validate(model)
        position.seconds += time.monotonic() - began
        self._state.schedule.after_epoch(figures["loss"])
        is_best = figures["loss"] < position.best_loss
        position.best_loss = min(figures["loss"], position.best_loss)
        position.epochs_since_best = 0 if is_best else position.epochs_since_best + 1
        row = {"epoch": position.epoch + 1, "step": position.step, "seconds": round(position.seconds, 3)}
        row |= {f"train_{name}": total / position.epoch_step for name, total in position.sums.items()}
        row |= {f"valid_{name}": figure for name, figure in figures.items()}
        position.history.append({**row, "learning_rate": self._state.learning_rate})
        position.epoch, position.epoch_step, position.sums = position.epoch + 1, 0, {}
        if self.is_main:
            self._folder.write_weights(self._folder.last_weights, model, self._config)
            if is_best:
                self._folder.write_weights(self._folder.best_weights, model, self._config)
            journal.epoch(position.history, model)
            if self._on_epoch:
                self._on_epoch(position.history[-1])
        self._save()

    def _validate(self, model: SpectrogramModel) -> dict[str, float]:
        return validate(
            SpectrogramModule(model, self._dtype),
            self._data.validation(),
            self._recipe.loss,
            device=self._accelerator.device,
            add_up=lambda sums: self._accelerator.reduce(sums, "sum"),
        )

    def _save(self) -> None:
        if self.is_main:
            self._folder.write_state(self._state.to_mapping())
