"""A chorus: a sound next to a copy of itself whose delay swings."""

from __future__ import annotations

import numpy as np

from vocalsep.synthesis.waveform import RATE, Samples


def chorus(samples: Samples, rate_hz: float, depth_seconds: float, mix: float, phase: float) -> Samples:
    """``samples`` with a copy whose delay swings, to opposite sides in the two channels."""
    at = np.arange(samples.shape[1])
    result: Samples = samples.copy()
    for channel, side in enumerate((0.0, np.pi)):
        swing = 1 + np.sin(2 * np.pi * rate_hz * at / RATE + phase + side)
        delayed = at - (0.004 + depth_seconds * swing) * RATE
        result[channel] += (mix * np.interp(delayed, at, samples[channel], left=0.0)).astype(np.float32)
    result /= np.float32(1 + 0.6 * mix)
    return result
