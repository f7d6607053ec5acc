"""A speaker's recording, turned into the voice of a singer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from vocalsep.synthesis.singing.recording import Recording
from vocalsep.synthesis.singing.singer import Singer
from vocalsep.synthesis.singing.voice_spectrum import BAND_HZ, BIN_HZ, bell, warped
from vocalsep.synthesis.waveform import Sound

NEPER = float(np.log(10) / 10)
"""Natural logarithm of power, of one decibel."""

_VOWEL_LEVEL = -5.0  # log power of a vowel: phrases come out near -20 dBFS
_RING_HZ = 2900


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What a singer sings with: frames of a recording that already have the singer's timbre.

    Attributes:
        singer: the singer whose voice it is.
        pitch: pitch of the speech, in semitones from its median ``(frame,)``; 0 where there is no voice.
        voiced: ``(frame,)``.
        envelope: log power ``(frame, band)``.
        breath: level of the breath in dB at 3 kHz ``(frame,)``.
        syllables: as in `Recording`.
        vowel_levels: log power of the middle of each syllable's vowel.

    Syllables are counted around: after the last comes the first.
    """

    singer: Singer
    pitch: Sound
    voiced: NDArray[np.bool_]
    envelope: Sound
    breath: Sound
    syllables: NDArray[np.int32]
    vowel_levels: Sound

    def syllable(self, number: int) -> tuple[int, int, int]:
        """First frame, middle of the vowel, and frame behind the last of a syllable."""
        first, middle, last = self.syllables[number % len(self.syllables)]
        return int(first), int(middle), int(last)

    def vowel_level(self, number: int) -> float:
        """Log power of the middle of a syllable's vowel."""
        return float(self.vowel_levels[number % len(self.syllables)])


def make_voice(singer: Singer, recording: Recording) -> Voice:
    """Give the recording of a speaker the throat of a singer."""
    voiced = recording.f0 > 0
    envelope = warped(recording.envelope, singer.throat, singer.mouth)
    edge_hz = min(recording.edge_hz * singer.mouth, 17_000)
    envelope = _extended(envelope, voiced, edge_hz, singer)
    envelope += _shaping(envelope[voiced], singer)
    envelope[~voiced] += singer.sibilance_db * NEPER * (BAND_HZ > 1500)
    levels = _loudness(envelope)[recording.syllables[:, 1]]
    shift = _VOWEL_LEVEL - float(np.median(levels))
    semitones = 12 * np.log2(np.where(voiced, recording.f0, 1.0) / recording.pitch_hz)
    return Voice(
        singer=singer,
        pitch=np.where(voiced, semitones, 0).astype(np.float32),
        voiced=voiced,
        envelope=envelope + np.float32(shift),
        breath=recording.breath,
        syllables=recording.syllables,
        vowel_levels=(levels + shift).astype(np.float32),
    )


def aperiodicity(breath: Sound, singer: Singer) -> NDArray[np.float64]:
    """Share of noise ``(frame, bin)``, 0 to 1: in dB a line up to ``breath`` at 3 kHz and on to the top."""
    at_3khz = np.clip(breath - 8 + singer.breath_db, -34, -2)[:, None]
    low = -60 + (at_3khz + 60) * (BIN_HZ / 3000)
    high = at_3khz + (-0.5 - at_3khz) * (BIN_HZ - 3000) / (singer.harmonic_top_hz - 3000)
    level_db = np.minimum(np.where(BIN_HZ < 3000, low, high), -0.5)
    result: NDArray[np.float64] = np.exp(level_db * (np.log(10) / 20))
    return result


def _loudness(envelope: Sound) -> Sound:
    """Log power between 200 and 4,000 Hz ``(frame,)``."""
    low, high = np.searchsorted(BAND_HZ, (200, 4000))
    result: Sound = np.log(np.exp(envelope[:, low:high]).mean(axis=1) + 1e-10).astype(np.float32)
    return result


def _extended(envelope: Sound, voiced: NDArray[np.bool_], edge_hz: float, singer: Singer) -> Sound:
    """Go on above the edge of the recording, falling from the level that each frame has below it."""
    edge = int(np.searchsorted(BAND_HZ, edge_hz))
    below, near = np.searchsorted(BAND_HZ, (0.75 * edge_hz, 0.88 * edge_hz))
    if edge >= len(BAND_HZ):
        return envelope
    level = np.minimum(envelope[:, below:near].mean(axis=1), envelope[:, near:edge].mean(axis=1))
    fall = np.where(voiced, singer.voiced_fall_db, singer.unvoiced_fall_db) * NEPER
    octaves = np.log2(BAND_HZ[edge:] / np.sqrt(BAND_HZ[below] * BAND_HZ[edge]))
    extended: Sound = envelope.copy()
    extended[:, edge:] = level[:, None] - fall[:, None] * octaves
    seam = slice(max(edge - 6, 0), edge + 6)
    extended[:, seam] = gaussian_filter1d(extended, 3, axis=1)[:, seam]
    return extended


def _shaping(voiced_envelope: Sound, singer: Singer) -> Sound:
    """What is added to all frames ``(band,)``: towards the singer's long-term slope, ring and colours."""
    power = np.exp(voiced_envelope)
    loud = power.sum(axis=1) > np.percentile(power.sum(axis=1), 40)
    spectrum_db = 10 * np.log10(power[loud].mean(axis=0) + 1e-12)
    target_db = -singer.slope_db * np.log2(np.maximum(BAND_HZ, 500) / 500)
    change_db = target_db - spectrum_db
    low, high = np.searchsorted(BAND_HZ, (200, 900))
    change_db -= change_db[low:high].mean()
    change_db = singer.shaping * gaussian_filter1d(np.clip(change_db, -14, 22), 7)
    change_db[BAND_HZ < 150] = change_db[low]
    change_db += singer.ring_db * bell(_RING_HZ, 0.25)
    for hz, octaves, level_db in singer.colours:
        change_db += level_db * bell(hz, octaves)
    change: Sound = (change_db * NEPER).astype(np.float32)
    return change
