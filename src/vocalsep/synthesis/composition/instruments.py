"""Instruments of General MIDI by family. Its voices and choirs are left out: nothing but singers may sing."""

from __future__ import annotations

from dataclasses import dataclass

DRUMS, BASS, GUITAR, KEYS, ORCHESTRA, LEAD = "drums", "bass", "guitar", "keys", "orchestra", "lead"
"""Stems, which are files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A family of instruments.

    Attributes:
        stem: the file that they are in.
        programs: programs of General MIDI, counted from 0.
        lowest: MIDI pitches from which on chords are laid.
        synthetic: chance that our own synthesiser plays instead.
    """

    stem: str
    programs: tuple[int, ...]
    lowest: tuple[int, ...] = (52, 55, 57, 60)
    synthetic: float = 0.0


INSTRUMENTS = {
    "piano": Instrument(stem=KEYS, programs=(0, 0, 1, 2, 3)),
    "electric piano": Instrument(stem=KEYS, programs=(4, 5), synthetic=0.15),
    "clavinet": Instrument(stem=KEYS, programs=(7, 7, 6), lowest=(48, 52, 55)),
    "mallets": Instrument(stem=KEYS, programs=(8, 9, 11, 12, 13, 14), lowest=(60, 64, 67), synthetic=0.1),
    "organ": Instrument(stem=KEYS, programs=(16, 17, 18, 19, 20), synthetic=0.2),
    "accordion": Instrument(stem=KEYS, programs=(21, 23)),
    "pad": Instrument(stem=KEYS, programs=(88, 89, 90, 92, 93, 94, 95), synthetic=0.5),
    "synthesiser": Instrument(stem=KEYS, programs=(80, 81, 84, 62, 63, 38), lowest=(48, 55, 60), synthetic=0.8),
    "nylon guitar": Instrument(stem=GUITAR, programs=(24,), lowest=(48, 50, 52)),
    "steel guitar": Instrument(stem=GUITAR, programs=(25,), lowest=(48, 50, 52)),
    "electric guitar": Instrument(stem=GUITAR, programs=(26, 27, 27, 28), lowest=(48, 52, 55)),
    "distorted guitar": Instrument(stem=GUITAR, programs=(29, 30, 30), lowest=(40, 40, 43)),
    "plucked": Instrument(stem=GUITAR, programs=(104, 105, 106, 107, 46), lowest=(50, 55)),
    "strings": Instrument(stem=ORCHESTRA, programs=(48, 49, 50, 51, 44), synthetic=0.1),
    "pizzicato": Instrument(stem=ORCHESTRA, programs=(45, 45, 46)),
    "brass": Instrument(stem=ORCHESTRA, programs=(61, 61, 62, 56, 57, 60), lowest=(53, 56, 58), synthetic=0.1),
    "reeds": Instrument(stem=ORCHESTRA, programs=(64, 65, 66, 67, 68, 71), lowest=(53, 57, 60)),
    "bass": Instrument(stem=BASS, programs=(33, 33, 34, 36, 37, 35), lowest=(28,), synthetic=0.05),
    "upright bass": Instrument(stem=BASS, programs=(32, 32, 35), lowest=(28,)),
    "synth bass": Instrument(stem=BASS, programs=(38, 39), lowest=(28,), synthetic=0.7),
}

# What plays melodies as a voice would, in a voice's range: the negatives that are hard.
LEADS = (
    *(56, 56, 57, 58, 59, 60, 61, 64, 65, 65, 66, 66, 67, 68, 69, 70, 71),  # brass, reeds
    *(40, 40, 41, 42, 110, 111, 109, 104),  # bowed, and from elsewhere
    *(72, 73, 73, 74, 75, 77, 78, 79, 22, 22, 21),  # pipes, harmonica, accordion
    *(80, 81, 81, 82, 83, 84, 86, 87, 62, 63),  # synthesisers
    *(26, 27, 29, 29, 30, 30, 11, 0, 4, 16, 18),  # guitars, keys
)
SYNTHETIC_LEAD_CHANCE = 0.25

KITS = {
    "standard": 0,
    "room": 8,
    "power": 16,
    "electronic": 24,
    "808": 25,
    "jazz": 32,
    "brush": 40,
    "orchestra": 48,
}
