"""Gains that change with time: compressors, the bus limiter, and the ducking of dance music."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from vocalsep.synthesis.draw import log_uniform, uniform
from vocalsep.synthesis.waveform import RATE, Samples, Sound, gain_of

_BLOCK = 128
_LIMITER_BLOCK, _LIMITER_REACH = 32, 40  # 29 ms to either side
_DUCKING_SECONDS = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Compressor:
    """Settings of a compressor; its threshold counts from the level of the signal."""

    threshold_db: float
    ratio: float
    attack_seconds: float
    release_seconds: float


def draw_compressor(rng: Generator) -> Compressor:
    """A compressor that works a little or a lot."""
    return Compressor(
        threshold_db=uniform(rng, -10, 6),
        ratio=log_uniform(rng, 1.5, 8),
        attack_seconds=log_uniform(rng, 0.001, 0.03),
        release_seconds=log_uniform(rng, 0.05, 0.3),
    )


def compression_gain(samples: Samples, compressor: Compressor) -> Sound:
    """The gain ``(sample,)`` that compresses ``samples``; it never raises anything."""
    n = samples.shape[-1]
    n_blocks = -(-n // _BLOCK)
    padded = np.pad(samples, ((0, 0), (0, n_blocks * _BLOCK - n))).reshape(len(samples), n_blocks, _BLOCK)
    power = np.mean(padded**2, axis=(0, 2)) + 1e-12
    level_db = 10 * np.log10(power)
    loud = level_db > level_db.max() - 30
    threshold_db = 10 * np.log10(power[loud].mean()) + compressor.threshold_db
    wanted_db = -np.clip(level_db - threshold_db, 0, None) * (1 - 1 / compressor.ratio)
    step = _BLOCK / RATE
    attack, release = (np.exp(-step / time) for time in (compressor.attack_seconds, compressor.release_seconds))
    gain_db, now = np.empty(n_blocks), 0.0
    for block, wanted in enumerate(wanted_db.tolist()):
        pull = attack if wanted < now else release
        now = wanted + pull * (now - wanted)
        gain_db[block] = now
    return _between_blocks(10 ** (gain_db / 20), _BLOCK, n)


def limiter_gain(samples: Samples, ceiling: float) -> Sound:
    """The gain ``(sample,)`` under which no sample of any channel goes beyond ``ceiling``; it looks ahead."""
    n = samples.shape[-1]
    n_blocks = -(-n // _LIMITER_BLOCK)
    peaks = (
        np.pad(np.abs(samples).max(axis=0), (0, n_blocks * _LIMITER_BLOCK - n)).reshape(n_blocks, -1).max(axis=1)
    )
    needed = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9))
    # the mean of minima stays below each of them, in the block and in the ones next to it
    least = minimum_filter1d(needed, 2 * _LIMITER_REACH + 3, mode="nearest")
    return _between_blocks(uniform_filter1d(least, 2 * _LIMITER_REACH + 1, mode="nearest"), _LIMITER_BLOCK, n)


def ducking_gain(kicks: Sequence[float], depth_db: float, n_samples: int) -> Sound:
    """The gain ``(sample,)`` of what makes room for each kick, at ``kicks`` seconds, and swells back."""
    gain = np.ones(n_samples, np.float32)
    n = round(_DUCKING_SECONDS * RATE)
    swell = (gain_of(-depth_db) + (1 - gain_of(-depth_db)) * np.linspace(0, 1, n) ** 1.5).astype(np.float32)
    for kick in kicks:
        part = gain[round(kick * RATE) : round(kick * RATE) + n]
        np.minimum(part, swell[: len(part)], out=part)
    smooth: Sound = uniform_filter1d(gain, 221)
    return smooth


def _between_blocks(gains: NDArray[np.float64], block: int, n_samples: int) -> Sound:
    centres = (np.arange(len(gains)) + 0.5) * block
    return np.interp(np.arange(n_samples), centres, gains).astype(np.float32)
