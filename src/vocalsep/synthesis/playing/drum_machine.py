"""Drums made of sines and noise, as the machines do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from vocalsep.synthesis.composition.drum_patterns import CLAP, CRASH, HAT, KICK, OPEN_HAT, RIDE, RIM, SNARE, TOMS
from vocalsep.synthesis.composition.notes import Note
from vocalsep.synthesis.waveform import RATE, Samples, add_at, panned, samples_of

_SECONDS = 0.7
_TIME = np.arange(samples_of(_SECONDS)) / RATE
_CENTRED = (KICK, SNARE, CLAP)

Hit = NDArray[np.float64]


def play_drum_machine(rng: Generator, notes: Sequence[Note], n_samples: int) -> Samples:
    """Render drums ``(channel, sample)``; which sounds the machine has is drawn first."""
    sounds = {key: _hit(rng, key) for key in (KICK, SNARE, CLAP, RIM, HAT, OPEN_HAT, RIDE, CRASH, *TOMS)}
    places = {key: 0.0 if key in _CENTRED else float(rng.uniform(-0.6, 0.6)) for key in range(128)}
    track = np.zeros((2, n_samples), np.float32)
    for note in notes:
        key = int(note.pitch)
        if key not in sounds:
            sounds[key] = _click(rng)
        hit = (sounds[key] * note.velocity**1.5).astype(np.float32)
        add_at(track, panned(hit, places[key]), samples_of(note.start))
    return track


def _hit(rng: Generator, key: int) -> Hit:
    if key == KICK:
        return _kick(rng)
    if key == SNARE:
        return _noise(rng, 400, 9000, rng.uniform(10, 28)) + rng.uniform(0.2, 0.8) * _tone(rng, 150, 260, 0.3, 18)
    if key == CLAP:
        bursts = np.zeros_like(_TIME)
        for delay in (0.0, 0.011, 0.023, 0.034):
            bursts += (delay <= _TIME) * np.exp(-(_TIME - delay).clip(0) * (200 if delay < 0.03 else 18))
        return 0.7 * bursts * _noise(rng, 800, 7000, 0)
    if key == RIM:
        return 0.6 * _tone(rng, 1200, 2200, 0.0, 60)
    if key in TOMS:
        pitch = 70 * 1.25 ** (len(TOMS) - 1 - TOMS.index(key))
        return 0.8 * _tone(rng, pitch, pitch * 1.1, 0.6, 9)
    decay = {HAT: rng.uniform(40, 90), OPEN_HAT: rng.uniform(7, 14), RIDE: 6.0, CRASH: 3.5}[key]
    return 0.45 * (_noise(rng, 5500, 16_000, decay) + rng.uniform(0, 0.8) * _metal(rng, decay))


def _kick(rng: Generator) -> Hit:
    """A sine that falls to the pitch of the drum; long ones are what trap calls a bass."""
    hz = rng.uniform(40, 62) + rng.uniform(60, 260) * np.exp(-_TIME * rng.uniform(20, 60))
    body = np.sin(2 * np.pi * np.cumsum(hz) / RATE) * np.exp(-_TIME * rng.uniform(5, 14))
    return 1.2 * body + rng.uniform(0.02, 0.3) * _noise(rng, 1500, 10_000, 250)


def _tone(rng: Generator, low_hz: float, high_hz: float, bend: float, decay: float) -> Hit:
    hz = rng.uniform(low_hz, high_hz) * (1 + bend * np.exp(-_TIME * 25))
    wave: Hit = np.sin(2 * np.pi * np.cumsum(hz) / RATE) * np.exp(-_TIME * decay)
    return wave


def _noise(rng: Generator, low_hz: float, high_hz: float, decay: float) -> Hit:
    band = butter(1, (low_hz * rng.uniform(0.8, 1.4), high_hz), "bandpass", fs=RATE, output="sos")
    noise: Hit = sosfilt(band, rng.standard_normal(len(_TIME))) * np.exp(-_TIME * decay)
    return noise


def _metal(rng: Generator, decay: float) -> Hit:
    """Six square waves that have nothing to do with each other, without their bass."""
    squares = sum(np.sign(np.sin(2 * np.pi * rng.uniform(300, 1200) * _TIME)) for _ in range(6))
    high: Hit = sosfilt(butter(2, 6500, "highpass", fs=RATE, output="sos"), squares) * np.exp(-_TIME * decay)
    return 0.3 * high


def _click(rng: Generator) -> Hit:
    """Some percussion or other."""
    return 0.5 * _tone(rng, 300, 2500, 0.1, rng.uniform(25, 60)) + 0.3 * _noise(
        rng, 3000, 12_000, rng.uniform(25, 70)
    )
