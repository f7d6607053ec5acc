"""One track, separated and scored."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing

import numpy as np
import torch
from torch import Tensor

from vocalsep.audio.samples import Samples
from vocalsep.datasets.track import Track
from vocalsep.errors import EmptyAudioError, NonFiniteAudioError, UnfitTrackError
from vocalsep.evaluation.estimators import Estimator
from vocalsep.evaluation.results import SongScores, StemScores
from vocalsep.evaluation.streaming_metrics import SignalSums
from vocalsep.stem_names import STEMS

Progress = Callable[[float, "float | None"], None]
"""Called with the seconds of audio done and of all."""


def evaluate_track(estimator: Estimator, track: Track, progress: Progress | None = None) -> SongScores:
    """Separate a track and compare the stems with the true ones; neither are rescaled.

    The memory used grows by a few numbers for each second of the track.

    Args:
        estimator: gives the stems.
        track: with vocals and accompaniment.
        progress: called now and then, in this thread.

    Raises:
        UnfitTrackError: the track has one stem alone.
        EmptyAudioError: it has no samples.
        NonFiniteAudioError: an estimate or a true stem has samples that are not a number or infinite.
        InputError: a file is gone or damaged.
    """
    check_has_both(track)
    if not track.n_samples:
        raise EmptyAudioError(f"track '{track.name}' has no samples", "Take it out of the data set.")
    sums = SignalSums(len(STEMS), track.sample_rate)
    done, scoring_seconds, began = 0, 0.0, time.perf_counter()
    with closing(estimator.stems(track)) as blocks:
        for estimates in blocks:
            paused = time.perf_counter()
            n_samples = estimates[STEMS[0]].shape[-1]
            sums.add(_stacked({stem: track.read(stem, done, n_samples) for stem in STEMS}), _stacked(estimates))
            done += n_samples
            if progress:
                progress(done / track.sample_rate, track.n_samples / track.sample_rate)
            scoring_seconds += time.perf_counter() - paused
    wall_seconds = time.perf_counter() - began - scoring_seconds
    if not sums.finite:
        raise NonFiniteAudioError(
            f"the estimates or the stems of track '{track.name}' have samples that are not a number or infinite",
            "See 'vocalsep data check' for the stems; try precision=fp32 for the model.",
        )
    scores = zip(STEMS, sums.sdr().tolist(), sums.chunk_sdr().tolist(), sums.si_sdr().tolist(), strict=True)
    return SongScores(
        name=track.name,
        seconds=track.n_samples / track.sample_rate,
        wall_seconds=wall_seconds,
        stems={
            stem: StemScores.of(sdr=sdr, chunk_sdr=chunk_sdr, si_sdr=si_sdr)
            for stem, sdr, chunk_sdr, si_sdr in scores
        },
    )


def check_has_both(track: Track) -> None:
    """Refuse a track that has only one stem.

    Raises:
        UnfitTrackError: it is.
    """
    if missing := [stem for stem in STEMS if stem not in track.stems]:
        raise UnfitTrackError(
            f"track '{track.name}' has no {missing[0]} to compare with",
            "Evaluate on folders of tracks, not on pools.",
        )


def _stacked(stems: Mapping[str, Samples]) -> Tensor:
    return torch.from_numpy(np.stack([stems[stem] for stem in STEMS]))
