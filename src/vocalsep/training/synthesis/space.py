"""Where a sound is: rooms, echoes, width, and the slow motion of a chorus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.fft import irfft, rfft
from scipy.signal import butter, sosfilt

from vocalsep.training.synthesis.chance import log_uniform, uniform
from vocalsep.training.synthesis.waveform import RATE, Samples, Sound, add_at, samples_of

_N_FFT = 2**17
_LEAST_ECHO = 0.03


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """A delay: seconds, what is left each time, level of the first, low pass, and whether it changes sides."""

    seconds: float
    feedback: float
    level: float
    high_hz: float
    sides: bool


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
    """A mono sound convolved with a stereo response, cut to its own length: overlap-add."""
    n, reach = len(sound), response.shape[1]
    block = _N_FFT - reach + 1
    transfer = rfft(response, _N_FFT)
    wet = np.zeros((2, n + _N_FFT), np.float32)
    for start in range(0, n, block):
        spectrum = rfft(sound[start : start + block], _N_FFT)
        wet[:, start : start + _N_FFT] += irfft(spectrum * transfer, _N_FFT)
    return wet[:, :n]


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


def chorus(samples: Samples, rate_hz: float, depth_seconds: float, mix: float, phase: float) -> Samples:
    """``samples`` with a copy whose delay swings, to opposite sides in the two channels."""
    at = np.arange(samples.shape[1])
    result: Samples = samples.copy()
    for channel, side in enumerate((0.0, np.pi)):
        swing = 1 + np.sin(2 * np.pi * rate_hz * at / RATE + phase + side)
        delayed = at - (0.004 + depth_seconds * swing) * RATE
        result[channel] += (mix * np.interp(delayed, at, samples[channel], left=0.0)).astype(np.float32)
    result /= np.float32(1 + 0.6 * mix)
    return result


def placed(samples: Samples, position: float, width: float) -> Samples:
    """A stereo sound made narrower or wider, and moved to ``position``, -1 (left) to 1 (right)."""
    middle, side = (samples[0] + samples[1]) / 2, (samples[0] - samples[1]) / 2 * np.float32(width)
    angle = (position + 1) * np.pi / 4
    left, right = (np.float32(np.sqrt(2) * gain) for gain in (np.cos(angle), np.sin(angle)))
    return np.stack([left * (middle + side), right * (middle - side)])
