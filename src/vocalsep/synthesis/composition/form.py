"""The form of a song: sections of bars, and the chord of each bar."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from numpy.random import Generator

from vocalsep.synthesis.composition.harmony import Chord, Key, draw_progression
from vocalsep.synthesis.draw import chance, pick

BEATS_PER_BAR = 4

SectionKind = Literal["intro", "verse", "chorus", "break", "outro"]

_FORMS: tuple[tuple[SectionKind, ...], ...] = (
    ("intro", "verse", "chorus", "verse", "chorus", "break", "chorus", "outro"),
    ("intro", "verse", "verse", "chorus", "break", "verse", "chorus", "chorus"),
    ("verse", "chorus", "break", "verse", "chorus", "outro"),
    ("intro", "chorus", "verse", "chorus", "break", "chorus"),
    ("chorus", "verse", "chorus", "break", "verse", "chorus", "outro"),
    ("break", "verse", "break", "chorus", "verse", "chorus"),
)
_ENERGIES: dict[SectionKind, float] = {"intro": 0.45, "verse": 0.6, "chorus": 1.0, "break": 0.8, "outro": 0.4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Some bars of a song.

    Attributes:
        kind: what they are.
        first_bar: number of the first bar in the song, counted from 0.
        n_bars: how many.
        chords: one to a bar.
        energy: how many play and how hard, 0 to 1.
        has_voice: whether anyone sings in it.
    """

    kind: SectionKind
    first_bar: int
    n_bars: int
    chords: tuple[Chord, ...]
    energy: float
    has_voice: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A song before anyone plays it.

    Attributes:
        key: key of the whole song.
        tempo: beats per minute.
        swing: part of a beat by which its second eighth comes late.
        sections: the sections, in order, without gaps.
    """

    key: Key
    tempo: float
    swing: float
    sections: tuple[Section, ...]

    @property
    def beat_seconds(self) -> float:
        """Length of a beat."""
        return 60 / self.tempo

    @property
    def bar_seconds(self) -> float:
        """Length of a bar."""
        return BEATS_PER_BAR * self.beat_seconds

    @property
    def n_bars(self) -> int:
        """Of all sections."""
        return sum(section.n_bars for section in self.sections)

    @property
    def seconds(self) -> float:
        """Length of the song."""
        return self.n_bars * self.bar_seconds

    def time(self, beat: float) -> float:
        """Seconds from the start of the song at a beat of it, counted from 0, swing included."""
        whole = math.floor(beat)
        within = beat - whole
        middle = 0.5 + self.swing
        swung = within * 2 * middle if within < 0.5 else middle + (within - 0.5) * 2 * (1 - middle)
        return (whole + swung) * self.beat_seconds

    def chord_at(self, seconds: float) -> Chord:
        """The chord at a time; beyond the end, the last."""
        bar = min(max(int(seconds / self.bar_seconds + 1e-6), 0), self.n_bars - 1)
        section = next(each for each in self.sections if bar < each.first_bar + each.n_bars)
        return section.chords[bar - section.first_bar]


def draw_form(
    rng: Generator, key: Key, tempo: float, swing: float, seconds: float, *, sevenths: float, instrumental: bool
) -> Form:
    """Draw the sections of a song of about ``seconds``, which has two bars at least."""
    bar_seconds = BEATS_PER_BAR * 60 / tempo
    n_bars = max(2, round(seconds / bar_seconds))
    unit = 2 if n_bars < 12 else 4 if n_bars < 28 or chance(rng, 0.5) else 8
    bars_per_chord = 2 if tempo > 130 and chance(rng, 0.5) else 1
    progressions: dict[SectionKind, tuple[Chord, ...]] = {
        kind: draw_progression(rng, key, sevenths=sevenths, bars_per_chord=bars_per_chord)
        for kind in ("verse", "chorus", "break")
    }
    progressions["intro"] = progressions["outro"] = progressions["verse"]
    kinds, sections = pick(rng, _FORMS), list[Section]()
    first_bar = number = 0
    while first_bar < n_bars:
        kind = kinds[number % len(kinds)]
        length = unit if kind in ("verse", "chorus") else max(unit // 2, 1)
        length = min(length, n_bars - first_bar)
        chords = progressions[kind]
        sections.append(
            Section(
                kind=kind,
                first_bar=first_bar,
                n_bars=length,
                chords=tuple(chords[bar % len(chords)] for bar in range(length)),
                energy=_ENERGIES[kind],
                has_voice=kind in ("verse", "chorus") and not instrumental,
            )
        )
        first_bar += length
        number += 1
    return Form(key=key, tempo=tempo, swing=swing, sections=tuple(sections))
