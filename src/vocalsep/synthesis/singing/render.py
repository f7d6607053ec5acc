"""A phrase in the voice of a singer: sung, rapped or spoken."""

from __future__ import annotations

import numpy as np
import pyworld
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

from vocalsep.synthesis.draw import slow_noise
from vocalsep.synthesis.singing.intonation import sung_pitch
from vocalsep.synthesis.singing.phrase import Phrase
from vocalsep.synthesis.singing.recording import FRAME_SECONDS
from vocalsep.synthesis.singing.syllable_timing import FrameMap, spoken_map, sung_map
from vocalsep.synthesis.singing.voice import NEPER, Voice, aperiodicity
from vocalsep.synthesis.singing.voice_spectrum import BAND_HZ, N_BANDS, to_bins
from vocalsep.synthesis.waveform import RATE, Sound, gain_of, samples_of

_LOWEST_HZ, _HIGHEST_HZ = 60, 1400
_EVENNESS = 0.65  # how far the stress of speech is taken out of the syllables
_SPEECH_MELODY = 0.9


def sing(voice: Voice, phrase: Phrase, rng: Generator) -> tuple[Sound, float]:
    """Render a phrase.

    Args:
        voice: voice of the singer.
        phrase: with syllables of the voice's recording.
        rng: for all that is never the same twice.

    Returns:
        float32 ``(sample,)``, and when it begins, in seconds of the song: a little before its first note, whose
        vowel is on the beat.
    """
    frames = spoken_map(voice, phrase) if phrase.delivery == "spoken" else sung_map(voice, phrase)
    pitch, vibrato = _pitch(voice, phrase, frames, rng)
    sound = _rendered(voice, phrase, frames, pitch, vibrato, rng)
    if not phrase.breath:
        return sound, frames.first_seconds
    breath = breathe(rng)
    gap = samples_of(rng.uniform(0.02, 0.12))
    joined = np.concatenate([breath, np.zeros(gap, np.float32), sound])
    return joined, frames.first_seconds - (len(breath) + gap) / RATE


def breathe(rng: Generator) -> Sound:
    """Somebody breathing in: noise with the resonances of an open mouth, up to the top of hearing."""
    n = samples_of(rng.uniform(0.15, 0.5))
    spectrum = np.fft.rfft(rng.standard_normal(n))
    hz = np.fft.rfftfreq(n, 1 / RATE)
    shape = 1 / (1 + (rng.uniform(300, 800) / np.maximum(hz, 1)) ** 2)
    for low_hz, high_hz, width_hz in ((900, 1700, 300), (2200, 3600, 600), (5000, 8000, 2000)):
        distance = (hz - rng.uniform(low_hz, high_hz)) / width_hz
        shape += rng.uniform(1, 4) * np.exp(-0.5 * distance**2)
    shape /= 1 + (hz / rng.uniform(6000, 14000)) ** 2
    noise = np.fft.irfft(spectrum * shape, n)
    rise = np.linspace(0, 1, n) ** rng.uniform(0.6, 2)
    noise *= np.sin(np.pi * rise) ** rng.uniform(0.8, 1.5)
    level = gain_of(rng.uniform(-56, -40))
    result: Sound = (noise * (level / np.sqrt(np.mean(noise**2)))).astype(np.float32)
    return result


def _pitch(voice: Voice, phrase: Phrase, frames: FrameMap, rng: Generator) -> tuple[Sound, Sound]:
    """MIDI pitch and vibrato of each frame."""
    n = len(frames.source)
    speech = gaussian_filter1d(voice.pitch, 3)[frames.source.astype(np.intp)]
    if phrase.delivery == "sung":
        return sung_pitch(voice.singer, phrase.notes, frames.first_seconds, n, rng)
    if phrase.delivery == "rapped":
        pitch, _ = sung_pitch(voice.singer, phrase.notes, frames.first_seconds, n, rng)
    else:
        pitch = np.full(n, phrase.notes[0].pitch, np.float32)
    return pitch + _SPEECH_MELODY * speech, np.zeros(n, np.float32)


def _rendered(
    voice: Voice, phrase: Phrase, frames: FrameMap, pitch: Sound, vibrato: Sound, rng: Generator
) -> Sound:
    left = frames.source.astype(np.intp)
    share = (frames.source - left).astype(np.float32)[:, None]
    right = np.minimum(left + 1, len(voice.envelope) - 1)
    envelope = voice.envelope[left] * (1 - share) + voice.envelope[right] * share
    envelope += _dynamics(voice, phrase, frames, vibrato, rng)
    voiced = uniform_filter1d(voice.voiced[left].astype(float), 5) > 0.5
    voiced &= voice.singer.manner != "whisper"
    breath = voice.breath[left] + np.float32(2) * slow_noise(rng, len(left), 60)
    hz: Sound = np.clip(440 * 2 ** ((pitch - 69) / 12), _LOWEST_HZ, _HIGHEST_HZ).astype(np.float32)
    sound: NDArray[np.float64] = pyworld.synthesize(
        np.where(voiced, hz, 0.0).astype(np.float64),
        np.exp(to_bins(envelope).astype(np.float64)),
        aperiodicity(breath, voice.singer),
        RATE,
        1000 * FRAME_SECONDS,
    )
    if voice.singer.rasp:
        sound *= _subharmonic(voice.singer.rasp, hz, len(sound), rng)
    return _faded(sound)


def _dynamics(voice: Voice, phrase: Phrase, frames: FrameMap, vibrato: Sound, rng: Generator) -> Sound:
    """What is added to the log power ``(frame, band)``: loudness, and the brightness that goes with it."""
    n = len(frames.source)
    levels = np.array([voice.vowel_level(number) for number in phrase.syllables])
    even = _EVENNESS * (np.median(voice.vowel_levels) - levels) / NEPER
    accents = even + 6 * (np.array([note.velocity for note in phrase.notes]) - 0.8)
    middles = [((note.start + note.end) / 2 - frames.first_seconds) / FRAME_SECONDS for note in phrase.notes]
    if phrase.delivery == "spoken":
        accents = np.zeros(len(accents))
    loudness = np.interp(np.arange(n), middles, np.clip(accents, -12, 12))
    arc = np.sin(np.pi * np.linspace(0.15, 0.95, n)) * rng.uniform(0, 3)
    strength = phrase.strength_db + arc + 1.2 * slow_noise(rng, n, 50) + rng.uniform(0, 1.5) * vibrato
    shimmer = 0.4 * rng.standard_normal(n)
    brightness = np.log2(np.maximum(BAND_HZ, 500) / 1000) * 0.25
    added = (loudness + strength + shimmer)[:, None] + strength[:, None] * brightness
    # a few slow waves over the bands: no vowel is held quite still
    ripple = np.zeros((n, N_BANDS))
    for wave in range(1, 5):
        shape = np.cos(np.pi * wave * 2 * np.linspace(0, 1, N_BANDS) + rng.uniform(0, 6))
        ripple += 0.7 * slow_noise(rng, n, 40)[:, None] * shape
    added += ripple
    added[frames.silent] -= 80
    result: Sound = (added * NEPER).astype(np.float32)
    return result


def _subharmonic(depth: float, hz: Sound, n_samples: int, rng: Generator) -> NDArray[np.float64]:
    """The gain of a rough voice: every other period is weaker, more and less so."""
    frame = np.arange(n_samples) / (RATE * FRAME_SECONDS)
    phase = np.pi * np.cumsum(np.interp(frame, np.arange(len(hz)), hz)) / RATE
    amount = depth * np.clip(0.6 + 0.6 * slow_noise(rng, len(hz), 12), 0, 1)
    result: NDArray[np.float64] = 1 + np.interp(frame, np.arange(len(hz)), amount) * np.cos(phase)
    return result


def _faded(sound: NDArray[np.float64]) -> Sound:
    """Without clicks at the ends."""
    n_in, n_out = min(400, len(sound) // 4), min(2000, len(sound) // 4)
    sound[:n_in] *= np.linspace(0, 1, n_in)
    sound[len(sound) - n_out :] *= np.linspace(1, 0, n_out)
    return sound.astype(np.float32)
