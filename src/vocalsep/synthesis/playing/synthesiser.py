"""A simple synthesiser: waves whose harmonics fade from bright to dark, several to a note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from vocalsep.synthesis.composition.notes import Note, hertz
from vocalsep.synthesis.draw import log_uniform, pick, uniform
from vocalsep.synthesis.waveform import RATE, Samples, add_at, panned, samples_of

Wave = Literal["saw", "square", "pulse", "triangle", "organ", "bell", "fm"]

_TABLE = 4096
_HIGHEST_HZ = 17_000
_MOST_HARMONICS = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """The settings of the synthesiser.

    Attributes:
        wave: which harmonics there are.
        bright_hz: low pass at the start of a note.
        dark_hz: where that goes.
        fade_seconds: how fast.
        attack_seconds: attack of the level in seconds.
        decay_seconds: time in seconds from full level to ``sustain``.
        sustain: level while a note is held, 0 to 1.
        release_seconds: after its end.
        voices: number of voices that play a note together.
        detune_cents: between them, to either side.
        width: how far they are apart in the stereo field, 0 to 1.
        modulation: index of the ``fm`` wave.
        ratio: frequency ratio of the modulator.
    """

    wave: Wave
    bright_hz: float
    dark_hz: float
    fade_seconds: float
    attack_seconds: float
    decay_seconds: float
    sustain: float
    release_seconds: float
    voices: int
    detune_cents: float
    width: float
    modulation: float
    ratio: float


def draw_patch(rng: Generator, *, lead: bool) -> Patch:
    """Make up a sound; one for leads is held, and has no slow attack."""
    dark_hz = log_uniform(rng, 400, 5000)
    held = lead or rng.random() < 0.6
    return Patch(
        wave=pick(rng, ("saw", "saw", "square", "pulse", "triangle", "organ", "fm") if lead else
                  ("saw", "saw", "saw", "square", "pulse", "triangle", "organ", "bell", "fm")),
        bright_hz=dark_hz * uniform(rng, 1, 6),
        dark_hz=dark_hz,
        fade_seconds=log_uniform(rng, 0.05, 0.8),
        attack_seconds=log_uniform(rng, 0.003, 0.05 if lead else 0.25),
        decay_seconds=log_uniform(rng, 0.1, 1.5),
        sustain=uniform(rng, 0.5, 1) if held else 0.0,
        release_seconds=log_uniform(rng, 0.04, 0.5),
        voices=pick(rng, (1, 1, 2, 3)),
        detune_cents=uniform(rng, 3, 18),
        width=0.0 if lead else uniform(rng, 0, 1),
        modulation=uniform(rng, 0.5, 4),
        ratio=pick(rng, (0.5, 1.0, 2.0, 3.0, 1.5, 7.0)),
    )  # fmt: skip


def play_synthesiser(
    rng: Generator, patch: Patch, notes: Sequence[Note], n_samples: int, bends: Sequence[tuple[float, float]] = ()
) -> Samples:
    """Render notes.

    Args:
        rng: for the phases of the waves.
        patch: how they sound.
        notes: the notes, in any order.
        n_samples: length of the result.
        bends: seconds, and semitones up from there on, interpolated.

    Returns:
        float32 ``(channel, sample)``.
    """
    track = np.zeros((2, n_samples), np.float32)
    rendered: dict[tuple[float, int], Samples] = {}
    times, semitones = np.array(bends).T if bends else (None, None)
    for note in notes:
        length = round((note.end - note.start) * 100)  # notes of about the same length are the same
        if times is None or semitones is None:
            key = (note.pitch, length)
            if key not in rendered:
                rendered[key] = _note(rng, patch, note.pitch, length / 100, 0.0)
            sound = rendered[key]
        else:
            n = samples_of(length / 100 + patch.release_seconds)
            bend = np.interp(note.start + np.arange(n) / RATE, times, semitones)
            sound = _note(rng, patch, note.pitch, length / 100, bend)
        add_at(track, sound * np.float32(note.velocity**1.5), samples_of(note.start))
    return track


def _note(
    rng: Generator, patch: Patch, pitch: float, seconds: float, bend: float | NDArray[np.float64]
) -> Samples:
    """A note at full level, ``(channel, sample)``."""
    n = samples_of(seconds + patch.release_seconds)
    time = np.arange(n) / RATE
    brightness = np.exp(-time / patch.fade_seconds).astype(np.float32)
    bright, dark = _tables(patch, hertz(pitch))
    sound = np.zeros((2, n), np.float32)
    for voice in range(patch.voices):
        place = 2 * voice / (patch.voices - 1) - 1 if patch.voices > 1 else 0.0
        hz = hertz(pitch + place * patch.detune_cents / 100) * 2 ** (np.asarray(bend) / 12)
        phase = rng.random() + (np.cumsum(hz) / RATE if hz.ndim else time * hz)
        if patch.wave == "fm":
            modulator = np.sin(2 * np.pi * patch.ratio * phase) * patch.modulation
            wave = np.sin(2 * np.pi * phase + modulator * (0.3 + 0.7 * brightness)).astype(np.float32)
        else:
            wave = _read(dark, phase) + brightness * _read(bright - dark, phase)
        sound += panned(wave, place * patch.width)
    sound *= (_level(patch, time, seconds) / np.sqrt(patch.voices)).astype(np.float32)
    return sound


def _level(patch: Patch, time: NDArray[np.float64], seconds: float) -> NDArray[np.float64]:
    rise = np.clip(time / patch.attack_seconds, 0, 1)
    fall = patch.sustain + (1 - patch.sustain) * np.exp(-3 * time / patch.decay_seconds)
    release = np.exp(-5 * np.clip(time - seconds, 0, None) / patch.release_seconds)
    end = np.clip((time[-1] - time) / 0.005, 0, 1) if len(time) else time
    result: NDArray[np.float64] = rise * fall * release * end
    return result


def _tables(patch: Patch, hz: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A period of the wave, bright and dark, without harmonics that would alias."""
    harmonic = np.arange(1, max(min(int(_HIGHEST_HZ / hz), _MOST_HARMONICS), 1) + 1)
    amplitudes = {
        "saw": 1 / harmonic,
        "square": (harmonic % 2) / harmonic,
        "pulse": np.sin(np.pi * harmonic * 0.2) / harmonic,
        "triangle": (harmonic % 2) / harmonic**2,
        "organ": np.isin(harmonic, (1, 2, 3, 4, 6, 8)) / np.sqrt(harmonic),
        "bell": np.isin(harmonic, (1, 3, 4, 7, 11)) / harmonic,
        "fm": 1.0 * (harmonic == 1),
    }[patch.wave]
    tables = []
    for cutoff in (patch.bright_hz, patch.dark_hz):
        spectrum = np.zeros(_TABLE // 2 + 1, complex)
        passed = 1 / np.sqrt(1 + (harmonic * hz / cutoff) ** 4)
        spectrum[1 : len(harmonic) + 1] = -1j * amplitudes * passed
        table = np.fft.irfft(spectrum) * _TABLE / 4
        tables.append(np.append(table, table[0]).astype(np.float32))
    return tables[0], tables[1]


def _read(table: NDArray[np.float32], phase: NDArray[np.float64]) -> NDArray[np.float32]:
    """The table at phases in periods, interpolated."""
    position = (phase % 1) * _TABLE
    left = position.astype(np.intp)
    share = (position - left).astype(np.float32)
    result: NDArray[np.float32] = table[left] * (1 - share) + table[left + 1] * share
    return result
