"""The frequency axis that voices are shaped on: mel bands, and the way to the bins that WORLD takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vocalsep.synthesis.waveform import RATE, Sound

N_BANDS = 144
N_FFT = 1024  # WORLD asks for twice that to analyse at 44.1 kHz; to synthesise it costs twice the time
BIN_HZ = np.arange(N_FFT // 2 + 1) * (RATE / N_FFT)


def mel(hz: NDArray[np.floating]) -> NDArray[np.float64]:
    """Hertz to mel."""
    result: NDArray[np.float64] = 1127 * np.log1p(hz / 700)
    return result


_BAND_MEL = np.linspace(0, mel(np.array(RATE / 2)).item(), N_BANDS)
BAND_HZ = 700 * np.expm1(_BAND_MEL / 1127)
"""Centre of each band, 0 to 22,050 Hz."""


def to_bands(log_spectra: NDArray[np.float64], rate: int) -> Sound:
    """Log spectra ``(frame, bin)`` of a signal at ``rate`` in bands ``(frame, band)``; above it, its top bin."""
    return _lerp(log_spectra, BAND_HZ / (rate / 2) * (log_spectra.shape[1] - 1))


def to_bins(bands: Sound) -> Sound:
    """Bands ``(frame, band)`` to the bins ``(frame, bin)`` of `BIN_HZ`."""
    return _lerp(bands, mel(BIN_HZ) / _BAND_MEL[1])


def warped(bands: Sound, low: float, high: float) -> Sound:
    """The first formant moved to ``low`` times its frequency, and those above 3.5 kHz to ``high`` times."""
    factor = np.interp(_BAND_MEL, mel(np.array([500.0, 3500.0])), [low, high])
    return _lerp(bands, mel(BAND_HZ / factor) / _BAND_MEL[1])


def bell(centre_hz: float, octaves: float) -> NDArray[np.float64]:
    """A bump of height 1 over the bands, ``octaves`` wide to either side."""
    distance = np.log2(np.maximum(BAND_HZ, 20) / centre_hz) / octaves
    result: NDArray[np.float64] = np.exp(-0.5 * distance**2)
    return result


def _lerp(values: NDArray[np.floating], position: NDArray[np.float64]) -> Sound:
    """The columns of ``values`` at fractional positions; beyond the last column, that one."""
    position = np.clip(position, 0, values.shape[1] - 1)
    left = np.minimum(position.astype(np.intp), values.shape[1] - 2)
    share = (position - left).astype(np.float32)
    columns = values.astype(np.float32, copy=False)
    lower, upper = np.take(columns, left, axis=1), np.take(columns, left + 1, axis=1)
    result: Sound = lower + share * (upper - lower)
    return result
