"""Notes, for voices and instruments alike."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note.

    Attributes:
        start: seconds from the start of the song.
        end: seconds from the start of the song.
        pitch: MIDI pitch, in equal temperament.
        velocity: 0 to 1.
    """

    start: float
    end: float
    pitch: float
    velocity: float = 0.8


def hertz(pitch: float) -> float:
    """Frequency of a MIDI pitch."""
    return float(440 * 2 ** ((pitch - 69) / 12))
