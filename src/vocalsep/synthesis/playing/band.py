"""The band of a song: who plays what on which instrument, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from numpy.random import Generator

from vocalsep.synthesis.composition.drum_patterns import DrumPart, draw_drum_part
from vocalsep.synthesis.composition.form import Form, SectionKind
from vocalsep.synthesis.composition.instruments import (
    DRUMS,
    INSTRUMENTS,
    KITS,
    LEAD,
    LEADS,
    SYNTHETIC_LEAD_CHANCE,
    Instrument,
)
from vocalsep.synthesis.composition.styles import Style
from vocalsep.synthesis.draw import chance, pick, uniform, weighted
from vocalsep.synthesis.mixing.channel import Strip, draw_strip
from vocalsep.synthesis.playing.synthesiser import Patch, draw_patch
from vocalsep.synthesis.programs import Soundfont

Melody = Literal["own melody", "the singer's melody"]

_MACHINE = "machine"
_DISTORTED = (29, 30)
_BASS_CHANCE = 0.94


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one instrument does in a song.

    Attributes:
        instrument: its name, for people.
        stem: the file it goes to.
        program: program of General MIDI, counted from 0; for drums the kit.
        soundfont: file name; None where our own synthesiser or drum machine plays.
        patch: patch of the synthesiser.
        pattern: pattern of `chord_patterns.PATTERNS`, or a `Melody`; empty for drums.
        drums: how drums are played.
        lowest: MIDI pitch from which on chords are laid; for melodies the middle of the range.
        sections: kinds of section that it plays in.
        strip: how it is mixed.
        ducking_db: how far each kick drum pushes it down; 0 is not.
    """

    instrument: str
    stem: str
    program: int
    soundfont: str | None
    patch: Patch | None = None
    pattern: str = ""
    drums: DrumPart | None = None
    lowest: int = 0
    sections: tuple[SectionKind, ...]
    strip: Strip
    ducking_db: float = 0.0


def draw_band(rng: Generator, form: Form, style: Style, soundfonts: Sequence[Soundfont]) -> tuple[Part, ...]:
    """Draw the instruments of a song; there is always one that plays from start to end."""
    fonts = {soundfont.path.name: soundfont.weight for soundfont in soundfonts}
    main = {weighted(rng, fonts): 1.0}
    fonts = fonts if chance(rng, 0.3) else main
    ducking_db = uniform(rng, 3, 14) if chance(rng, style.pumping) else 0.0
    parts = []
    if style.grooves and chance(rng, 0.96):
        parts.append(_drums(rng, form, style, fonts))
    if chance(rng, _BASS_CHANCE if style.grooves else 0.3):
        parts.append(_chords(rng, form, *pick(rng, style.bass), fonts, ducking_db, always=chance(rng, 0.5)))
    fewest, most = style.n_parts
    parts += [
        _chords(rng, form, *pick(rng, style.parts), fonts, ducking_db, always=number == 0)
        for number in range(int(rng.integers(fewest, most + 1)))
    ]
    parts += [_lead(rng, form, fonts) for _ in range(2) if chance(rng, style.leads)]
    return tuple(parts)


def _drums(rng: Generator, form: Form, style: Style, fonts: dict[str, float]) -> Part:
    kit = pick(rng, style.kits)
    machine = kit == _MACHINE
    return Part(
        instrument="drum machine" if machine else f"{kit} drums",
        stem=DRUMS,
        program=0 if machine else KITS[kit],
        soundfont=None if machine else weighted(rng, fonts),
        drums=draw_drum_part(rng, style.grooves, machine=machine),
        sections=_sections(rng, form, always=False),
        strip=draw_strip(rng, DRUMS, form.beat_seconds),
    )


def _chords(
    rng: Generator,
    form: Form,
    name: str,
    pattern: str,
    fonts: dict[str, float],
    ducking_db: float,
    *,
    always: bool,
) -> Part:
    """Chords, or the bass under them."""
    instrument = INSTRUMENTS[name]
    patch = draw_patch(rng, lead=False) if chance(rng, instrument.synthetic) else None
    program = pick(rng, instrument.programs)
    return Part(
        instrument=name,
        stem=instrument.stem,
        program=program,
        soundfont=None if patch else weighted(rng, fonts),
        patch=patch,
        pattern=pattern,
        lowest=pick(rng, instrument.lowest),
        sections=_sections(rng, form, always=always),
        strip=_strip(rng, form, instrument, program),
        ducking_db=ducking_db,
    )


def _lead(rng: Generator, form: Form, fonts: dict[str, float]) -> Part:
    """An instrument that plays as a singer sings, between the singing and against it."""
    program = pick(rng, LEADS)
    patch = draw_patch(rng, lead=True) if chance(rng, SYNTHETIC_LEAD_CHANCE) else None
    melody: Melody = "the singer's melody" if chance(rng, 0.25) else "own melody"
    alone: tuple[SectionKind, ...] = ("intro", "break", "outro")
    everywhere: tuple[SectionKind, ...] = (*alone, "verse", "chorus")
    against = melody == "the singer's melody" or chance(rng, 0.35)
    has_room = any(section.kind in alone for section in form.sections)
    return Part(
        instrument="lead synthesiser" if patch else "lead instrument",
        stem=LEAD,
        program=program,
        soundfont=None if patch else weighted(rng, fonts),
        patch=patch,
        pattern=melody,
        lowest=int(rng.integers(52, 77)),
        sections=alone if has_room and not against else everywhere,
        strip=draw_strip(rng, LEAD, form.beat_seconds, distorted=program in _DISTORTED and patch is None),
    )


def _strip(rng: Generator, form: Form, instrument: Instrument, program: int) -> Strip:
    return draw_strip(rng, instrument.stem, form.beat_seconds, distorted=program in _DISTORTED)


def _sections(rng: Generator, form: Form, *, always: bool) -> tuple[SectionKind, ...]:
    """Where it plays: from some energy on, so that songs grow."""
    least = 0.0 if always else pick(rng, (0.0, 0.0, 0.5, 0.5, 0.7))
    kinds = {section.kind: None for section in form.sections if section.energy >= least}
    return tuple(kinds) or (form.sections[0].kind,)
