"""Who sings what: the lead, doubles, harmonies, choirs and ad-libs of a song."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from numpy.random import Generator

from vocalsep.synthesis.composition.form import Form, Section
from vocalsep.synthesis.composition.melody import Pace, Range, draw_melody, harmonised
from vocalsep.synthesis.composition.notes import Note
from vocalsep.synthesis.composition.styles import Style
from vocalsep.synthesis.draw import chance, pick, uniform, weighted
from vocalsep.synthesis.mixing.channel import Strip, draw_vocal_strip
from vocalsep.synthesis.singing.phrase import Delivery, Phrase
from vocalsep.synthesis.singing.singer import Singer, another_throat, draw_singer
from vocalsep.synthesis.singing.speech import Speaker

Role = Literal["lead", "second lead", "double", "harmony", "choir", "ad-lib"]

_HARMONY_STEPS = (2, 2, 4, -2, -3, 5, 7, -7, -5)
_CHOIR_VOICES = ((-12, -5), (-5, 2), (2, 8), (8, 14))  # semitones from the middle of the lead's range
_LOWEST_PITCH, _HIGHEST_PITCH = 36, 84
_MELISMA_CHANCE = 0.12
_WIDE_CHANCE = 0.12
_SYLLABLES = 10_000  # more than any recording has; they are counted around


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one singer sings in a song.

    Attributes:
        role: role of the line.
        singer: index into `VocalPlan.singers`.
        position: position in the stereo field, -1 to 1.
        level_db: level in dB, relative to the lead.
        copies: how many sing it together; those beyond the first are made of the first.
        phrases: the phrases, in order. Syllables count around the end of the singer's recording.
    """

    role: Role
    singer: int
    position: float
    level_db: float
    copies: int
    phrases: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VocalPlan:
    """All singing of a song; without singers it is instrumental.

    Attributes:
        singers: who sings.
        lines: what.
        strip: settings of the bus that all lines are on.
        over_band_db: level of the vocals from that of the band, both where they are active.
    """

    singers: tuple[Singer, ...]
    lines: tuple[Line, ...]
    strip: Strip
    over_band_db: float

    @property
    def lead_notes(self) -> list[Note]:
        """What the lead sings."""
        return [
            note for line in self.lines if line.role == "lead" for phrase in line.phrases for note in phrase.notes
        ]


def draw_vocals(rng: Generator, form: Form, style: Style, cast: Sequence[Speaker]) -> VocalPlan:
    """Draw the singers of a song and all they sing."""
    singers: list[Singer] = []
    lines: list[Line] = []
    if any(section.has_voice for section in form.sections):
        lead = draw_singer(rng, tuple(cast))
        singers.append(lead)
        leads = _lead_lines(rng, form, style, singers, tuple(cast))
        lines += leads
        lines += _doubles(rng, leads)
        lines += _harmonies(rng, form, leads[0], singers)
        if chance(rng, 0.22):
            lines += _choir(rng, form, singers)
        if chance(rng, 0.4):
            lines.append(_ad_libs(rng, form, singers))
    return VocalPlan(
        singers=tuple(singers),
        lines=tuple(line for line in lines if line.phrases),
        strip=draw_vocal_strip(rng, form.beat_seconds),
        over_band_db=round(float(min(max(rng.normal(-1, 2.5), -6), 4)), 2),
    )


def _lead_lines(
    rng: Generator, form: Form, style: Style, singers: list[Singer], cast: tuple[Speaker, ...]
) -> list[Line]:
    """The lead, and in some songs a second singer who takes every other section."""
    duet = chance(rng, 0.22)
    if duet:
        singers.append(draw_singer(rng, cast))
    delivery: Delivery = "rapped" if chance(rng, style.rap) else "sung"
    sung = [section for section in form.sections if section.has_voice]
    phrases: dict[int, list[Phrase]] = {0: [], 1: []}
    first_syllable = {kind: int(rng.integers(_SYLLABLES)) for kind in ("verse", "chorus")}
    for number, section in enumerate(sung):
        who = number % 2 if duet else 0
        how: Delivery = delivery if section.kind == "verse" else "sung"
        how = "spoken" if how == "sung" and chance(rng, 0.03) else how
        syllable = first_syllable[section.kind] if section.kind == "chorus" else int(rng.integers(_SYLLABLES))
        phrases[who] += _phrases(rng, form, style, section, singers[who], how, syllable)
    lead = Line(
        role="lead", singer=0, position=_near_middle(rng), level_db=0.0, copies=1, phrases=tuple(phrases[0])
    )
    second = replace(lead, role="second lead", singer=1, position=_near_middle(rng), phrases=tuple(phrases[1]))
    return [lead, second] if duet else [lead]


def _near_middle(rng: Generator) -> float:
    return uniform(rng, -0.5, 0.5) if chance(rng, 0.2) else 0.0


def _phrases(
    rng: Generator, form: Form, style: Style, section: Section, singer: Singer, delivery: Delivery, syllable: int
) -> Iterator[Phrase]:
    """A section as the singer delivers it; choruses lie higher and are louder."""
    chorus = section.kind == "chorus"
    span = Range(centre=singer.centre + (2.0 if chorus else -1.0), reach=singer.reach)
    pace: Pace = pick(rng, style.paces)
    if delivery == "rapped":
        span, pace = Range(centre=singer.centre - 4, reach=2), "rap"
    for notes in draw_melody(rng, form, section, span, pace, rest=0.1):
        syllables = []
        for number, note in enumerate(notes):
            tied = number and note.end - note.start > 0.2 and chance(rng, _MELISMA_CHANCE) and delivery == "sung"
            syllable += 0 if tied else 1
            syllables.append(syllable)
        yield Phrase(
            delivery=delivery,
            notes=notes,
            syllables=tuple(syllables),
            strength_db=uniform(rng, -2, 2) + (2.0 if chorus else 0.0),
            breath=chance(rng, singer.breaths),
        )


def _doubles(rng: Generator, leads: Sequence[Line]) -> Iterator[Line]:
    """The lead sung again, to one or both sides: hardly ever all of it."""
    for lead in leads:
        n_doubles = weighted(rng, {0: 0.5, 1: 0.25, 2: 0.25})
        where = uniform(rng, 0.2, 1)
        everywhere = chance(rng, 0.25)
        if wide := chance(rng, _WIDE_CHANCE):  # a pair at the far sides, nearly as loud as the lead
            n_doubles, where, everywhere = 2, uniform(rng, 0.85, 1), True
        for number in range(n_doubles):
            phrases = [each for each in lead.phrases if everywhere or each.strength_db > 1]
            yield Line(
                role="double",
                singer=lead.singer,
                position=where * (-1) ** number if n_doubles > 1 else uniform(rng, -0.3, 0.3),
                level_db=uniform(rng, -5, 0) if wide else uniform(rng, -12, -3),
                copies=1,
                phrases=tuple(_again(rng, phrase, phrase.notes) for phrase in phrases),
            )


def _harmonies(rng: Generator, form: Form, lead: Line, singers: list[Singer]) -> Iterator[Line]:
    """One to three lines that move with the lead, in thirds, sixths and the like."""
    n_lines = weighted(rng, {0: 0.5, 1: 0.2, 2: 0.2, 3: 0.1})
    phrases = [phrase for phrase in lead.phrases if phrase.delivery == "sung" and phrase.strength_db > 0.5]
    for number in range(n_lines):
        singer = lead.singer
        if chance(rng, 0.7):
            singer = len(singers)
            singers.append(another_throat(rng, singers[lead.singer]))
        steps = pick(rng, _HARMONY_STEPS)
        yield Line(
            role="harmony",
            singer=singer,
            position=uniform(rng, 0.2, 0.9) * (-1) ** number,
            level_db=uniform(rng, -10, -3),
            copies=pick(rng, (1, 1, 2)),
            phrases=tuple(_again(rng, each, _in_voice(harmonised(form, each.notes, steps))) for each in phrases),
        )


def _in_voice(notes: Sequence[Note]) -> tuple[Note, ...]:
    """The notes, moved by an octave if no voice goes as high or as low."""
    pitches = [note.pitch for note in notes]
    octave = 12 * ((min(pitches) < _LOWEST_PITCH) - (max(pitches) > _HIGHEST_PITCH))
    return tuple(replace(note, pitch=note.pitch + octave) for note in notes)


def _choir(rng: Generator, form: Form, singers: list[Singer]) -> Iterator[Line]:
    """Chords on one vowel, in some sections, by voices from low to high that are several each."""
    sections = [section for section in form.sections if section.kind == "chorus" or chance(rng, 0.15)]
    vowel = int(rng.integers(_SYLLABLES))
    level_db, copies = uniform(rng, -12, -4), pick(rng, (2, 3, 4))
    centre = min(singers[0].centre, _HIGHEST_PITCH - _CHOIR_VOICES[-1][1])
    for number in range(pick(rng, (2, 3, 4))):
        singer = another_throat(rng, singers[0])
        singers.append(replace(singer, vibrato_cents=min(singer.vibrato_cents, 35.0), breaths=0.0))
        low, high = _CHOIR_VOICES[number]
        phrases = []
        for section in sections:
            notes = _held_chords(form, section, centre + low, centre + high)
            phrases.append(Phrase(delivery="sung", notes=notes, syllables=(vowel,) * len(notes), strength_db=-1.0))
        yield Line(
            role="choir",
            singer=len(singers) - 1,
            position=uniform(rng, -0.8, 0.8),
            level_db=level_db,
            copies=copies,
            phrases=tuple(phrases),
        )


def _held_chords(form: Form, section: Section, low: float, high: float) -> tuple[Note, ...]:
    """One tone of each bar's chord between two pitches, nearest to the one before."""
    notes: list[Note] = []
    for bar in range(section.n_bars):
        start = (section.first_bar + bar) * form.bar_seconds
        near = notes[-1].pitch if notes else (low + high) / 2
        tones = [tone + octave for tone in section.chords[bar].near(round(low)) for octave in (0, 12)]
        pitch = min(tones, key=lambda tone: abs(tone - near) + 10 * (tone > high))
        notes.append(Note(start=round(start, 4), end=round(start + form.bar_seconds, 4), pitch=float(pitch)))
    return tuple(notes)


def _ad_libs(rng: Generator, form: Form, singers: list[Singer]) -> Line:
    """Short calls: over the lead, in the gaps, now and then in a break."""
    who = 0
    if chance(rng, 0.5):
        who = len(singers)
        singers.append(another_throat(rng, singers[0]))
    span = Range(centre=singers[who].centre + uniform(rng, 0, 5), reach=5)
    phrases = []
    for section in form.sections:
        if not section.has_voice and chance(rng, 0.8):
            continue
        for notes in draw_melody(rng, form, section, span, pick(rng, ("medium", "fast")), rest=0.5):
            if chance(rng, 0.35):
                short = notes[-pick(rng, (1, 2, 3, 4)) :]
                syllable = int(rng.integers(_SYLLABLES))
                how: Delivery = "spoken" if chance(rng, 0.2) else "sung"
                phrases.append(
                    Phrase(delivery=how, notes=short, syllables=tuple(range(syllable, syllable + len(short))))
                )
    return Line(
        role="ad-lib",
        singer=who,
        position=uniform(rng, -0.8, 0.8),
        level_db=uniform(rng, -8, -1),
        copies=1,
        phrases=tuple(phrases),
    )


def _again(rng: Generator, phrase: Phrase, notes: Sequence[Note]) -> Phrase:
    """The phrase on other notes, which nobody sings at quite the same time twice."""
    late = rng.normal(0.008, 0.012)
    moved = []
    for note in notes:
        start = max(note.start + late + rng.normal(0, 0.006), 0)
        end = max(note.end + late + rng.normal(0, 0.006), start + 0.05)
        moved.append(replace(note, start=round(start, 4), end=round(end, 4)))
    return replace(phrase, notes=tuple(moved), breath=False, strength_db=phrase.strength_db - 1)
