"""What a speaker said, taken apart: pitch, spectral envelope and breath for each frame, and the syllables."""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyworld
import soxr
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from vocalsep.errors import MissingToolError, UnfitTrackError
from vocalsep.synthesis.draw import stream
from vocalsep.synthesis.singing.lyrics import verse
from vocalsep.synthesis.singing.speech import Speaker, speak
from vocalsep.synthesis.singing.voice_spectrum import BAND_HZ, to_bands
from vocalsep.synthesis.waveform import Sound
from vocalsep.system.files import atomic_path

FRAME_SECONDS = 0.005
N_TAKES = 5
"""How many recordings there are of each speaker, of different lines."""

_N_LINES = 9
_LONGEST_SECONDS = 22.0
_LOUDNESS = 0.05
# Speech synthesisers end below half their rate: above this share of it is what a filter left.
_EDGE_SHARE = 0.85
_SONORITY_HZ = (250, 3500)
_FORMANTS_HZ, _BLUR_BANDS = 4000, 6
_VOWELS_APART = 18  # frames
_SILENT_DB = -45.0
_NO_VOICE_DB = -0.5
_FEWEST_FRAMES, _MOST_FRAMES = 4, 60  # of a syllable to either side of the middle of its vowel


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A speaker's lines, analysed by WORLD every 5 ms.

    Attributes:
        f0: Hz ``(frame,)``; 0 where there is no voice.
        envelope: log power ``(frame, band)`` on `bands.BAND_HZ`.
        breath: level of the aperiodic part at 3 kHz ``(frame,)``, in dB.
        edge_hz: nothing above it was recorded.
        syllables: ``(syllable, 3)``: first frame, middle of the vowel, frame behind the last.
    """

    f0: Sound
    envelope: Sound
    breath: Sound
    edge_hz: float
    syllables: NDArray[np.int32]

    @property
    def pitch_hz(self) -> float:
        """The median pitch."""
        return float(np.median(self.f0[self.f0 > 0]))

    def save(self, path: Path) -> None:
        """Write it to a file that appears whole or not at all."""
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez(
                file,
                f0=self.f0,
                envelope=self.envelope.astype(np.float16),
                breath=self.breath,
                edge_hz=self.edge_hz,
                syllables=self.syllables,
            )


def load_recording(path: Path) -> Recording:
    """Read what `Recording.save` wrote."""
    with np.load(path) as arrays:
        return Recording(
            f0=arrays["f0"],
            envelope=arrays["envelope"].astype(np.float32),
            breath=arrays["breath"],
            edge_hz=float(arrays["edge_hz"]),
            syllables=arrays["syllables"],
        )


def record(speaker: Speaker, take: int) -> Recording:
    """Let a speaker read the lines of a take, which are the same each time, and analyse them.

    Raises:
        MissingToolError: the speech synthesiser fails, or says nothing that can be sung.
        UnfitTrackError: nothing in a recording can be sung.
        InputError: a recording is gone or damaged.
    """
    text = verse(stream(take, speaker.name), _N_LINES, english=speaker.english)
    with tempfile.TemporaryDirectory(prefix="vocalsep-") as folder:
        sound, rate = speak(speaker, text, Path(folder))
    recording = analyse(sound[: round(_LONGEST_SECONDS * rate)], rate)
    if len(recording.syllables) < 2 and speaker.is_recording:
        raise UnfitTrackError(f"{speaker.voice} has no syllables to sing", "Take it out of the folder of voices.")
    if len(recording.syllables) < 2:
        raise MissingToolError(
            f"{speaker.engine} says nothing with the voice '{speaker.voice}'", "Install it again."
        )
    return recording


def analyse(sound: Sound, rate: int) -> Recording:
    """Take speech apart.

    Args:
        sound: float32 ``(sample,)``.
        rate: sample rate of the recording, in Hz.

    Reference: Morise et al. 2016, "WORLD: a vocoder-based high-quality speech synthesis system for real-time
    applications", doi:10.1587/transinf.2015EDP7457.
    """
    analysed_rate = 16_000 if rate <= 16_000 else 24_000
    speech = soxr.resample(sound, rate, analysed_rate).astype(np.float64)
    speech *= _LOUDNESS / max(float(np.sqrt(np.mean(speech**2))), 1e-6)
    period_ms = 1000 * FRAME_SECONDS
    coarse, times = pyworld.dio(speech, analysed_rate, f0_floor=60, f0_ceil=500, frame_period=period_ms)
    f0 = pyworld.stonemask(speech, coarse, times, analysed_rate)
    power = pyworld.cheaptrick(speech, f0, times, analysed_rate)
    aperiodicity = pyworld.d4c(speech, f0, times, analysed_rate)
    # WORLD measures aperiodicity in bands of 3 kHz; a speaker at 16 kHz has but the first.
    breath = pyworld.code_aperiodicity(aperiodicity, analysed_rate)[:, 0].astype(np.float32)
    # where D4C finds nothing periodic, DIO took noise for a voice
    f0 = np.where(breath < _NO_VOICE_DB, f0, 0.0).astype(np.float32)
    envelope = _smoothed(to_bands(np.log(power + 1e-12), analysed_rate))
    return Recording(
        f0=f0,
        envelope=envelope,
        breath=breath,
        edge_hz=_EDGE_SHARE * min(rate, analysed_rate) / 2,
        syllables=find_syllables(f0, envelope),
    )


def _smoothed(envelope: Sound) -> Sound:
    """Without single resonances above the formants, which formant synthesisers have, and no throat."""
    blurred = gaussian_filter1d(envelope, _BLUR_BANDS, axis=1)
    share = np.clip((BAND_HZ - _FORMANTS_HZ) / 1500, 0, 1).astype(np.float32)
    result: Sound = envelope + share * (blurred - envelope)
    return result


def find_syllables(f0: Sound, envelope: Sound) -> NDArray[np.int32]:
    """Find the vowels, which are the peaks of voiced energy, and the minima between them.

    Args:
        f0: Hz ``(frame,)``.
        envelope: log power ``(frame, band)``.

    Returns:
        ``(syllable, 3)``: first frame, middle of the vowel, frame behind the last.
    """
    low, high = np.searchsorted(BAND_HZ, _SONORITY_HZ)
    power = np.exp(envelope)
    loudness = gaussian_filter1d(np.log(power[:, low:high].mean(axis=1) + 1e-10), 4)
    sonority = np.where(f0 > 0, loudness, loudness.min())
    peaks, _ = find_peaks(sonority, distance=_VOWELS_APART, prominence=0.5)
    peaks = [peak for peak in peaks if f0[peak] > 0 and loudness[peak] > np.percentile(loudness, 35)]
    valleys = [left + int(np.argmin(loudness[left:right])) for left, right in itertools.pairwise(peaks)]
    bounds = [0, *valleys, len(f0)] if peaks else []
    level_db = 10 * np.log10(power.mean(axis=1) + 1e-12)
    silent = level_db < np.percentile(level_db, 95) + _SILENT_DB
    syllables = []
    for peak, (start, end) in zip(peaks, itertools.pairwise(bounds), strict=True):
        start, end = max(start, peak - _MOST_FRAMES), min(end, peak + _MOST_FRAMES)
        before, after = np.flatnonzero(silent[start:peak]), np.flatnonzero(silent[peak:end])
        start = start + int(before[-1]) + 1 if before.size else start
        end = peak + int(after[0]) if after.size else end
        if peak - start >= _FEWEST_FRAMES and end - peak >= _FEWEST_FRAMES:
            syllables.append((start, peak, end))
    return np.array(syllables, np.int32).reshape(-1, 3)
