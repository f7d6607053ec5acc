"""Equalisers of second-order sections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import sosfilt

from vocalsep.synthesis.draw import chance, log_uniform, uniform
from vocalsep.synthesis.waveform import RATE, Samples

_HIGHEST_HZ = 20_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A band of an equaliser.

    Attributes:
        kind: kind of filter.
        hz: centre or corner.
        gain_db: gain in dB of a peak or shelf.
        q: resonance; 0.71 is without.
    """

    kind: Literal["high pass", "low pass", "peak", "low shelf", "high shelf"]
    hz: float
    gain_db: float = 0.0
    q: float = 0.71


def equalise(samples: Samples, bands: Sequence[Band]) -> Samples:
    """Filter ``(channel, sample)`` by all bands."""
    if not bands:
        return samples
    sections = np.stack([_section(band) for band in bands]).astype(np.float32)
    result: Samples = sosfilt(sections, samples, axis=-1)
    return result


def draw_tone(rng: Generator, low_cut_hz: tuple[float, float] | None, strength_db: float) -> tuple[Band, ...]:
    """An equaliser as someone may set it: perhaps a low cut, two peaks and a shelf."""
    bands = []
    if low_cut_hz:
        bands.append(Band(kind="high pass", hz=log_uniform(rng, *low_cut_hz)))
    for _ in range(2):
        if chance(rng, 0.75):
            gain_db, q = uniform(rng, -strength_db, strength_db), uniform(rng, 0.4, 1.6)
            bands.append(Band(kind="peak", hz=log_uniform(rng, 120, 8000), gain_db=gain_db, q=q))
    if chance(rng, 0.75):
        gain_db = uniform(rng, -1.3 * strength_db, strength_db)
        bands.append(Band(kind="high shelf", hz=log_uniform(rng, 3000, 10_000), gain_db=gain_db))
    return tuple(bands)


def _section(band: Band) -> NDArray[np.float64]:
    """Coefficients ``(6,)`` of a section.

    Reference: Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter coefficients".
    """
    angle = 2 * np.pi * min(band.hz, _HIGHEST_HZ) / RATE
    cos, alpha = np.cos(angle), np.sin(angle) / (2 * band.q)
    gain = 10 ** (band.gain_db / 40)
    if band.kind == "high pass":
        b, a = [(1 + cos) / 2, -(1 + cos), (1 + cos) / 2], [1 + alpha, -2 * cos, 1 - alpha]
    elif band.kind == "low pass":
        b, a = [(1 - cos) / 2, 1 - cos, (1 - cos) / 2], [1 + alpha, -2 * cos, 1 - alpha]
    elif band.kind == "peak":
        b = [1 + alpha * gain, -2 * cos, 1 - alpha * gain]
        a = [1 + alpha / gain, -2 * cos, 1 - alpha / gain]
    else:
        side = 1.0 if band.kind == "high shelf" else -1.0
        plus, minus, root = gain + 1, gain - 1, 2 * np.sqrt(gain) * alpha
        b = [
            gain * (plus + side * minus * cos + root),
            -2 * side * gain * (minus + side * plus * cos),
            gain * (plus + side * minus * cos - root),
        ]
        a = [
            plus - side * minus * cos + root,
            2 * side * (minus - side * plus * cos),
            plus - side * minus * cos - root,
        ]
    section: NDArray[np.float64] = np.array([*b, *a]) / a[0]
    return section
