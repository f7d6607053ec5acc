"""Bands of bins that are equally wide on the mel scale and overlap by half."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vocalsep.errors import OptionError

# The mel scale of Slaney's Auditory Toolbox: linear up to 1 kHz, from there a factor of 6.4 in 27 steps.
_LINEAR_HZ, _LINEAR_STEP_HZ, _LOG_STEP = 1000.0, 200.0 / 3, np.log(6.4) / 27
_LINEAR_MEL = _LINEAR_HZ / _LINEAR_STEP_HZ


def mel_bands(sample_rate: int, n_fft: int, n_bands: int) -> NDArray[np.bool_]:
    """Which bins are in which band, ``(band, bin)``.

    A band spans two of ``n_bands + 1`` equal steps on the mel scale from 0 Hz to half the sample rate: where the
    triangle of a mel filter bank is above zero. The first bin is added to the first band, the last to the last.

    Raises:
        OptionError: some band has no bin, or some bin no band.

    Example:
        >>> mel_bands(8000, 16, 2).astype(int)
        array([[1, 1, 1, 1, 0, 0, 0, 0, 0],
               [0, 0, 1, 1, 1, 1, 1, 1, 1]])
    """
    edges = _hz(np.linspace(0, _mel(sample_rate / 2), n_bands + 2))
    bins = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    bands = (edges[:-2, None] < bins) & (bins < edges[2:, None])
    bands[0, 0] = bands[-1, -1] = True
    if not (bands.any(axis=0).all() and bands.any(axis=1).all()):
        raise OptionError(f"a window of {n_fft} samples has too few bins for {n_bands} mel bands")
    return bands


def _mel(hz: float) -> float:
    if hz < _LINEAR_HZ:
        return hz / _LINEAR_STEP_HZ
    return float(_LINEAR_MEL + np.log(hz / _LINEAR_HZ) / _LOG_STEP)


def _hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    logarithmic = _LINEAR_HZ * np.exp(_LOG_STEP * (mel - _LINEAR_MEL))
    return np.where(mel < _LINEAR_MEL, _LINEAR_STEP_HZ * mel, logarithmic)
