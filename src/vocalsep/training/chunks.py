"""Training and validation examples: chunks of the stems of tracks, read by seeking.

An example depends on the seed, the epoch and its number alone: an epoch is the same whichever process reads it,
and a run that goes on reads what it would have read.
"""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Union

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from vocalsep.datasets.track import Track
from vocalsep.errors import NoTracksError, UnfitTrackError, VocalsepError
from vocalsep.stem_names import STEMS
from vocalsep.system.interrupts import interrupts_held

Key = Union[int, "tuple[int, int]"]
Batch = list[Key]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkShape:
    """What all chunks of a run have in common: rate in Hz, channels, and samples of each."""

    sample_rate: int
    channels: int
    n_samples: int


def check_tracks(tracks: Sequence[Track], shape: ChunkShape) -> None:
    """Refuse tracks that no chunk can be read from.

    Raises:
        NoTracksError: no track has vocals, or none has accompaniment.
        UnfitTrackError: the first track that is too short, or of another rate or number of channels.
    """
    for stem in STEMS:
        if not any(stem in track.stems for track in tracks):
            raise NoTracksError(f"no track has {stem}", "Give track folders, or pools:VOCALS,ACCOMPANIMENT.")
    for track in tracks:
        if track.sample_rate != shape.sample_rate:
            raise UnfitTrackError(
                f"track '{track.name}' is at {track.sample_rate} Hz, and the model at {shape.sample_rate} Hz",
                "Resample it; 'vocalsep data check' lists all such tracks.",
            )
        if track.n_samples < shape.n_samples:
            seconds = [n / shape.sample_rate for n in (track.n_samples, shape.n_samples)]
            raise UnfitTrackError(
                f"track '{track.name}' has {seconds[0]:.2f} s, less than a chunk of {seconds[1]:.2f} s",
                "Leave it out, or use shorter chunks: data.chunk_seconds=1",
            )
        if track.channels not in (1, shape.channels):
            raise UnfitTrackError(
                f"track '{track.name}' has {track.channels} channels, and the model {shape.channels}",
                "Make it stereo or mono.",
            )


class TrainingChunks(Dataset[Tensor]):
    """Chunks drawn at random from each track, `chunks_per_track` times an epoch.

    Both stems of a chunk come from one place of one track; where a track of a pool lacks a stem, the
    stem comes from a place of another track, which is drawn together with the first.

    Args:
        tracks: see `check_tracks`.
        shape: shape of the chunks.
        chunks_per_track: examples of each track an epoch.
        seed: seed of all random draws.
        n_chunks: examples an epoch; None is `chunks_per_track` of each track.
        weights: how often each track is drawn from, one number for each; None takes the tracks in turn.

    Raises:
        DatasetError: see `check_tracks`.
    """

    def __init__(
        self,
        tracks: Sequence[Track],
        shape: ChunkShape,
        *,
        chunks_per_track: int,
        seed: int,
        n_chunks: int | None = None,
        weights: Sequence[float] | None = None,
    ) -> None:
        check_tracks(tracks, shape)
        self._tracks, self._shape, self._seed = tracks, shape, seed
        self._having = {stem: _Draw.of_stem(stem, tracks, weights) for stem in STEMS}
        self._every = _Draw(tracks, weights) if weights else None
        self._n_chunks = n_chunks or len(tracks) * chunks_per_track

    def __len__(self) -> int:
        """Chunks an epoch."""
        return self._n_chunks

    def order(self, epoch: int) -> list[Key]:
        """The keys of an epoch's chunks in the order of training."""
        order = np.random.default_rng([self._seed, epoch]).permutation(self._n_chunks)
        return [(epoch, int(number)) for number in order]

    def __getitem__(self, key: tuple[int, int]) -> Tensor:
        """The chunk of an (epoch, number): float32 ``(stem, channel, sample)``, vocals first.

        Raises:
            InputError: a file is gone or damaged.
        """
        epoch, number = key
        rng = np.random.default_rng([self._seed, epoch, number])
        track = self._every(rng) if self._every else self._tracks[number % len(self._tracks)]
        start = int(rng.integers(track.n_samples - self._shape.n_samples + 1))
        stems = []
        for stem in STEMS:
            source, position = track, start
            if stem not in track.stems:
                source = self._having[stem](rng)
                position = int(rng.integers(source.n_samples - self._shape.n_samples + 1))
            stems.append(read_chunk(source, stem, position, self._shape))
        return torch.stack(stems)


class _Draw:
    """Draws a track, by weights or each alike."""

    def __init__(self, tracks: Sequence[Track], weights: Sequence[float] | None) -> None:
        self._tracks = tracks
        self._ends = None if weights is None else np.cumsum(weights) / np.sum(weights)

    @classmethod
    def of_stem(cls, stem: str, tracks: Sequence[Track], weights: Sequence[float] | None) -> _Draw:
        """Draw one of the tracks that have a stem."""
        having = [number for number, track in enumerate(tracks) if stem in track.stems]
        return cls([tracks[number] for number in having], weights and [weights[number] for number in having])

    def __call__(self, rng: np.random.Generator) -> Track:
        if self._ends is None:
            return self._tracks[int(rng.integers(len(self._tracks)))]
        return self._tracks[min(int(np.searchsorted(self._ends, rng.random(), "right")), len(self._tracks) - 1)]


class ValidationChunks(Dataset[Tensor]):
    """The same chunks each time: from the start of a track to its end, or some, evenly spaced.

    Tracks with one stem (of a pool) are paired in their order, as often as there are of the more frequent stem.

    Args:
        tracks: see `check_tracks`.
        shape: shape of the chunks.
        chunks_per_track: the most of each track; 0 is all.

    Raises:
        DatasetError: see `check_tracks`.
    """

    def __init__(self, tracks: Sequence[Track], shape: ChunkShape, *, chunks_per_track: int = 0) -> None:
        check_tracks(tracks, shape)
        self._shape = shape
        self._chunks: list[tuple[Track, Track, int]] = []
        for vocals, accompaniment in _pairs(tracks):
            n_whole = min(vocals.n_samples, accompaniment.n_samples) // shape.n_samples
            n_chunks = min(n_whole, chunks_per_track or n_whole)
            for i in range(n_chunks):
                start = i * n_whole // n_chunks * shape.n_samples
                self._chunks.append((vocals, accompaniment, start))

    def __len__(self) -> int:
        """How many chunks."""
        return len(self._chunks)

    def __getitem__(self, number: int) -> Tensor:
        """Chunk ``number``: float32 ``(stem, channel, sample)``, vocals first.

        Raises:
            InputError: a file is gone or damaged.
        """
        *tracks, start = self._chunks[number]
        stems = [read_chunk(track, stem, start, self._shape) for track, stem in zip(tracks, STEMS, strict=True)]
        return torch.stack(stems)


def read_chunk(track: Track, stem: str, start: int, shape: ChunkShape) -> Tensor:
    """Read a chunk of a stem as ``(channel, sample)``; mono is the same in all channels.

    Raises:
        InputError: a file is gone or damaged.
    """
    samples = torch.from_numpy(track.read(stem, start, shape.n_samples))
    return samples.expand(shape.channels, -1)


class ChunkLoader:
    """Reads batches of chunks ahead of time, in processes that live as long as the loader.

    Args:
        training: read by (epoch, number).
        validation: read by number.
        workers: how many processes; 0 reads in this one, when a batch is asked for.
    """

    def __init__(self, training: TrainingChunks, validation: ValidationChunks, *, workers: int) -> None:
        self._order = _Order()
        self._loader: DataLoader[Tensor | VocalsepError] = DataLoader(
            _Either(training, validation),
            batch_sampler=self._order,
            num_workers=workers,
            collate_fn=_collate,
            pin_memory=torch.cuda.is_available(),
            persistent_workers=workers > 0,
            worker_init_fn=_ignore_interrupts,
            multiprocessing_context="spawn" if workers else None,
        )

    def load(self, batches: Sequence[Batch]) -> Iterator[Tensor]:
        """Read batches of keys as ``(batch, stem, channel, sample)``.

        Raises:
            InputError: a file is gone or damaged.
        """
        self._order.batches = batches
        with interrupts_held():  # while readers start
            loaded = iter(self._loader)
        for batch in loaded:
            if isinstance(batch, VocalsepError):
                raise batch
            yield batch


class _Order(Sampler[Batch]):
    """The batches that are wanted next."""

    def __init__(self) -> None:
        self.batches: Sequence[Batch] = ()

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


class _Either(Dataset["Tensor | VocalsepError"]):
    """Both kinds of chunks; an error is handed over as it is, where the loader would wrap it in a traceback."""

    def __init__(self, training: TrainingChunks, validation: ValidationChunks) -> None:
        self._training, self._validation = training, validation

    def __getitem__(self, key: Key) -> Tensor | VocalsepError:
        try:
            return self._validation[key] if isinstance(key, int) else self._training[key]
        except VocalsepError as error:
            return error


def _ignore_interrupts(worker: int) -> None:
    """Ctrl-C is for the process that trains: it saves, which needs its readers until then."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _collate(chunks: list[Tensor | VocalsepError]) -> Tensor | VocalsepError:
    tensors: list[Tensor] = []
    for chunk in chunks:
        if isinstance(chunk, VocalsepError):
            return chunk
        tensors.append(chunk)
    return torch.stack(tensors)


def batched(keys: Sequence[Key], size: int) -> list[Batch]:
    """Keys in batches of ``size``. The last batch may be smaller."""
    return [list(keys[i : i + size]) for i in range(0, len(keys), size)]


def _pairs(tracks: Sequence[Track]) -> Iterator[tuple[Track, Track]]:
    whole = [track for track in tracks if all(stem in track.stems for stem in STEMS)]
    yield from zip(whole, whole, strict=True)
    alone = [[track for track in tracks if list(track.stems) == [stem]] for stem in STEMS]
    n_pairs = max(map(len, alone))
    having = [
        own or [track for track in tracks if stem in track.stems] for stem, own in zip(STEMS, alone, strict=True)
    ]
    # the cycles have no end: the number of pairs is it
    for _, vocals, accompaniment in zip(range(n_pairs), *map(itertools.cycle, having), strict=False):
        yield vocals, accompaniment
