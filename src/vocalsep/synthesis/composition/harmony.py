"""Keys, scales and chords."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from numpy.random import Generator

from vocalsep.synthesis.draw import chance, pick

Mode = Literal["major", "minor", "dorian", "mixolydian", "harmonic minor", "blues"]

_SCALES: dict[Mode, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "blues": (0, 2, 3, 5, 7, 9, 10),
}
# Degrees of the scale, counted from 0, one to a unit of harmonic rhythm.
_MAJOR_PROGRESSIONS = (
    *(
        (0, 4, 5, 3),
        (5, 3, 0, 4),
        (0, 5, 3, 4),
        (0, 3, 4, 3),
        (0, 3, 0, 4),
        (3, 0, 4, 5),
        (0, 2, 3, 4),
        (1, 4, 0, 0),
    ),
    *((0, 0, 3, 3, 4, 4, 0, 0), (0, 4, 5, 2, 3, 0, 3, 4), (5, 4, 3, 4), (3, 4, 2, 5), (0, 0, 0, 0)),
)
_MINOR_PROGRESSIONS = (
    *(
        (0, 5, 2, 6),
        (0, 6, 5, 6),
        (0, 3, 4, 0),
        (0, 5, 6, 0),
        (0, 3, 6, 2),
        (5, 6, 0, 0),
        (0, 6, 5, 4),
        (0, 2, 6, 3),
    ),
    *((0, 0, 0, 0), (0, 0, 5, 6), (0, 3, 0, 6), (0, 4, 5, 3)),
)
_BLUES_PROGRESSION = (0, 0, 0, 0, 3, 3, 0, 0, 4, 3, 0, 4)

_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A tonic, 0 (C) to 11, and a mode."""

    tonic: int
    mode: Mode

    @property
    def name(self) -> str:
        """Such as ``Eb minor``."""
        return f"{_NAMES[self.tonic]} {self.mode}"

    def pitch(self, step: int) -> int:
        """The MIDI pitch of a step of the scale; step 0 is the tonic in the octave from C-1 on."""
        scale = _SCALES[self.mode]
        octave, degree = divmod(step, len(scale))
        return self.tonic + 12 * octave + scale[degree]

    def step(self, pitch: float) -> int:
        """The step of the scale nearest to a MIDI pitch."""
        near = round((pitch - self.tonic) / 12 * 7)
        return min(range(near - 3, near + 4), key=lambda step: abs(self.pitch(step) - pitch))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chord:
    """A chord of a key.

    Attributes:
        name: root and intervals, for people.
        root: pitch class.
        tones: pitch classes, the root first.
    """

    name: str
    root: int
    tones: tuple[int, ...]

    def near(self, pitch: int) -> list[int]:
        """The tones at or right above a MIDI pitch, ascending."""
        return sorted(pitch + (tone - pitch) % 12 for tone in self.tones)

    def root_above(self, pitch: int) -> int:
        """The root at or right above a MIDI pitch."""
        return pitch + (self.root - pitch) % 12


def draw_progression(rng: Generator, key: Key, *, sevenths: float, bars_per_chord: int) -> tuple[Chord, ...]:
    """Chords of a section that repeats, one to a bar."""
    degrees: Sequence[int] = pick(rng, _MINOR_PROGRESSIONS if _has_minor_third(key) else _MAJOR_PROGRESSIONS)
    if key.mode == "blues":
        degrees = _BLUES_PROGRESSION
    extended = chance(rng, sevenths)
    chords = [_chord(rng, key, degree, extended=extended) for degree in degrees]
    return tuple(chord for chord in chords for _ in range(bars_per_chord))


def _has_minor_third(key: Key) -> bool:
    return _SCALES[key.mode][2] == 3


def _chord(rng: Generator, key: Key, degree: int, *, extended: bool) -> Chord:
    """Thirds on a degree of the scale; in the blues, a dominant seventh chord."""
    root = key.pitch(degree) % 12
    if key.mode == "blues":
        tones = [root, (root + 4) % 12, (root + 7) % 12, (root + 10) % 12]
    else:
        steps = [0, 2, 4] + ([6] if extended else []) + ([8] if extended and chance(rng, 0.3) else [])
        if not extended and chance(rng, 0.08):
            steps[1] = pick(rng, (1, 3))  # suspended
        tones = [key.pitch(degree + step) % 12 for step in steps]
    intervals = "-".join(str((tone - root) % 12) for tone in tones)
    return Chord(name=f"{_NAMES[root]} {intervals}", root=root, tones=tuple(tones))
