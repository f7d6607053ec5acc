"""Both stems of audio of any rate and channel count, at that rate and channel count, as a stream.

The model has its own rate and channels. Audio is taken there and the estimate is brought back; the other stem is
the *original* mixture minus the estimate, so that the stems sum to it whatever the way there and back cost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing

import numpy as np
import torch
from torch import Tensor

from vocalsep.audio.resample import StreamResampler
from vocalsep.audio.samples import Samples
from vocalsep.separation.engine import SegmentedSeparation
from vocalsep.separation.level import SongLevel
from vocalsep.stem_names import ACCOMPANIMENT, STEMS
from vocalsep.system.threads import prefetch

_BLOCKS_AHEAD = 8
_SILENCE_SECONDS = 0.01


def stream_stems(
    separation: SegmentedSeparation,
    blocks: Iterable[Samples],
    *,
    sample_rate: int,
    channels: int,
    level: SongLevel | None = None,
) -> Generator[dict[str, Samples], None, None]:
    """Separate audio that comes in blocks.

    Mono goes to both channels of the model and comes back as their mean. What a model of one channel does not hear
    is in the accompaniment alone. The blocks are read, and taken to the model's rate, in a thread of their own.

    Args:
        separation: the engine with its model.
        blocks: float32 ``(channel, sample)``, of any and changing numbers of samples.
        sample_rate: sample rate of the blocks, in Hz.
        channels: number of channels of the blocks.
        level: see `SegmentedSeparation`.

    Yields:
        ``{"vocals": ..., "accompaniment": ...}``, each ``(channel, sample)``; all together as many samples as
        came in. Their sum is the input to float32 rounding where the model gives one stem.
    """
    config = separation.model.config
    waiting: deque[Samples] = deque()  # the mixture, from the first sample that has no stems yet
    n_pair = min(channels, config.channels)
    back = StreamResampler(config.sample_rate, sample_rate, len(config.stems) * n_pair)

    def to_model() -> Iterator[Tensor]:
        there = StreamResampler(sample_rate, config.sample_rate, n_pair)
        for block in blocks:
            waiting.append(block)
            yield _widened(there.push(block[:n_pair]), config.channels)
        yield _widened(there.finish(), config.channels)

    def from_model() -> Generator[Samples, None, None]:
        # closed before the caller closes the file that its thread reads
        with closing(prefetch(to_model(), _BLOCKS_AHEAD)) as ahead:
            for estimate in separation(ahead, level):
                if n_pair < config.channels:
                    estimate = estimate.mean(dim=1, keepdim=True)
                yield back.push(estimate.flatten(0, 1).numpy())
        yield back.finish()

    with closing(from_model()) as estimates:
        for estimate in estimates:
            mixture = _take(waiting, estimate.shape[-1])
            # resampled there and back, the estimate may be a sample or two longer than what came in
            estimate = estimate[:, : mixture.shape[-1]].reshape(len(config.stems), n_pair, -1)
            if mixture.shape[-1]:
                _silence(estimate, mixture, round(_SILENCE_SECONDS * sample_rate))
                yield _both(dict(zip(config.stems, estimate, strict=True)), mixture)
    rest = _take(waiting, sum(block.shape[-1] for block in waiting))
    if rest.shape[-1]:  # or shorter
        silence = np.zeros((n_pair, rest.shape[-1]), np.float32)
        yield _both(dict.fromkeys(config.stems[:1], silence), rest)


def _silence(estimate: Samples, mixture: Samples, n_least: int) -> None:
    """Take out of the estimates what they have where the mixture has zeros alone, ``n_least`` or more in a row.

    A spectrogram smears an onset over its window, and so into the silence before it.
    """
    is_silent = ~mixture.any(axis=0)
    edges = np.flatnonzero(np.diff(is_silent, prepend=False, append=False))
    for start, end in edges.reshape(-1, 2):
        if end - start >= n_least:
            estimate[..., start:end] = 0


def _widened(block: Samples, channels: int) -> Tensor:
    waveform = torch.from_numpy(block)
    return waveform.expand(channels, -1) if len(waveform) < channels else waveform


def _both(estimates: dict[str, Samples], mixture: Samples) -> dict[str, Samples]:
    """Both stems ``(channel, sample)`` from the one or two that the model gives of the front pair."""
    n_pair = len(next(iter(estimates.values())))
    full = {}
    for stem, estimate in estimates.items():
        beyond = mixture[n_pair:] if stem == ACCOMPANIMENT else np.zeros_like(mixture[n_pair:])
        full[stem] = np.concatenate([estimate, beyond])
    for stem, other in (STEMS, STEMS[::-1]):
        if stem not in full:
            full[stem] = mixture - full[other]
    return {stem: full[stem] for stem in STEMS}


def _take(waiting: deque[Samples], n_samples: int) -> Samples:
    """The next ``n_samples`` that wait, or as many as there are."""
    taken: list[Samples] = []
    while n_samples and waiting:
        block = waiting.popleft()
        if block.shape[-1] > n_samples:
            waiting.appendleft(block[:, n_samples:])
            block = block[:, :n_samples]
        taken.append(block)
        n_samples -= block.shape[-1]
    return np.concatenate(taken, axis=1) if taken else np.zeros((0, 0), np.float32)
