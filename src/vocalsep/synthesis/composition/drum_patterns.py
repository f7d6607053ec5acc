"""Drum parts: grooves of sixteenths, with fills, ghosts and humans in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from vocalsep.synthesis.composition.form import BEATS_PER_BAR, Form, Section
from vocalsep.synthesis.composition.notes import Note
from vocalsep.synthesis.draw import chance, pick

KICK, SNARE, RIM, CLAP = 36, 38, 37, 39
HAT, OPEN_HAT, RIDE, CRASH = 42, 46, 51, 49
TOMS = (50, 48, 47, 45, 43, 41)
STEPS_PER_BAR = 16

# Each line is a drum (General MIDI key) and a bar of sixteenths: X loud, x normal, . off.
_GROOVES: dict[str, dict[int, str]] = {
    "rock": {KICK: "X.......x.x.....", SNARE: "....X.......X...", HAT: "X.x.X.x.X.x.X.x."},
    "rock ride": {KICK: "X.....x.x.......", SNARE: "....X.......X...", RIDE: "X.x.X.x.X.x.X.x."},
    "half time": {KICK: "X.....x.........", SNARE: "........X.......", HAT: "X.x.x.x.X.x.x.x."},
    "ballad": {KICK: "X.........x.....", SNARE: "....x.......x...", HAT: "x.x.x.x.x.x.x.x."},
    "brushes": {KICK: "x.......x.......", 40: "....x.......x...", RIDE: "x...x..xx...x..x"},
    "pop": {KICK: "X..x..x...x.....", SNARE: "....X.......X...", HAT: "x.x.x.x.x.x.x.x."},
    "clap pop": {
        KICK: "X.....x...x.....",
        CLAP: "....X.......X...",
        HAT: "x.x.x.x.x.x.x.xx",
        70: "..x...x...x...x.",
    },
    "four on the floor": {KICK: "X...X...X...X...", CLAP: "....X.......X...", OPEN_HAT: "..x...x...x...x."},
    "disco": {
        KICK: "X...X...X...X...",
        SNARE: "....X.......X...",
        HAT: "x.xxx.xxx.xxx.xx",
        OPEN_HAT: "..x...x...x...x.",
    },
    "house": {KICK: "X...X...X...X...", CLAP: "....x.......x...", HAT: "xxxxxxxxxxxxxxxx", 70: "..xx..xx..xx..xx"},
    "funk": {KICK: "X..x......x..x..", SNARE: "....X..x.x..X..x", HAT: "x.xxx.xxx.xxx.x."},
    "soul": {KICK: "X.....xx..x.....", SNARE: "....X.......X...", HAT: "X.x.X.x.X.x.X.x.", 54: "....x.......x..."},
    "hip hop": {KICK: "X.....x..xX.....", SNARE: "....X.......X...", HAT: "x.x.x.x.x.x.x.x."},
    "trap": {
        KICK: "X.....x...x..x..",
        CLAP: "........X.......",
        HAT: "x.x.x.xxx.x.xxxx",
        OPEN_HAT: "..............x.",
    },
    "metal": {KICK: "XxXxXxXxXxXxXxXx", SNARE: "....X.......X...", RIDE: "X...X...X...X..."},
    "punk": {KICK: "X.x...x.X.x...x.", SNARE: "..X...X...X...X.", HAT: "X.X.X.X.X.X.X.X."},
    "one drop": {KICK: "........X.......", RIM: "........X.......", HAT: "x.xxx.x.x.xxx.x."},
    "steppers": {KICK: "X...X...X...X...", RIM: "........X.......", HAT: "..x...x...x...x."},
    "bossa": {KICK: "X..xX..xX..xX..x", RIM: "x..x..x...x..x..", HAT: "x.x.x.x.x.x.x.x."},
    "latin": {KICK: "X..x..x.X..x..x.", 62: "..x...x...x...xx", 56: "x.x.xx.x.xx.x.x.", 75: "x..x..x...x.x..."},
    "swing": {KICK: "x...x...x...x...", 44: "....x.......x...", RIDE: "X...X.x.X...X.x."},
    "train": {KICK: "X.......X.......", SNARE: "xxXxxxXxxxXxxxXx", HAT: "....x.......x..."},
    "shaker": {70: "x.xxx.xxx.xxx.xx", 54: "....x.......x..."},
    "tribal": {KICK: "X.....x.X.......", 41: "..x..x....x..x..", 45: "....x..x....x.xx", 75: "x...x...x...x..."},
}
GROOVES = tuple(_GROOVES)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrumPart:
    """How the drums are played.

    Attributes:
        groove: one of `GROOVES`.
        extra_kicks: chance of a further kick on each sixteenth.
        ghosts: chance of a soft snare on each.
        fills: chance of a fill at the end of four bars and of a section.
        looseness: standard deviation of the timing, in seconds; 0 for machines.
        rolls: chance that a hat is a roll of three.
    """

    groove: str
    extra_kicks: float
    ghosts: float
    fills: float
    looseness: float
    rolls: float


def draw_drum_part(rng: Generator, grooves: tuple[str, ...], *, machine: bool) -> DrumPart:
    """How a drummer, or a machine, plays one of ``grooves``."""
    groove = pick(rng, grooves)
    return DrumPart(
        groove=groove,
        extra_kicks=pick(rng, (0.0, 0.0, 0.06, 0.12)),
        ghosts=0.0 if machine else pick(rng, (0.0, 0.08, 0.2)),
        fills=pick(rng, (0.3, 0.6, 0.9)),
        looseness=0.0 if machine else round(float(rng.uniform(0.002, 0.01)), 4),
        rolls=pick(rng, (0.04, 0.12)) if groove == "trap" else 0.0,
    )


def play_drums(rng: Generator, form: Form, section: Section, part: DrumPart) -> list[Note]:
    """The notes of a section; pitches are keys of the General MIDI drum set."""
    pattern = _varied(rng, part)
    notes = []
    for bar in range(section.n_bars):
        last = bar == section.n_bars - 1
        fill_from = STEPS_PER_BAR
        if (last or bar % 4 == 3) and section.n_bars > 1 and chance(rng, part.fills):
            fill_from = pick(rng, (8, 12, 12, 14))
        first_beat = (section.first_bar + bar) * BEATS_PER_BAR
        for step, key, velocity in _bar(rng, pattern, part, fill_from, crash=bar == 0 and section.energy > 0.7):
            start = form.time(first_beat + step / 4) + part.looseness * rng.standard_normal()
            loud = velocity * (0.6 + 0.4 * section.energy) * rng.uniform(0.88, 1.06)
            notes.append(Note(start=max(start, 0.0), end=start + 0.12, pitch=key, velocity=min(loud, 1.0)))
    return notes


def _varied(rng: Generator, part: DrumPart) -> dict[int, list[float]]:
    """The groove as velocities, with what this section adds to it."""
    levels = {"X": 1.0, "x": 0.75, ".": 0.0}
    pattern = {key: [levels[mark] for mark in bar] for key, bar in _GROOVES[part.groove].items()}
    for key, density, velocity in ((KICK, part.extra_kicks, 0.8), (SNARE, part.ghosts, 0.3)):
        if key in pattern:
            pattern[key] = [old or (velocity if chance(rng, density) else 0.0) for old in pattern[key]]
    return pattern


def _bar(
    rng: Generator, pattern: dict[int, list[float]], part: DrumPart, fill_from: int, *, crash: bool
) -> Iterator[tuple[float, int, float]]:
    """``(sixteenth, key, velocity)`` of a bar."""
    if crash:
        yield 0, CRASH, 0.9
    for key, velocities in pattern.items():
        for step, velocity in enumerate(velocities[:fill_from]):
            if not velocity:
                continue
            yield step, key, velocity
            if key == HAT and chance(rng, part.rolls):
                yield step + 1 / 3, key, 0.6 * velocity
                yield step + 2 / 3, key, 0.7 * velocity
    drums = np.sort(rng.integers(0, len(TOMS), STEPS_PER_BAR - fill_from))
    for step, drum in zip(range(fill_from, STEPS_PER_BAR), drums, strict=True):
        if chance(rng, 0.75):
            yield step, pick(rng, (SNARE, TOMS[drum], TOMS[drum])), 0.6 + 0.4 * step / STEPS_PER_BAR
