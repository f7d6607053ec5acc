"""Spectrograms of the song and its stems, as pictures."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from vocalsep.audio.samples import Samples
from vocalsep.stem_names import MIXTURE, STEMS
from vocalsep.web.preview import FULL_SCALE, Preview

WIDTH, HEIGHT = 900, 256

_WINDOW = 2048
_A_COLUMN = 4
"""Windows whose mean power is one column."""
_COLUMNS_AT_ONCE = 30
_LOWEST_HZ = 40.0
_DECIBELS = 80.0
# matplotlib's magma, every 32nd colour (CC0)
_MAGMA = (
    *((0, 0, 4), (28, 16, 68), (79, 18, 123), (129, 37, 129), (181, 54, 122)),
    *((229, 80, 100), (251, 135, 97), (254, 194, 135), (252, 253, 191)),
)


def spectrograms(preview: Preview) -> dict[str, bytes]:
    """PNG pictures of a song and its stems: time to the right, frequency upwards and logarithmic.

    All pictures share one scale: black is 80 dB below the loudest place of the song.

    Args:
        preview: preview of the whole song.

    Returns:
        A picture of `WIDTH` by `HEIGHT` pixels for ``mixture``, ``vocals`` and ``accompaniment`` each.
    """
    hz = np.geomspace(_LOWEST_HZ, preview.sample_rate / 2, HEIGHT)[::-1]
    bins = np.round(hz * _WINDOW / preview.sample_rate).astype(int)
    powers = np.concatenate(
        [_powers(preview, column, bins) for column in range(0, WIDTH, _COLUMNS_AT_ONCE)], axis=1
    )
    levels = 10 * np.log10(powers + 1e-9)
    loudest = max(float(levels[0].max()), -20.0)
    pixels = np.clip((levels - loudest) / _DECIBELS * 255 + 255, 0, 255).astype(np.uint8)
    return {name: _png(picture.T) for name, picture in zip((MIXTURE, *STEMS), pixels, strict=True)}


def _powers(preview: Preview, first: int, bins: npt.NDArray[np.int_]) -> npt.NDArray[np.float64]:
    """Mean power of some columns from ``first`` on: ``(picture, column, row)``, the mixture before the stems."""
    n = _COLUMNS_AT_ONCE * _A_COLUMN
    middles = preview.n_samples * (first + (np.arange(n) + 0.5) / _A_COLUMN) / WIDTH
    stems = np.stack([_samples(preview, max(0, round(middle) - _WINDOW // 2)) for middle in middles], axis=1)
    waveforms = np.concatenate([stems.sum(axis=0, keepdims=True), stems])
    spectra = np.fft.rfft(waveforms * np.hanning(_WINDOW))[..., bins]
    parts = (np.abs(spectra) ** 2).reshape(len(waveforms), _COLUMNS_AT_ONCE, _A_COLUMN, -1)
    powers: npt.NDArray[np.float64] = parts.mean(axis=2)
    return powers


def _samples(preview: Preview, start: int) -> Samples:
    """A window of each stem, ``(stem, sample)``, as the mean of its channels, with zeros beyond the end."""
    raw = np.frombuffer(preview.samples(start, _WINDOW), "<i2").reshape(-1, len(STEMS), preview.channels)
    mono = np.zeros((len(STEMS), _WINDOW), np.float32)
    mono[:, : len(raw)] = raw.mean(axis=2).T / FULL_SCALE
    return mono


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    image, file = Image.fromarray(np.ascontiguousarray(pixels)), io.BytesIO()
    image.putpalette(_palette())
    image.save(file, "PNG")
    return file.getvalue()


def _palette() -> list[int]:
    places = np.linspace(0, 255, len(_MAGMA))
    channels = [np.interp(np.arange(256), places, [colour[i] for colour in _MAGMA]) for i in range(3)]
    colours: list[int] = np.stack(channels, axis=1).round().astype(int).ravel().tolist()
    return colours
