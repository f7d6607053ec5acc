"""The chunks of a run: which tracks train and which validate, and how many steps make an epoch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from torch import Tensor

from vocalsep.datasets.dataset import Dataset, parts_of
from vocalsep.datasets.stream import Stream
from vocalsep.errors import OptionError, UnfitTrackError
from vocalsep.models.signal_config import SignalConfig
from vocalsep.training.chunks import Batch, ChunkLoader, ChunkShape, TrainingChunks, ValidationChunks, batched
from vocalsep.training.heard_songs import HeardSongs
from vocalsep.training.recipe import Recipe

_STATISTICS_BATCHES = 64


class TrainingData:
    """The chunks that a process trains and validates on.

    Args:
        dataset: what is trained on.
        recipe: recipe of the run.
        signal: rate and channels of the model.
        process: number of this process.
        n_processes: number of all processes. Each has batches of its own.

    Attributes:
        n_samples: length of a chunk.
        epoch_steps: steps that make an epoch.

    Raises:
        DatasetError: there are no tracks, or unfit ones.
        OptionError: the recipe does not fit the data sets.
    """

    def __init__(
        self, dataset: Dataset, recipe: Recipe, signal: SignalConfig, *, process: int, n_processes: int
    ) -> None:
        data, self._recipe = recipe.data, recipe
        self._process, self._n_processes = process, n_processes
        self.n_samples = round(data.chunk_seconds * signal.sample_rate)
        self._shape = ChunkShape(
            sample_rate=signal.sample_rate, channels=signal.channels, n_samples=self.n_samples
        )
        self._parts = parts_of(dataset)
        self._streams = [part for part in self._parts if isinstance(part, Stream)]
        self._heard = HeardSongs(self._streams, passes=data.stream_passes)
        if self._streams and not data.epoch_chunks:
            raise OptionError(
                "a stream has no end, and an epoch needs one",
                "Add data.epoch_chunks=1000 (chunks an epoch).",
            )
        if data.shares and len(data.shares) != len(self._parts):
            raise OptionError(
                f"data.shares has {len(data.shares)} numbers for {len(self._parts)} data sets",
                "Give one for each data set, in their order.",
            )
        self._training = self._training_chunks()
        self._validation = ValidationChunks(
            dataset.tracks("valid"), self._shape, chunks_per_track=data.valid_chunks_per_track
        )
        self._loader = ChunkLoader(self._training, self._validation, workers=data.workers)
        together = data.batch_size * n_processes * recipe.optimiser.accumulate
        self.epoch_steps: int = len(self._training) // together
        if not self.epoch_steps:
            raise UnfitTrackError(
                f"an epoch of {len(self._training)} chunks makes no step of {together}",
                "Add tracks, or use smaller batches: data.batch_size=2",
            )

    def _training_chunks(self) -> TrainingChunks:
        """The chunks of the tracks that are there now: those of a stream change from epoch to epoch."""
        data = self._recipe.data
        parts = [part.tracks("train") for part in self._parts]
        weights = None
        if data.shares:
            weights = [share / len(part) for part, share in zip(parts, data.shares, strict=True) for _ in part]
        return TrainingChunks(
            [track for part in parts for track in part],
            dataclasses.replace(self._shape, n_samples=self._recipe.augmentation.samples_for(self.n_samples)),
            chunks_per_track=data.chunks_per_track,
            seed=self._recipe.run.seed,
            n_chunks=data.epoch_chunks or None,
            weights=weights,
        )

    def begin_epoch(self) -> None:
        """Look which songs of the streams there are now."""
        self._songs = self._heard.songs()
        if self._streams:
            self._training = self._training_chunks()
            self._loader = ChunkLoader(self._training, self._validation, workers=self._recipe.data.workers)

    def end_epoch(self) -> None:
        """Count the epoch's songs of the streams as heard; those that were heard often enough go."""
        self._heard.count(self._songs)

    def training(self, epoch: int, first_step: int) -> Iterator[Tensor]:
        """The batches ``(batch, stem, channel, sample)`` of the epoch for this process, from a step on."""
        accumulate = self._recipe.optimiser.accumulate
        batches = batched(self._training.order(epoch), self._recipe.data.batch_size)
        mine = self._for_this_process(batches)
        return self._loader.load(mine[first_step * accumulate : self.epoch_steps * accumulate])

    def validation(self) -> Iterator[Tensor]:
        """The batches to validate on for this process, the same after each epoch."""
        batches = batched(range(len(self._validation)), self._recipe.data.batch_size)
        return self._loader.load(self._for_this_process(batches))

    def for_statistics(self) -> Iterator[Tensor]:
        """The first batches of the first epoch, the same for every process."""
        batches = batched(self._training.order(0), self._recipe.data.batch_size)
        return self._loader.load(batches[:_STATISTICS_BATCHES])

    def _for_this_process(self, batches: list[Batch]) -> list[Batch]:
        return batches[self._process :: self._n_processes]
