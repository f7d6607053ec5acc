"""What a singer sings in one breath."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vocalsep.synthesis.composition.notes import Note

Delivery = Literal["sung", "rapped", "spoken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """What is sung in one breath.

    Attributes:
        delivery: sung on the notes, rapped (the speech melody around the notes), or spoken (at its own pace from
            the start of the first note on).
        notes: the notes, in order.
        syllables: for each note, which syllable of the recording; twice the same is one over two notes.
        strength_db: loudness, which also makes the voice brighter.
        breath: whether one hears the singer breathe in before it.
    """

    delivery: Delivery
    notes: tuple[Note, ...]
    syllables: tuple[int, ...]
    strength_db: float = 0.0
    breath: bool = False
