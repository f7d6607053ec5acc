from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from helpers import audio_encoding
from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.reader import open_audio
from vocalsep.audio.reading_options import ReadingOptions
from vocalsep.audio.writer import AudioWriter

RATE = 44100


@pytest.fixture(scope="session")
def song() -> Callable[..., np.ndarray]:
    """Makes a chirp with noise, different in each channel: its position can be told to the sample."""

    def make(n_samples: int, channels: int = 2, sample_rate: int = RATE, seed: int = 1) -> np.ndarray:
        time = np.arange(n_samples) / sample_rate
        rng = np.random.default_rng(seed)
        sweep_hz = 100 + 0.05 * sample_rate * time / max(n_samples / sample_rate, 1e-3)
        chirp = [np.sin(2 * np.pi * sweep_hz * time + channel) for channel in range(channels)]
        noise = rng.standard_normal((channels, n_samples))
        return (0.4 * np.array(chirp).reshape(channels, n_samples) + 0.02 * noise).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def decode() -> Callable[..., np.ndarray]:
    """Reads a whole file with the package's reader."""

    def read(path: Path, *, salvage: bool = False, block_samples: int = 65536, **options) -> np.ndarray:
        with open_audio(path, ReadingOptions(salvage=salvage, **options)) as audio:
            return np.concatenate(list(audio.blocks(block_samples)), axis=1)

    return read


@pytest.fixture(scope="session")
def write() -> Callable[..., None]:
    """Writes a whole file with the package's writer, in blocks of an odd size."""

    def encode(path: Path, samples: np.ndarray, format: OutputFormat, sample_rate: int = RATE, tags=None) -> None:
        channels = samples.shape[0]
        with AudioWriter(path, sample_rate=sample_rate, channels=channels, format=format, tags=tags) as writer:
            for start in range(0, samples.shape[1], 10007):
                writer.write(samples[:, start : start + 10007])
            writer.commit()

    return encode


@pytest.fixture(scope="session")
def encode() -> Callable[..., None]:
    """Makes a file with FFmpeg or libsndfile, not with the package."""
    return audio_encoding.encode


@pytest.fixture(scope="session")
def lag() -> Callable[[np.ndarray, np.ndarray], int]:
    """By how many samples the second signal lags behind the first, by cross-correlation."""

    def measure(first: np.ndarray, second: np.ndarray) -> int:
        n = min(first.shape[1], second.shape[1])
        size = 2 ** (2 * n - 1).bit_length()
        spectrum = np.fft.rfft(second[0, :n], size) * np.conj(np.fft.rfft(first[0, :n], size))
        peak = int(np.argmax(np.fft.irfft(spectrum, size)))
        return peak if peak < size // 2 else peak - size

    return measure
