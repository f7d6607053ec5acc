"""The lines of all singers, sung."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.random import Generator

from vocalsep.synthesis.draw import stream
from vocalsep.synthesis.singing.recording import Recording
from vocalsep.synthesis.singing.render import sing
from vocalsep.synthesis.singing.vocal_plan import Line, VocalPlan
from vocalsep.synthesis.singing.voice import Voice, make_voice
from vocalsep.synthesis.waveform import RATE, Samples, Sound, add_at, gain_of, panned, samples_of

_WANDER_HZ = 0.7


def sing_lines(
    seed: Sequence[int], plan: VocalPlan, recordings: Mapping[str, Recording], n_samples: int
) -> Samples:
    """Sing all lines of a song, as they stand before the bus: float32 ``(channel, sample)``.

    Args:
        seed: seed of the song.
        plan: who sings what.
        recordings: recordings of the speakers, by `Singer.recording`.
        n_samples: length of the result.
    """
    voices = [make_voice(singer, recordings[singer.recording]) for singer in plan.singers]
    track = np.zeros((2, n_samples), np.float32)
    for number, line in enumerate(plan.lines):
        _sing_line(stream(*seed, "line", number), line, voices[line.singer], track)
    return track


def _sing_line(rng: Generator, line: Line, voice: Voice, track: Samples) -> None:
    gain = np.float32(gain_of(line.level_db) / np.sqrt(line.copies))
    places = [line.position, *rng.uniform(-1, 1, line.copies - 1)]
    for phrase in line.phrases:
        sound, start = sing(voice, phrase, rng)
        for copy, place in enumerate(places):
            again = sound if copy == 0 else _as_another(rng, sound)
            add_at(track, panned(gain * again, float(place)), samples_of(start))


def _as_another(rng: Generator, sound: Sound) -> Sound:
    """The sound of somebody standing near: a little later, and wandering in time and so in pitch."""
    at = np.arange(len(sound))
    wander = np.sin(2 * np.pi * _WANDER_HZ * rng.uniform(0.6, 1.4) * at / RATE + rng.uniform(0, 6))
    delay = rng.uniform(0.008, 0.035) + rng.uniform(0.0005, 0.002) * wander
    return np.interp(at - delay * RATE, at, sound, left=0.0).astype(np.float32)
