"""Sound as arrays: what all makers of sound here share."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from vocalsep.audio.samples import Samples as Samples

RATE = 44_100
"""Of everything here, in Hz."""

Sound = NDArray[np.float32]
"""A mono waveform: float32 ``(sample,)``. A stereo one is `Samples`, ``(channel, sample)``."""

_LEVEL_SECONDS = 0.1
_ACTIVE_DB = -26.0


def samples_of(seconds: float) -> int:
    """The number of samples nearest to ``seconds``."""
    return round(seconds * RATE)


def gain_of(level_db: float) -> float:
    """The factor that decibels stand for."""
    return float(10.0 ** (level_db / 20))


def decibels(gain: float) -> float:
    """The inverse of `gain_of`; 0 counts as -200 dB."""
    return float(20 * np.log10(max(gain, 1e-10)))


def panned(sound: Sound, position: float) -> Samples:
    """A mono sound in the stereo field, ``position`` from -1 (left) to 1 (right), at constant power."""
    angle = (position + 1) * np.pi / 4
    gains = np.array([np.cos(angle), np.sin(angle)], np.float32) * np.float32(np.sqrt(2))
    result: Samples = gains[:, None] * sound
    return result


def add_at(track: Samples, sound: Samples, start: int) -> None:
    """Add ``sound`` to ``track`` from sample ``start`` on; what lies outside the track is cut off."""
    skip = max(-start, 0)
    start += skip
    length = min(sound.shape[-1] - skip, track.shape[-1] - start)
    if length > 0:
        track[..., start : start + length] += sound[..., skip : skip + length]


def active_rms(samples: Samples) -> float:
    """Root mean square of the parts that are less than 26 dB below the loudest; 0 of silence."""
    power = block_power(samples, samples_of(_LEVEL_SECONDS))
    active = power[power > power.max() * 10 ** (_ACTIVE_DB / 10)]
    return float(np.sqrt(active.mean())) if active.size else 0.0


def block_power(samples: Samples, block: int) -> NDArray[np.float64]:
    """Mean square of each block of samples ``(block,)``, over both channels; a last short one is left out."""
    n_blocks = max(samples.shape[-1] // block, 1)
    blocks = samples[..., : n_blocks * block].reshape(len(samples), n_blocks, -1)
    power: NDArray[np.float64] = np.einsum("cbs,cbs->b", blocks, blocks).astype(np.float64)
    return power / (len(samples) * blocks.shape[-1])


def silent_share(samples: Samples) -> float:
    """Share of a stem that is 50 dB and more below its loudest half second; 1 of silence."""
    power = uniform_filter1d(block_power(samples, RATE // 20), 10)
    return float(np.mean(power <= power.max() * 1e-5)) if power.max() > 0 else 1.0


def total(stems: Iterable[Samples]) -> Samples:
    """The sum of stems."""
    first, *others = stems
    result: Samples = first.copy()
    for stem in others:
        result += stem
    return result
