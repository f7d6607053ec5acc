"""A channel of the mixing desk: what is done to a sound before it meets the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from vocalsep.synthesis.composition.instruments import BASS, DRUMS, GUITAR, KEYS, LEAD, ORCHESTRA
from vocalsep.synthesis.draw import chance, pick, uniform
from vocalsep.synthesis.mixing.chorus import chorus
from vocalsep.synthesis.mixing.dynamics import Compressor, compression_gain, draw_compressor
from vocalsep.synthesis.mixing.echo import Echo, draw_echo, echoes
from vocalsep.synthesis.mixing.equaliser import Band, draw_tone, equalise
from vocalsep.synthesis.mixing.panorama import placed
from vocalsep.synthesis.waveform import RATE, Samples, active_rms, gain_of

_REFERENCE_RMS = 0.1
_DRIVE_CHANCE = {DRUMS: 0.25, BASS: 0.3, GUITAR: 0.2, KEYS: 0.15, ORCHESTRA: 0.05, LEAD: 0.2}
_LEVELS_DB = {DRUMS: 0.0, BASS: -1.0, GUITAR: -4.0, KEYS: -4.5, ORCHESTRA: -5.0, LEAD: -2.0}
_DISTORTED_DB = 2.5  # louder than clean ones
_CABINET = (Band(kind="high pass", hz=90), Band(kind="low pass", hz=4500), Band(kind="low pass", hz=6500))


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Settings of a channel, in the order they are applied.

    Attributes:
        drive_db: gain into a saturation; None leaves it out.
        cabinet: whether a guitar loudspeaker follows.
        tone: the equaliser.
        compressor: the compressor; None leaves it out.
        chorus_hz: rate of a chorus; 0 leaves it out.
        tremolo_hz: rate of a tremolo; 0 leaves it out.
        echo: the echo; None leaves it out.
        position: position in the stereo field, -1 to 1.
        width: width of the stereo field; 0 is mono.
        level_db: active level, from that of the drums.
        room_db: level of the reverb, from that of the sound; None is dry.
    """

    drive_db: float | None = None
    cabinet: bool = False
    tone: tuple[Band, ...] = ()
    compressor: Compressor | None = None
    chorus_hz: float = 0.0
    tremolo_hz: float = 0.0
    echo: Echo | None = None
    position: float = 0.0
    width: float = 1.0
    level_db: float = 0.0
    room_db: float | None = None


def draw_strip(rng: Generator, stem: str, beat_seconds: float, *, distorted: bool = False) -> Strip:
    """Settings as they suit an instrument of a stem."""
    in_middle = stem in (BASS, DRUMS) or chance(rng, 0.25)
    moving = stem in (GUITAR, KEYS, LEAD)
    drive_db = uniform(rng, 3, 15) if chance(rng, _DRIVE_CHANCE[stem]) else None
    if distorted and chance(rng, 0.7):
        drive_db = uniform(rng, 12, 36)
    return Strip(
        drive_db=drive_db,
        cabinet=distorted and drive_db is not None,
        tone=draw_tone(rng, None if stem in (BASS, DRUMS) else (50, 280), 6),
        compressor=draw_compressor(rng) if chance(rng, 0.45) else None,
        chorus_hz=uniform(rng, 0.2, 1.5) if moving and chance(rng, 0.15) else 0.0,
        tremolo_hz=uniform(rng, 3, 8) if moving and chance(rng, 0.06) else 0.0,
        echo=draw_echo(rng, beat_seconds) if stem not in (BASS, DRUMS) and chance(rng, 0.2) else None,
        position=0.0 if in_middle else uniform(rng, -0.8, 0.8),
        width=uniform(rng, 0, 0.3) if stem == BASS else uniform(rng, 0.1, 1.7),
        level_db=_LEVELS_DB[stem] + uniform(rng, -4, 4) + (_DISTORTED_DB if distorted else 0.0),
        room_db=None if stem == BASS or chance(rng, 0.2) else uniform(rng, -26, -8),
    )


def draw_vocal_strip(rng: Generator, beat_seconds: float) -> Strip:
    """Settings for the vocals; now and then they come through a telephone, or a tired tape."""
    tone = draw_tone(rng, (50, 160), 6)
    if chance(rng, 0.04):
        tone += (
            Band(kind="high pass", hz=uniform(rng, 250, 500)),
            Band(kind="low pass", hz=uniform(rng, 2800, 5000)),
        )
    elif chance(rng, 0.1):
        tone += (Band(kind="low pass", hz=uniform(rng, 6000, 12_000)),)
    return Strip(
        drive_db=uniform(rng, 2, 14) if chance(rng, 0.2) else None,
        tone=tone,
        compressor=draw_compressor(rng) if chance(rng, 0.85) else None,
        chorus_hz=uniform(rng, 0.3, 1.2) if chance(rng, 0.05) else 0.0,
        echo=draw_echo(rng, beat_seconds) if chance(rng, 0.35) else None,
        room_db=pick(rng, (None, uniform(rng, -26, -16), uniform(rng, -18, -6))),
    )


def through_strip(samples: Samples, strip: Strip) -> Samples:
    """Apply all of a strip but the reverb, which many sounds share; the result has its level, echoes included."""
    rms = active_rms(samples)
    if rms == 0:
        return samples
    sound: Samples = samples * np.float32(_REFERENCE_RMS / rms)
    if strip.drive_db is not None:
        sound = _saturated(sound, strip.drive_db)
    sound = equalise(sound, (*_CABINET, *strip.tone) if strip.cabinet else strip.tone)
    if strip.compressor:
        sound = sound * compression_gain(sound, strip.compressor)
    if strip.chorus_hz:
        sound = chorus(sound, strip.chorus_hz, 0.003, 0.7, 0.0)
    if strip.tremolo_hz:
        time = np.arange(sound.shape[1]) / RATE
        sound = sound * (1 - 0.35 * (1 + np.sin(2 * np.pi * strip.tremolo_hz * time))).astype(np.float32)
    if strip.echo:
        sound = sound + echoes(sound, strip.echo)
    sound = placed(sound, strip.position, strip.width)
    sound *= np.float32(_REFERENCE_RMS * gain_of(strip.level_db) / max(active_rms(sound), 1e-9))
    return sound


def _saturated(samples: Samples, drive_db: float) -> Samples:
    """A soft clipper with a little of even harmonics, at the level it came with."""
    drive, bias = np.float32(gain_of(drive_db)), np.float32(0.15)
    driven: Samples = np.tanh(drive * samples / np.float32(3 * _REFERENCE_RMS) + bias) - np.tanh(bias)
    driven *= np.float32(active_rms(samples) / max(active_rms(driven), 1e-9))
    return driven
