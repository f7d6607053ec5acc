"""Virtual singers: a speaker's voice, and all that makes another singer of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from numpy.random import Generator

from vocalsep.synthesis.draw import chance, log_uniform, pick, uniform, weighted
from vocalsep.synthesis.singing.recording import N_TAKES
from vocalsep.synthesis.singing.speech import Speaker

Manner = Literal["clear", "soft", "breathy", "belt", "rasp", "harsh", "falsetto", "whisper", "tuned"]

_MANNERS: dict[Manner, float] = {
    "clear": 4,
    "soft": 1.5,
    "breathy": 1.5,
    "belt": 2,
    "rasp": 1.5,
    "harsh": 0.8,
    "falsetto": 1,
    "whisper": 0.4,
    "tuned": 0.8,
}
_NATURAL_SHARE = 0.6
_RECORDED_SHARE = 0.5
_HIGHEST_CENTRE = 73.0
_SHORTEST_THROAT, _LONGEST_THROAT = 1.26, 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Singer:
    """A virtual singer; `voice.Voice` is what it sounds like.

    Attributes:
        speaker: the speaker whose speech the singer sings with.
        take: which recording of the speaker.
        manner: how the voice is used; it set the other numbers.
        throat: factor by which the frequency of the first formant is multiplied.
        mouth: factor by which the frequencies of the formants from 3.5 kHz on are multiplied.
        centre: MIDI pitch that lies best.
        reach: semitones that are sung up and down from there.
        slope_db: decibels by which the long-term spectrum falls per octave above 500 Hz.
        shaping: how far it is brought to that slope, 0 to 1.
        colours: bumps of the spectrum: Hz, octaves to either side, dB.
        ring_db: level of the singer's formant near 3 kHz.
        breath_db: added to the noise of the voice at 3 kHz.
        harmonic_top_hz: above it the voice is noise.
        sibilance_db: added to consonants without voice.
        voiced_fall_db: fall per octave, where there is voice, above the frequencies that the recording holds.
        unvoiced_fall_db: fall per octave, where there is no voice, above the frequencies that the recording holds.
        rasp: depth of the subharmonic, 0 to 1.
        vibrato_hz: rate.
        vibrato_cents: depth to either side.
        vibrato_delay_seconds: time from the start of a note to its vibrato.
        glide_hz: how fast the pitch goes to a new note: of the resonance that it follows.
        overshoot: damping of that resonance; below 1 it goes beyond the note.
        scoop_chance: probability that a note begins from below.
        jitter_cents: fast deviations of the pitch.
        drift_cents: slow ones.
        breaths: share of the phrases with an audible breath before them.
    """

    speaker: Speaker
    take: int
    manner: Manner
    throat: float
    mouth: float
    centre: float
    reach: float
    slope_db: float
    shaping: float
    colours: tuple[tuple[float, float, float], ...]
    ring_db: float
    breath_db: float
    harmonic_top_hz: float
    sibilance_db: float
    voiced_fall_db: float
    unvoiced_fall_db: float
    rasp: float
    vibrato_hz: float
    vibrato_cents: float
    vibrato_delay_seconds: float
    glide_hz: float
    overshoot: float
    scoop_chance: float
    jitter_cents: float
    drift_cents: float
    breaths: float

    @property
    def recording(self) -> str:
        """Name of the recording that it sings with."""
        return f"{self.speaker.name}-{self.take}"


def draw_singer(rng: Generator, cast: tuple[Speaker, ...]) -> Singer:
    """Make up a singer with the voice of one of ``cast``; human ones are taken more often."""
    recorded = [speaker for speaker in cast if speaker.is_recording]
    natural = [speaker for speaker in cast if speaker.is_natural and not speaker.is_recording]
    formant = [speaker for speaker in cast if not speaker.is_natural]
    if recorded and chance(rng, _RECORDED_SHARE):
        speaker = pick(rng, recorded)
    else:
        speaker = pick(rng, natural if not formant or (natural and chance(rng, _NATURAL_SHARE)) else formant)
    throat = log_uniform(rng, _LONGEST_THROAT, _SHORTEST_THROAT)
    manner = weighted(rng, _MANNERS)
    singer = Singer(
        speaker=speaker,
        take=int(rng.integers(N_TAKES)) if speaker.is_natural and not speaker.is_recording else 0,
        manner=manner,
        throat=throat,
        mouth=round(throat * uniform(rng, 0.92, 1.08), 4),
        centre=_draw_centre(rng, speaker, throat),
        reach=uniform(rng, 5, 9),
        slope_db=uniform(rng, 4.5, 8.5),
        shaping=uniform(rng, 0.4, 1),
        colours=tuple(
            (log_uniform(rng, 250, 9000), uniform(rng, 0.15, 0.5), uniform(rng, -6, 6))
            for _ in range(rng.integers(2, 6))
        ),
        ring_db=uniform(rng, 0, 8) if chance(rng, 0.5) else 0.0,
        breath_db=uniform(rng, -6, 2),
        harmonic_top_hz=log_uniform(rng, 6000, 16000),
        sibilance_db=uniform(rng, -5, 5),
        voiced_fall_db=uniform(rng, 7, 15),
        unvoiced_fall_db=uniform(rng, 2, 8),
        rasp=0.0,
        vibrato_hz=uniform(rng, 4.6, 6.8),
        vibrato_cents=uniform(rng, 5, 25) if chance(rng, 0.4) else uniform(rng, 20, 90),
        vibrato_delay_seconds=uniform(rng, 0.1, 0.5),
        glide_hz=log_uniform(rng, 4, 12),
        overshoot=uniform(rng, 0.55, 0.95),
        scoop_chance=uniform(rng, 0, 0.35),
        jitter_cents=uniform(rng, 3, 12),
        drift_cents=uniform(rng, 6, 22),
        breaths=uniform(rng, 0, 0.8),
    )
    return _in_manner(rng, singer)


def another_throat(rng: Generator, singer: Singer) -> Singer:
    """A singer with the same recording and another throat and habits: for harmonies and choirs."""
    change = log_uniform(
        rng, max(0.87, _LONGEST_THROAT / singer.throat), min(1.15, _SHORTEST_THROAT / singer.throat)
    )
    return replace(
        singer,
        throat=round(singer.throat * change, 4),
        mouth=round(singer.mouth * change * uniform(rng, 0.96, 1.04), 4),
        slope_db=singer.slope_db + uniform(rng, -0.5, 1.5),
        breath_db=singer.breath_db + uniform(rng, -1, 4),
        rasp=0.0,
        vibrato_hz=uniform(rng, 4.6, 6.8),
        vibrato_cents=singer.vibrato_cents * uniform(rng, 0.4, 1),
        glide_hz=log_uniform(rng, 4, 12),
        scoop_chance=singer.scoop_chance / 2,
    )


def _draw_centre(rng: Generator, speaker: Speaker, throat: float) -> float:
    """High for a short throat; a speech synthesiser's name tells nothing, so now and then it is the other way."""
    is_female = speaker.voice.startswith(("slt", "cmu_us_slt", "cmu_us_clb")) or "+f" in speaker.voice
    shortness = math.log(throat) + (0.09 if is_female else -0.06)
    if (shortness > 0) != chance(rng, 0.12):
        return uniform(rng, 57, 69)
    return uniform(rng, 48, 62)


def _in_manner(rng: Generator, singer: Singer) -> Singer:
    if singer.manner == "soft":
        return replace(singer, slope_db=singer.slope_db + 2, ring_db=0.0, breath_db=singer.breath_db + 3)
    if singer.manner == "breathy":
        return replace(
            singer, breath_db=singer.breath_db + uniform(rng, 5, 10), breaths=0.8, harmonic_top_hz=5000.0
        )
    if singer.manner == "belt":
        return replace(
            singer, slope_db=singer.slope_db - 2, ring_db=uniform(rng, 3, 9), breath_db=singer.breath_db - 4
        )
    if singer.manner == "rasp":
        return replace(singer, rasp=uniform(rng, 0.15, 0.7), jitter_cents=uniform(rng, 12, 30))
    if singer.manner == "harsh":  # as in metal and punk: rough, noisy, bright
        rough = replace(singer, rasp=uniform(rng, 0.6, 1), jitter_cents=uniform(rng, 25, 60), vibrato_cents=0.0)
        return replace(
            rough,
            slope_db=singer.slope_db - 2.5,
            breath_db=singer.breath_db + uniform(rng, 4, 14),
            harmonic_top_hz=log_uniform(rng, 3500, 9000),
        )
    if singer.manner == "tuned":  # by a machine, so that one hears it
        exact = replace(singer, vibrato_cents=0.0, scoop_chance=0.0, jitter_cents=1.0, drift_cents=1.0)
        return replace(exact, glide_hz=40.0)
    if singer.manner == "falsetto":
        centre = min(singer.centre + 7, _HIGHEST_CENTRE)
        soft = replace(singer, slope_db=singer.slope_db + 3, breath_db=singer.breath_db + 5, ring_db=0.0)
        return replace(soft, centre=centre)
    return singer
