"""Styles of music: what a song of each is drawn from."""

from __future__ import annotations

from dataclasses import dataclass

from vocalsep.synthesis.composition.harmony import Mode
from vocalsep.synthesis.composition.melody import Pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What songs of a style have in common; of a tuple one is drawn, and what stands twice is likelier.

    Attributes:
        tempo: lowest and highest, in beats per minute.
        modes: modes of the key.
        sevenths: chance of chords of four notes.
        swing: as in `Form`.
        grooves: grooves of the drums; none, if empty.
        kits: kits of `instruments.KITS`, or ``machine`` for our own drum machine.
        bass: instruments and patterns.
        parts: instruments and patterns of the chords.
        n_parts: fewest and most of them.
        leads: chance of each of two melody instruments.
        paces: paces of the singer.
        rap: chance that verses are rapped.
        pumping: chance that the kick ducks the chords.
    """

    tempo: tuple[float, float]
    modes: tuple[Mode, ...]
    sevenths: float = 0.2
    swing: tuple[float, ...] = (0.0,)
    grooves: tuple[str, ...]
    kits: tuple[str, ...] = ("standard", "room")
    bass: tuple[tuple[str, str], ...]
    parts: tuple[tuple[str, str], ...]
    n_parts: tuple[int, int] = (2, 3)
    leads: float = 0.4
    paces: tuple[Pace, ...] = ("medium", "medium", "slow", "fast")
    rap: float = 0.03
    pumping: float = 0.0


_PIANO = (("piano", "sustained"), ("piano", "quarters"), ("piano", "picked"), ("piano", "halves"))
_STRUMS = (("steel guitar", "strummed"), ("steel guitar", "picked"), ("nylon guitar", "picked"))
_STRINGS = (("strings", "sustained"), ("strings", "halves"))
_ROCK = (("distorted guitar", "power"), ("distorted guitar", "long power"), ("electric guitar", "strummed"))
_SYNTHS = (
    ("synthesiser", "arpeggio"),
    ("synthesiser", "stabs"),
    ("synthesiser", "sustained"),
    ("pad", "sustained"),
)

STYLES = {
    "ballad": Style(
        tempo=(58, 84),
        modes=("major", "major", "minor"),
        sevenths=0.4,
        grooves=("ballad", "half time", "brushes"),
        kits=("standard", "room", "brush"),
        bass=(("bass", "bass root and fifth"), ("bass", "bass long"), ("upright bass", "bass rhythm")),
        parts=(
            *_PIANO,
            *_STRINGS,
            ("electric guitar", "picked"),
            ("pad", "sustained"),
            ("electric piano", "halves"),
        ),
        paces=("slow", "medium"),
    ),
    "pop": Style(
        tempo=(88, 128),
        modes=("major", "major", "minor", "mixolydian"),
        grooves=("pop", "clap pop", "four on the floor", "rock"),
        kits=("standard", "electronic", "power", "machine"),
        bass=(("bass", "bass rhythm"), ("synth bass", "bass eighths"), ("bass", "bass eighths")),
        parts=(
            *_PIANO,
            *_SYNTHS,
            ("electric guitar", "chops"),
            ("steel guitar", "strummed"),
            ("mallets", "arpeggio"),
        ),
        pumping=0.2,
    ),
    "rock": Style(
        tempo=(96, 152),
        modes=("major", "minor", "mixolydian", "dorian"),
        sevenths=0.05,
        grooves=("rock", "rock ride", "pop", "half time"),
        kits=("standard", "power", "room"),
        bass=(("bass", "bass eighths"), ("bass", "bass rhythm")),
        parts=(*_ROCK, *_ROCK, ("organ", "sustained"), ("piano", "eighths"), ("distorted guitar", "riff")),
    ),
    "metal": Style(
        tempo=(130, 190),
        modes=("minor", "harmonic minor", "dorian"),
        sevenths=0.0,
        grooves=("metal", "punk", "half time"),
        kits=("power", "standard"),
        bass=(("bass", "bass eighths"),),
        parts=(
            ("distorted guitar", "power"),
            ("distorted guitar", "riff"),
            ("distorted guitar", "long power"),
            *_STRINGS,
        ),
        paces=("medium", "slow", "fast"),
    ),
    "punk": Style(
        tempo=(150, 200),
        modes=("major", "minor"),
        sevenths=0.0,
        grooves=("punk", "rock"),
        bass=(("bass", "bass eighths"),),
        parts=(("distorted guitar", "power"), ("electric guitar", "eighths"), ("distorted guitar", "long power")),
        n_parts=(1, 2),
        leads=0.2,
        paces=("medium", "fast"),
    ),
    "funk": Style(
        tempo=(92, 118),
        modes=("dorian", "mixolydian", "minor"),
        sevenths=0.8,
        grooves=("funk", "disco"),
        bass=(("bass", "bass funk"), ("synth bass", "bass funk"), ("bass", "bass rhythm")),
        parts=(("electric guitar", "chops"), ("clavinet", "chops"), ("organ", "sustained"), ("brass", "stabs")),
        leads=0.5,
        paces=("medium", "fast"),
    ),
    "soul": Style(
        tempo=(68, 112),
        modes=("major", "minor", "dorian"),
        sevenths=0.8,
        swing=(0.0, 0.08),
        grooves=("soul", "ballad", "funk"),
        bass=(("bass", "bass rhythm"), ("bass", "bass funk")),
        parts=(
            ("electric piano", "halves"),
            ("organ", "sustained"),
            ("brass", "stabs"),
            ("reeds", "sustained"),
            *_STRINGS,
        ),
        leads=0.5,
    ),
    "dance": Style(
        tempo=(118, 132),
        modes=("minor", "minor", "major", "dorian"),
        sevenths=0.3,
        grooves=("four on the floor", "house"),
        kits=("machine", "machine", "electronic", "808"),
        bass=(("synth bass", "bass octaves"), ("synth bass", "bass funk"), ("synth bass", "bass eighths")),
        parts=(*_SYNTHS, *_SYNTHS, ("piano", "stabs"), ("strings", "sustained"), ("organ", "stabs")),
        n_parts=(2, 4),
        pumping=0.7,
    ),
    "disco": Style(
        tempo=(108, 126),
        modes=("minor", "major", "dorian"),
        sevenths=0.6,
        grooves=("disco",),
        kits=("standard", "electronic"),
        bass=(("bass", "bass octaves"), ("bass", "bass funk")),
        parts=(
            ("electric guitar", "chops"),
            ("strings", "sustained"),
            ("electric piano", "quarters"),
            ("brass", "stabs"),
        ),
        n_parts=(2, 4),
    ),
    "hip hop": Style(
        tempo=(78, 102),
        modes=("minor", "dorian"),
        sevenths=0.5,
        swing=(0.0, 0.06, 0.1),
        grooves=("hip hop", "half time", "funk"),
        kits=("machine", "808", "electronic", "standard"),
        bass=(("synth bass", "bass rhythm"), ("upright bass", "bass rhythm"), ("synth bass", "bass long")),
        parts=(
            ("electric piano", "halves"),
            ("piano", "picked"),
            ("strings", "stabs"),
            ("mallets", "riff"),
            *_SYNTHS,
        ),
        n_parts=(1, 3),
        paces=("fast", "medium"),
        rap=0.75,
    ),
    "trap": Style(
        tempo=(126, 156),
        modes=("minor", "harmonic minor"),
        grooves=("trap",),
        kits=("machine", "machine", "808"),
        bass=(("synth bass", "bass long"), ("synth bass", "bass rhythm")),
        parts=(("mallets", "picked"), ("pad", "sustained"), ("piano", "picked"), ("plucked", "picked"), *_SYNTHS),
        n_parts=(1, 3),
        leads=0.3,
        paces=("slow", "medium"),
        rap=0.5,
    ),
    "reggae": Style(
        tempo=(70, 96),
        modes=("minor", "major", "dorian"),
        sevenths=0.3,
        swing=(0.0, 0.06),
        grooves=("one drop", "steppers"),
        bass=(("bass", "bass rhythm"),),
        parts=(("electric guitar", "offbeats"), ("organ", "offbeats"), ("piano", "offbeats"), ("brass", "stabs")),
    ),
    "country": Style(
        tempo=(88, 132),
        modes=("major", "major", "mixolydian"),
        sevenths=0.1,
        swing=(0.0, 0.1),
        grooves=("train", "rock", "brushes"),
        kits=("standard", "brush"),
        bass=(("bass", "bass root and fifth"), ("upright bass", "bass root and fifth")),
        parts=(
            ("steel guitar", "strummed"),
            ("plucked", "picked"),
            ("electric guitar", "picked"),
            ("piano", "quarters"),
        ),
    ),
    "folk": Style(
        tempo=(72, 120),
        modes=("major", "minor", "dorian", "mixolydian"),
        sevenths=0.1,
        grooves=("shaker", "tribal", "shaker"),
        kits=("standard",),
        bass=(("upright bass", "bass root and fifth"), ("upright bass", "bass long")),
        parts=(*_STRUMS, *_STRUMS, ("accordion", "sustained"), ("plucked", "picked"), ("strings", "sustained")),
        n_parts=(1, 2),
        leads=0.5,
    ),
    "jazz": Style(
        tempo=(84, 176),
        modes=("major", "dorian", "minor"),
        sevenths=1.0,
        swing=(0.14, 0.16),
        grooves=("swing", "brushes"),
        kits=("jazz", "brush"),
        bass=(("upright bass", "bass walking"),),
        parts=(
            ("piano", "stabs"),
            ("electric guitar", "stabs"),
            ("mallets", "stabs"),
            ("brass", "stabs"),
            ("organ", "halves"),
        ),
        n_parts=(1, 2),
        leads=0.6,
        paces=("medium", "fast"),
    ),
    "bossa": Style(
        tempo=(104, 148),
        modes=("major", "minor"),
        sevenths=1.0,
        grooves=("bossa", "latin"),
        kits=("standard", "jazz"),
        bass=(("upright bass", "bass root and fifth"), ("bass", "bass rhythm")),
        parts=(("nylon guitar", "stabs"), ("piano", "stabs"), ("strings", "sustained"), ("reeds", "sustained")),
        leads=0.5,
    ),
    "blues": Style(
        tempo=(64, 128),
        modes=("blues",),
        sevenths=1.0,
        swing=(0.14, 0.16),
        grooves=("rock", "soul", "half time"),
        bass=(("bass", "bass walking"), ("bass", "bass eighths")),
        parts=(
            ("electric guitar", "stabs"),
            ("organ", "sustained"),
            ("piano", "eighths"),
            ("distorted guitar", "riff"),
        ),
        leads=0.6,
    ),
    "synthwave": Style(
        tempo=(80, 118),
        modes=("minor", "dorian", "major"),
        grooves=("pop", "four on the floor", "half time"),
        kits=("machine", "electronic"),
        bass=(("synth bass", "bass eighths"), ("synth bass", "bass octaves")),
        parts=(*_SYNTHS, ("mallets", "arpeggio"), ("electric guitar", "riff")),
        n_parts=(2, 4),
        leads=0.5,
        pumping=0.4,
    ),
    "orchestral": Style(
        tempo=(60, 110),
        modes=("minor", "major", "harmonic minor"),
        sevenths=0.3,
        grooves=("tribal", "half time"),
        kits=("orchestra", "room"),
        bass=(("upright bass", "bass long"), ("upright bass", "bass root and fifth")),
        parts=(
            *_STRINGS,
            ("pizzicato", "eighths"),
            ("brass", "sustained"),
            ("reeds", "sustained"),
            ("piano", "picked"),
        ),
        n_parts=(2, 4),
        leads=0.6,
        paces=("slow", "medium"),
    ),
    "unplugged": Style(
        tempo=(62, 116),
        modes=("major", "minor"),
        sevenths=0.3,
        grooves=(),
        kits=("standard",),
        bass=(("upright bass", "bass long"),),
        parts=(*_STRUMS, *_PIANO, ("electric guitar", "picked")),
        n_parts=(1, 1),
        leads=0.2,
        paces=("slow", "medium", "fast"),
    ),
}
