"""Rooms that a sound is in, made of noise that dies away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.signal import butter, oaconvolve, sosfilt

from vocalsep.synthesis.draw import log_uniform, uniform
from vocalsep.synthesis.waveform import RATE, Samples, Sound, samples_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A room that a reverb imitates.

    Attributes:
        seconds: until low frequencies are 60 dB down.
        damping: what share of that high frequencies last.
        before_seconds: until the first reflection.
        low_hz: nothing below.
        high_hz: nothing above.
        reflections: how many single ones come first.
    """

    seconds: float
    damping: float
    before_seconds: float
    low_hz: float
    high_hz: float
    reflections: int


def draw_room(rng: Generator, shortest: float, longest: float) -> Room:
    """A room that lasts between two times."""
    return Room(
        seconds=log_uniform(rng, shortest, longest),
        damping=uniform(rng, 0.25, 0.8),
        before_seconds=uniform(rng, 0, 0.06),
        low_hz=log_uniform(rng, 80, 500),
        high_hz=log_uniform(rng, 3000, 14_000),
        reflections=int(rng.integers(0, 12)),
    )


def impulse_response(rng: Generator, room: Room) -> Samples:
    """The answer of a room to a click, ``(channel, sample)``, with unit energy."""
    n = samples_of(min(room.seconds * 1.2, 2.5)) + 1
    time = np.arange(n) / RATE
    split_hz = 2000
    noise = rng.standard_normal((2, n))
    high = sosfilt(butter(1, split_hz, "highpass", fs=RATE, output="sos"), noise)
    response = (noise - high) * 10 ** (-3 * time / room.seconds)
    response += high * 10 ** (-3 * time / (room.seconds * room.damping))
    for _ in range(room.reflections):
        at = rng.integers(1, max(min(n, samples_of(0.08)), 2))
        response[:, at] += rng.uniform(-1, 1, 2) * 12
    band = butter(1, (room.low_hz, room.high_hz), "bandpass", fs=RATE, output="sos")
    response = np.pad(sosfilt(band, response), ((0, 0), (samples_of(room.before_seconds), 0)))
    response *= np.clip((response.shape[1] - np.arange(response.shape[1])) / 500, 0, 1)
    result: Samples = (response / np.sqrt(np.mean(np.sum(response**2, axis=1)))).astype(np.float32)
    return result


def reverberated(sound: Sound, response: Samples) -> Samples:
    """A mono sound convolved with a stereo response, cut to its own length."""
    wet: Samples = oaconvolve(sound[None], response, axes=1)[:, : len(sound)]
    return wet
