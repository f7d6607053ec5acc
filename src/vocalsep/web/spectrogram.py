"""Spectrograms of the song and its stems, as pictures."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from vocalsep.audio.samples import Samples
from vocalsep.stem_names import ACCOMPANIMENT, MIXTURE, STEMS, VOCALS
from vocalsep.web.preview import FULL_SCALE, Preview

WIDTH, HEIGHT = 900, 256
PICTURES = (MIXTURE, VOCALS, ACCOMPANIMENT)

_WINDOW = 2048
_A_COLUMN = 4
"""Windows whose mean power is one column."""
_LOWEST_HZ = 40.0
_DECIBELS = 80.0
# matplotlib's magma, every 32nd colour (CC0)
_MAGMA = (
    *((0, 0, 4), (28, 16, 68), (79, 18, 123), (129, 37, 129), (181, 54, 122)),
    *((229, 80, 100), (251, 135, 97), (254, 194, 135), (252, 253, 191)),
)


def spectrogram_png(preview: Preview, picture: str) -> bytes:
    """A picture of `WIDTH` by `HEIGHT` pixels: time to the right, frequency upwards and logarithmic.

    The three pictures of a song share one scale: black is 80 dB below the loudest place of the song.

    Args:
        preview: of the whole song.
        picture: one of `PICTURES`.
    """
    powers = {name: np.zeros((WIDTH, _WINDOW // 2 + 1)) for name in (picture, MIXTURE)}
    window = np.hanning(_WINDOW).astype(np.float32)
    for column in range(WIDTH):
        for part in range(_A_COLUMN):
            middle = preview.n_samples * (column + (part + 0.5) / _A_COLUMN) / WIDTH
            stems = _samples(preview, max(0, round(middle) - _WINDOW // 2))
            for name, power in powers.items():
                waveform = sum(stems.values()) if name == MIXTURE else stems[name]
                power[column] += np.abs(np.fft.rfft(window * waveform)) ** 2
    loudest = max(10 * np.log10(powers[MIXTURE].max() + 1e-9), -20.0)
    hz = np.geomspace(_LOWEST_HZ, preview.sample_rate / 2, HEIGHT)[::-1]
    bins = np.round(hz * _WINDOW / preview.sample_rate).astype(int)
    levels = 10 * np.log10(powers[picture][:, bins].T + 1e-9)
    image = Image.fromarray(np.clip((levels - loudest) / _DECIBELS * 255 + 255, 0, 255).astype(np.uint8))
    image.putpalette(_palette())
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _samples(preview: Preview, start: int) -> dict[str, Samples]:
    """A window of each stem as the mean of its channels, with zeros beyond the end."""
    raw = np.frombuffer(preview.samples(start, _WINDOW), "<i2").reshape(-1, len(STEMS), preview.channels)
    mono = np.zeros((_WINDOW, len(STEMS)), np.float32)
    mono[: len(raw)] = raw.mean(axis=2) / FULL_SCALE
    return dict(zip(STEMS, mono.T, strict=True))


def _palette() -> list[int]:
    places = np.linspace(0, 255, len(_MAGMA))
    channels = [np.interp(np.arange(256), places, [colour[i] for colour in _MAGMA]) for i in range(3)]
    colours: list[int] = np.stack(channels, axis=1).round().astype(int).ravel().tolist()
    return colours
