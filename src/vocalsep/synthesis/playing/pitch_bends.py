"""The pitch bends with which instruments imitate a voice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from vocalsep.synthesis.composition.notes import Note

_STEP_SECONDS = 0.02


def draw_bends(rng: Generator, notes: Sequence[Note]) -> list[tuple[float, float]]:
    """Slides into notes, and vibrato that comes late in them: ``(seconds, semitones)``."""
    rate_hz, depth = rng.uniform(4.5, 7), rng.uniform(0.05, 0.5)
    slide_chance = rng.uniform(0, 0.6)
    bends = []
    for note in notes:
        time = np.arange(0, note.end - note.start, _STEP_SECONDS)
        slide = rng.uniform(-2, 0.3) if rng.random() < slide_chance else 0.0
        vibrato = depth * np.clip((time - 0.2) / 0.3, 0, 1) * np.sin(2 * np.pi * rate_hz * time)
        curve = slide * np.exp(-time / 0.05) + vibrato
        bends += [(note.start + float(t), round(float(b), 3)) for t, b in zip(time, curve, strict=True)]
    return bends
