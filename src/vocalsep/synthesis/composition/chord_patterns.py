"""What chord instruments and the bass play."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from vocalsep.synthesis.composition.form import BEATS_PER_BAR, Form, Section
from vocalsep.synthesis.composition.harmony import Chord
from vocalsep.synthesis.composition.notes import Note
from vocalsep.synthesis.draw import chance, pick

_LOWEST_BASS = 28
_LOOSENESS = 0.005  # seconds


@dataclass(frozen=True, slots=True)
class _Hit:
    """Notes struck together: beat of the bar, length in beats, pitches, velocity, seconds between strings."""

    beat: float
    length: float
    pitches: tuple[int, ...]
    velocity: float = 0.7
    spread: float = 0.0


_Pattern = Callable[[Generator, Chord, int], Iterator[_Hit]]


def play_part(rng: Generator, form: Form, section: Section, pattern: str, lowest: int) -> list[Note]:
    """The notes of a section.

    Args:
        rng: for the rhythm, which stays through the section, and for the hands.
        form: form of the song.
        section: section of the form.
        pattern: one of `PATTERNS`.
        lowest: MIDI pitch from which on the chord is laid.
    """
    rhythm_seed = int(rng.integers(2**32))
    notes = []
    for bar, chord in enumerate(section.chords):
        # the same draws in each bar: a rhythm is something that comes again
        fixed = np.random.default_rng(rhythm_seed)
        first_beat = (section.first_bar + bar) * BEATS_PER_BAR
        for hit in PATTERNS[pattern](fixed, chord, lowest):
            start = form.time(first_beat + hit.beat) + abs(_LOOSENESS * rng.standard_normal())
            end = form.time(first_beat + hit.beat + hit.length)
            velocity = hit.velocity * (0.65 + 0.35 * section.energy) * rng.uniform(0.9, 1.08)
            notes += [
                Note(
                    start=start + string * hit.spread,
                    end=max(end, start + 0.05),
                    pitch=pitch,
                    velocity=min(velocity, 1),
                )
                for string, pitch in enumerate(hit.pitches)
            ]
    return notes


def _rhythm(rng: Generator, density: float) -> list[float]:
    """Eighths of a bar that are played; the first always."""
    return [0.0] + [eighth / 2 for eighth in range(1, 8) if chance(rng, density)]


def _sustained(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    pitches = chord.near(lowest)
    yield _Hit(0, 3.95, (*pitches, pitches[0] + 12) if chance(rng, 0.5) else tuple(pitches), 0.65)


def _halves(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    for beat in (0, 2):
        yield _Hit(beat, 1.9, tuple(chord.near(lowest)), 0.7)


def _quarters(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    for beat in range(BEATS_PER_BAR):
        yield _Hit(beat, 0.85, tuple(chord.near(lowest)), 0.75 if beat % 2 == 0 else 0.65)


def _eighths(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    for eighth in range(8):
        yield _Hit(eighth / 2, 0.42, tuple(chord.near(lowest)), 0.75 if eighth % 2 == 0 else 0.6)


def _strummed(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    pitches = chord.near(lowest)
    strings = (pitches[0] - 12, *pitches, pitches[0] + 12)
    for beat in _rhythm(rng, 0.6):
        down = beat % 1 == 0
        yield _Hit(beat, 0.8, strings if down else strings[::-1][:3], 0.75 if down else 0.55, 0.009)


def _picked(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    pitches = chord.near(lowest)
    strings = [pitches[0] - 12, *pitches, pitches[0] + 12]
    rate = pick(rng, (2, 2, 4))
    for step in range(BEATS_PER_BAR * rate):
        string = 0 if step % (2 * rate) == 0 else int(rng.integers(1, len(strings)))
        yield _Hit(step / rate, 1.5 / rate, (strings[string],), 0.7 if step % rate == 0 else 0.58)


def _stabs(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    for beat in _rhythm(rng, 0.25):
        yield _Hit(beat, 0.25, tuple(chord.near(lowest)), 0.85)


def _offbeats(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    for beat in range(BEATS_PER_BAR):
        yield _Hit(beat + 0.5, 0.25, tuple(chord.near(lowest)), 0.75, 0.004)


def _chops(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    for sixteenth in range(16):
        if chance(rng, 0.45):
            yield _Hit(sixteenth / 4, 0.12, tuple(chord.near(lowest)), 0.6 + 0.2 * (sixteenth % 4 == 0), 0.003)


def _power(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    root = chord.root_above(lowest)
    for beat in [eighth / 2 for eighth in range(8)] if chance(rng, 0.5) else _rhythm(rng, 0.4):
        yield _Hit(beat, 0.47, (root, root + 7, root + 12), 0.9 if beat % 1 == 0 else 0.75, 0.003)


def _power_long(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    root = chord.root_above(lowest)
    yield _Hit(0, 3.9, (root, root + 7, root + 12), 0.9, 0.01)


def _riff(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    root = chord.root_above(lowest)
    for sixteenth in range(16):
        if sixteenth == 0 or chance(rng, 0.4):
            yield _Hit(sixteenth / 4, 0.3, (root + pick(rng, (0, 0, 0, 3, 5, 7, 10, 12)),), 0.8)


def _arpeggio(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    pitches = chord.near(lowest)
    ladder = pitches + [pitch + 12 for pitch in pitches]
    if chance(rng, 0.5):
        ladder = ladder + ladder[-2:0:-1]
    for sixteenth in range(16):
        yield _Hit(sixteenth / 4, 0.24, (ladder[sixteenth % len(ladder)],), 0.75 if sixteenth % 4 == 0 else 0.6)


def _bass_eighths(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    for eighth in range(8):
        yield _Hit(eighth / 2, 0.47, (chord.root_above(_LOWEST_BASS),), 0.85 if eighth % 2 == 0 else 0.7)


def _bass_rhythm(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    root = chord.root_above(_LOWEST_BASS)
    beats = [*_rhythm(rng, 0.5), float(BEATS_PER_BAR)]
    for beat, following in itertools.pairwise(beats):
        move = 0 if beat == 0 else pick(rng, (0, 0, 0, 7, 12, 5))
        yield _Hit(beat, (following - beat) * 0.95, (root + move,), 0.85)


def _bass_octaves(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    root = chord.root_above(_LOWEST_BASS)
    for eighth in range(8):
        yield _Hit(eighth / 2, 0.4, (root + 12 * (eighth % 2),), 0.85)


def _bass_walking(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    tones = chord.near(_LOWEST_BASS + 4)
    for beat in range(BEATS_PER_BAR):
        pitch = chord.root_above(_LOWEST_BASS) if beat == 0 else pick(rng, tones) + pick(rng, (0, 0, -1, 1, 2))
        yield _Hit(beat, 0.95, (pitch,), 0.8)


def _bass_root_fifth(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    root = chord.root_above(_LOWEST_BASS)
    yield _Hit(0, 1.4, (root,), 0.85)
    yield _Hit(2, 1.4, (root + 7 if root < 36 else root - 5,), 0.8)


def _bass_long(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    yield _Hit(0, 3.9, (chord.root_above(_LOWEST_BASS),), 0.85)


def _bass_funk(rng: Generator, chord: Chord, lowest: int) -> Iterator[_Hit]:
    root = chord.root_above(_LOWEST_BASS)
    for sixteenth in range(16):
        if sixteenth == 0 or chance(rng, 0.35):
            yield _Hit(
                sixteenth / 4, 0.2, (root + pick(rng, (0, 0, 12, 7, 10, 5)),), 0.9 if sixteenth == 0 else 0.75
            )


PATTERNS: dict[str, _Pattern] = {
    "sustained": _sustained,
    "halves": _halves,
    "quarters": _quarters,
    "eighths": _eighths,
    "strummed": _strummed,
    "picked": _picked,
    "stabs": _stabs,
    "offbeats": _offbeats,
    "chops": _chops,
    "power": _power,
    "long power": _power_long,
    "riff": _riff,
    "arpeggio": _arpeggio,
    "bass eighths": _bass_eighths,
    "bass rhythm": _bass_rhythm,
    "bass octaves": _bass_octaves,
    "bass walking": _bass_walking,
    "bass root and fifth": _bass_root_fifth,
    "bass long": _bass_long,
    "bass funk": _bass_funk,
}
