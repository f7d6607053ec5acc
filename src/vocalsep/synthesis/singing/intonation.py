"""The pitch of a sung phrase, frame by frame."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter, lfilter_zi

from vocalsep.synthesis.composition.notes import Note
from vocalsep.synthesis.draw import chance, slow_noise
from vocalsep.synthesis.singing.recording import FRAME_SECONDS
from vocalsep.synthesis.singing.singer import Singer
from vocalsep.synthesis.waveform import Sound

_SHORTEST_VIBRATO_SECONDS = 0.12
_VIBRATO_RISE_SECONDS = 0.25
_FALL_CHANCE = 0.12


def sung_pitch(
    singer: Singer, notes: Sequence[Note], first_seconds: float, n_frames: int, rng: Generator
) -> tuple[Sound, Sound]:
    """The pitch with which ``notes`` are sung.

    The steps between notes go through a resonance of second order, which glides and goes a little beyond. Vibrato
    comes late in a note; drift and jitter are everywhere.

    Args:
        singer: the singer whose habits to follow.
        notes: the notes, in order, in seconds of the song.
        first_seconds: time of the first frame, in the song.
        n_frames: number of frames to make.
        rng: for the deviations.

    Returns:
        MIDI pitch ``(frame,)``, and the vibrato alone, -1 to 1 of its depth, for what follows it in loudness.

    Reference: Saitou et al. 2005, "Development of an F0 control model based on F0 dynamic characteristics for
    singing-voice synthesis", doi:10.1016/j.specom.2005.01.010.
    """
    spans = _spans(notes, first_seconds, n_frames)
    target, vibrato = np.zeros(n_frames), np.zeros(n_frames)
    scoops = np.zeros(n_frames)
    for number, (note, (start, end)) in enumerate(zip(notes, spans, strict=True)):
        target[start:end] = note.pitch
        frames = np.arange(end - start) * FRAME_SECONDS
        if chance(rng, singer.scoop_chance):
            depth, rise = rng.uniform(0.5, 2.5), rng.uniform(0.03, 0.08)
            scoops[start:end] -= depth * np.exp(-frames / rise)
        if number == len(notes) - 1 and chance(rng, _FALL_CHANCE):
            from_end = np.clip(1 - (frames[-1:] - frames) / rng.uniform(0.08, 0.2), 0, 1)
            scoops[start:end] -= rng.uniform(1, 4) * from_end**2
        vibrato[start:end] = _vibrato(singer, frames, rng)
    pitch = _glided(singer, target) + gaussian_filter1d(scoops, 2)
    pitch += vibrato * (singer.vibrato_cents / 100)
    pitch += singer.drift_cents / 100 * slow_noise(rng, n_frames, 30)
    pitch += singer.jitter_cents / 100 * slow_noise(rng, n_frames, 1)
    return pitch.astype(np.float32), vibrato.astype(np.float32)


def _spans(notes: Sequence[Note], first_seconds: float, n_frames: int) -> list[tuple[int, int]]:
    """First frame of each note and the one behind its last; together they fill the phrase."""
    starts = [round((note.start - first_seconds) / FRAME_SECONDS) for note in notes]
    bounds = [0, *(min(max(start, 1), n_frames) for start in starts[1:]), n_frames]
    return list(itertools.pairwise(bounds))


def _glided(singer: Singer, target: NDArray[np.float64]) -> NDArray[np.float64]:
    """``target`` through a resonance with unit gain at rest, moved forward by its delay."""
    step = 2 * np.pi * singer.glide_hz * FRAME_SECONDS
    damping = singer.overshoot
    # the poles of the continuous resonance, mapped by exp: stable at any step
    radius = np.exp(-damping * step)
    angle = step * np.sqrt(1 - damping**2)
    denominator = [1.0, -2 * radius * np.cos(angle), radius**2]
    numerator = [sum(denominator)]
    delay = round(2 * damping / step)
    ahead = np.concatenate([target, np.full(delay, target[-1])])
    rest = lfilter_zi(numerator, denominator) * ahead[0]
    glided, _ = lfilter(numerator, denominator, ahead, zi=rest)
    result: NDArray[np.float64] = glided[delay:]
    return result


def _vibrato(singer: Singer, frames: NDArray[np.floating], rng: Generator) -> NDArray[np.float64]:
    """A sine that grows after the delay, and whose rate is a little different each time."""
    if len(frames) * FRAME_SECONDS < singer.vibrato_delay_seconds + _SHORTEST_VIBRATO_SECONDS:
        return np.zeros(len(frames))
    since = frames - singer.vibrato_delay_seconds * rng.uniform(0.7, 1.3)
    depth = np.clip(since / _VIBRATO_RISE_SECONDS, 0, 1) * rng.uniform(0.7, 1.1)
    rate_hz = singer.vibrato_hz * rng.uniform(0.95, 1.05) * (1 + 0.08 * np.clip(since, 0, 1))
    wave: NDArray[np.float64] = depth * np.sin(2 * np.pi * np.cumsum(rate_hz) * FRAME_SECONDS)
    return wave
