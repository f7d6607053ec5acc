"""Echoes: what comes back of a sound, in time with the song or at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.signal import butter, sosfilt

from vocalsep.synthesis.draw import log_uniform, uniform
from vocalsep.synthesis.waveform import RATE, Samples, add_at, samples_of

_LEAST_ECHO = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """A delay: seconds, what is left each time, level of the first, low pass, and whether it changes sides."""

    seconds: float
    feedback: float
    level: float
    high_hz: float
    sides: bool


def draw_echo(rng: Generator, beat_seconds: float) -> Echo:
    """An echo in time with the song, or a slap."""
    slap = rng.random() < 0.3
    seconds = uniform(rng, 0.06, 0.13) if slap else beat_seconds * float(rng.choice([0.5, 0.75, 1.0, 0.25]))
    return Echo(
        seconds=seconds,
        feedback=0.0 if slap else uniform(rng, 0.1, 0.55),
        level=uniform(rng, 0.06, 0.35),
        high_hz=log_uniform(rng, 1500, 9000),
        sides=rng.random() < 0.5,
    )


def echoes(samples: Samples, echo: Echo) -> Samples:
    """What an echo adds to ``samples``, ``(channel, sample)``."""
    low_pass = butter(1, echo.high_hz, fs=RATE, output="sos").astype(np.float32)
    source: Samples = sosfilt(low_pass, samples, axis=-1)
    added = np.zeros_like(samples)
    level, delay = echo.level, samples_of(echo.seconds)
    for number in range(1, 12):
        if level < _LEAST_ECHO or number * delay >= samples.shape[1]:
            break
        add_at(added, source[::-1] * level if echo.sides and number % 2 else source * level, number * delay)
        level *= echo.feedback
    return added
