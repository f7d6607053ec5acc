"""Melodies in phrases, for singers and for the instruments that play like them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator

from vocalsep.synthesis.composition.form import BEATS_PER_BAR, Form, Section
from vocalsep.synthesis.composition.notes import Note
from vocalsep.synthesis.draw import chance, pick

Pace = Literal["slow", "medium", "fast", "rap"]

_LENGTHS: dict[Pace, tuple[float, ...]] = {
    "slow": (1, 1, 1.5, 2, 2, 3, 0.5),
    "medium": (0.5, 0.5, 0.5, 1, 1, 1.5, 2),
    "fast": (0.25, 0.5, 0.5, 0.5, 0.75, 1),
    "rap": (0.25, 0.25, 0.25, 0.5, 0.5),
}
_STEPS = (0, 0, 0, 1, -1, 1, -1, 1, -1, 1, -1, 2, -2, 2, -2, 3, -3, 4, -4)
_PATTERNS = ("ABAC", "AABA", "AAAB", "ABAB", "ABCB")
_ON_THE_CHORD = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """The shape of a phrase.

    Attributes:
        height: where in the range it begins, -1 to 1.
        beats: when each note begins, in beats from the start of the phrase.
        lengths: how long each note is, in beats.
        steps: steps of the scale from note to note.
    """

    height: float
    beats: tuple[float, ...]
    lengths: tuple[float, ...]
    steps: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The pitches of a voice or instrument: MIDI pitch in the middle, and semitones to either side."""

    centre: float
    reach: float

    def holds(self, pitch: float) -> bool:
        """Whether a pitch is in it."""
        return abs(pitch - self.centre) <= self.reach


def draw_theme(rng: Generator, pace: Pace, n_beats: float) -> Theme:
    """Draw a phrase that leaves a rest before ``n_beats`` are over, and ends on a long note."""
    beat = float(pick(rng, (0.0, 0.0, 0.5, 1.0) if n_beats > 2 else (0.0,)))
    last = n_beats - float(rng.uniform(0.12, 0.4)) * n_beats
    beats: list[float] = []
    lengths: list[float] = []
    while beat < last or not beats:
        length = min(pick(rng, _LENGTHS[pace]), max(n_beats - beat - 0.25, 0.25))
        beats.append(beat)
        lengths.append(length)
        beat += length
    if chance(rng, 0.6):
        lengths[-1] = max(lengths[-1], min(2.0, n_beats - beats[-1] - 0.25))
    steps = tuple(pick(rng, _STEPS) for _ in beats)
    return Theme(height=float(rng.uniform(-0.6, 0.6)), beats=tuple(beats), lengths=tuple(lengths), steps=steps)


def draw_melody(
    rng: Generator, form: Form, section: Section, span: Range, pace: Pace, rest: float
) -> list[tuple[Note, ...]]:
    """Draw the phrases of a section.

    Two or three themes take turns; notes on the beat are drawn to the chord.

    Args:
        rng: generator to draw from.
        form: form of the song.
        section: section of the form.
        span: the pitches to stay in.
        pace: how fast the notes follow each other.
        rest: share of the phrases that are left out.
    """
    bars = pick(rng, (1, 2, 2, 2, 4) if section.n_bars >= 4 else (1, 2) if section.n_bars >= 2 else (1,))
    n_beats = bars * BEATS_PER_BAR
    pattern = pick(rng, _PATTERNS)
    themes = {letter: draw_theme(rng, pace, n_beats) for letter in sorted(set(pattern))}
    first_beat = section.first_bar * BEATS_PER_BAR
    phrases = []
    for number in range(max(section.n_bars // bars, 1)):
        if chance(rng, rest) and number:
            continue
        theme = themes[pattern[number % len(pattern)]]
        phrases.append(_placed(rng, form, theme, first_beat + number * n_beats, span))
    return phrases


def harmonised(form: Form, notes: Sequence[Note], steps: int) -> tuple[Note, ...]:
    """The notes moved by ``steps`` of the scale."""
    return tuple(
        Note(
            start=note.start,
            end=note.end,
            pitch=form.key.pitch(form.key.step(note.pitch) + steps),
            velocity=note.velocity,
        )
        for note in notes
    )


def _placed(rng: Generator, form: Form, theme: Theme, first_beat: float, span: Range) -> tuple[Note, ...]:
    """A theme from a beat of the song on, in its key and on its chords."""
    step = form.key.step(span.centre + theme.height * span.reach)
    notes = []
    for beat, length, move in zip(theme.beats, theme.lengths, theme.steps, strict=True):
        if not span.holds(form.key.pitch(step + move)):
            move = -abs(move) if form.key.pitch(step) > span.centre else abs(move)
        step += move
        start, end = form.time(first_beat + beat), form.time(first_beat + beat + length)
        is_last = beat == theme.beats[-1]
        if (beat % 1 == 0 or is_last) and chance(rng, 1.0 if is_last else _ON_THE_CHORD):
            step = _nearest_chord_step(form, step, start)
        accent = 0.08 if beat % 2 == 0 else 0.0
        velocity = float(np.clip(0.75 + accent + rng.normal(0, 0.06), 0.4, 1))
        pitch = float(form.key.pitch(step))
        notes.append(Note(start=round(start, 4), end=round(end, 4), pitch=pitch, velocity=round(velocity, 3)))
    return tuple(notes)


def _nearest_chord_step(form: Form, step: int, seconds: float) -> int:
    tones = form.chord_at(seconds).tones
    near = [step + move for move in (0, -1, 1, -2, 2) if form.key.pitch(step + move) % 12 in tones]
    return near[0] if near else step
