"""A singing voice: syllables that espeak-ng speaks, sung on the notes of a melody.

The spectral envelopes of the spoken syllables are stretched to the notes, and shape an excitation of pulses, at
the pitch of the melody, and of breath.
"""

from __future__ import annotations

import io
import subprocess
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

Signal = npt.NDArray[np.float64]

RATE = 44_100
N_FFT, HOP = 2048, 256
WINDOW = np.hanning(N_FFT + 1)[:-1]
FRAME_RATE = RATE / HOP
BINS_PER_KHZ = 1_000 * N_FFT // RATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One sung syllable; ``phonemes`` in espeak-ng's own alphabet, times in seconds, ``pitch`` as in MIDI."""

    phonemes: str
    pitch: int
    start: float
    end: float


def stft(signal: Signal) -> npt.NDArray[np.complex128]:
    """``(frame, bin)``, frame i centred on sample ``i * HOP``."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(signal, N_FFT // 2), N_FFT)[::HOP]
    return np.fft.rfft(frames * WINDOW)


def istft(spectrum: npt.NDArray[np.complex128]) -> Signal:
    """The inverse of `stft`, by overlap-add."""
    signal = np.zeros(N_FFT + HOP * len(spectrum))
    for i, frame in enumerate(np.fft.irfft(spectrum)):
        signal[i * HOP : i * HOP + N_FFT] += frame
    return signal[N_FFT // 2 :] * HOP / WINDOW.sum()


def speak(phonemes: str) -> Signal:
    """The syllable as espeak-ng says it, at its lowest pitch."""
    command = ["espeak-ng", "-v", "en-us+f3", "-p", "0", "-s", "150", "--stdout", f"[[{phonemes}]]"]
    spoken, rate = soundfile.read(io.BytesIO(subprocess.run(command, check=True, capture_output=True).stdout))
    return soxr.resample(np.trim_zeros(spoken), rate, RATE)


def envelope(speech: Signal) -> Signal:
    """Spectral envelopes ``(frame, bin)``: the log spectrum without what repeats faster than every 250 Hz."""
    cepstrum = np.fft.irfft(np.log(np.abs(stft(speech)) + 1e-4))
    cepstrum[:, RATE // 250 : -RATE // 250] = 0
    shapes = np.exp(np.fft.rfft(cepstrum).real)
    bins = np.arange(shapes.shape[1])
    top = 9 * BINS_PER_KHZ  # espeak-ng ends at 11 kHz: go on from here, falling by 12 dB an octave
    shapes[:, top:] = shapes[:, top, None] * (top / bins[top:]) ** 2
    return shapes / (1 + bins / (4 * BINS_PER_KHZ))  # softer than it speaks


def articulate(melody: list[Note], n_frames: int) -> tuple[Signal, Signal]:
    """Spectral envelopes ``(frame, bin)`` and voicing ``(frame, 1)``, 0 to 1, of the whole song.

    Each vowel starts on its beat, its consonants before that, and is stretched to fill its note.
    """
    shapes, voiced = np.zeros((n_frames, N_FFT // 2 + 1)), np.zeros((n_frames, 1))
    next_start = n_frames
    for note in reversed(melody):
        spoken = envelope(speak(note.phonemes))
        # a voice is strongest below 1 kHz, hiss and breath above 3 kHz
        low, high = spoken[:, :BINS_PER_KHZ], spoken[:, 3 * BINS_PER_KHZ :]
        harmonic = np.clip(np.log(low.mean(axis=1) / high.mean(axis=1)), 0, 1)
        level = np.sqrt((spoken**2).mean(axis=1))
        spoken /= np.maximum(level, level.max() / 2)[:, None]  # no stress but the melody's
        vowel = np.flatnonzero(level * harmonic > level.max() / 2)
        first, coda, last = vowel[0] + 2, vowel[-1] - 4, np.flatnonzero(level > 0.03 * level.max())[-1]
        beat, end = round(note.start * FRAME_RATE), round(note.end * FRAME_RATE)
        start, end = beat - min(first, 24), min(end, next_start)
        where = np.arange(start, end)
        source = np.interp(
            where, (start, beat, end - (last - coda), end), (first - beat + start, first, coda, last)
        )
        shapes[where], voiced[where, 0] = spoken[source.astype(int)], harmonic[source.astype(int)]
        if end < next_start:  # a rest
            shapes[where] *= np.clip((end - where) / 25, 0, 1)[:, None]
        next_start = start
    glide = np.hanning(7)[1:-1] / 3  # syllables run into each other within 20 ms
    return tuple(np.apply_along_axis(np.convolve, 0, track, glide, "same") for track in (shapes, voiced))


def intonation(melody: list[Note], n_frames: int, rng: np.random.Generator) -> Signal:
    """Hz for each frame: steps smoothed into portamento, vibrato that grows within each note, a little drift."""
    pitch, depth = np.full(n_frames, float(melody[0].pitch)), np.zeros(n_frames)
    for note in melody:
        start = round(note.start * FRAME_RATE)
        pitch[start - 4 :] = note.pitch
        depth[start:] = np.clip((np.arange(n_frames - start) / FRAME_RATE - 0.25) * 0.9, 0, 0.4)
    slide = np.hanning(19) / np.hanning(19).sum()
    drift = np.convolve(rng.normal(0, 0.5, n_frames), np.ones(40) / 40, "same")
    pitch = np.convolve(np.pad(pitch, 9, mode="edge"), slide, "valid") + drift
    pitch += np.convolve(depth, slide, "same") * np.sin(2 * np.pi * 5.6 * np.arange(n_frames) / FRAME_RATE)
    return 440 * 2 ** ((pitch - 69) / 12)


def sing(melody: list[Note], n_samples: int, rng: np.random.Generator) -> Signal:
    """The melody as one voice: pulses at its pitch and breath, both with the spectrum of the syllables."""
    n_frames = n_samples // HOP + 1
    shapes, voiced = articulate(melody, n_frames)
    hertz = np.interp(np.arange(n_samples) / HOP, np.arange(n_frames), intonation(melody, n_frames, rng))
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    pulses = sum(np.cos(k * phase + 0.3 * k**1.5) * (k * hertz < 20_000) for k in range(1, 64))
    pulses *= np.sqrt(2 * hertz / RATE)  # as loud in each band as the noise
    breath = np.linspace(0.02, 0.35, N_FFT // 2 + 1)
    excitation = stft(pulses) * voiced * (1 - breath)
    excitation += stft(rng.normal(0, 1, n_samples)) * (1 - voiced + voiced * breath)
    return istft(excitation * shapes)[:n_samples]
