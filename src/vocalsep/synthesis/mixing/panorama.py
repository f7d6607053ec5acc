"""Where a sound is between left and right, and how wide."""

from __future__ import annotations

import numpy as np

from vocalsep.synthesis.waveform import Samples


def placed(samples: Samples, position: float, width: float) -> Samples:
    """A stereo sound made narrower or wider, and moved to ``position``, -1 (left) to 1 (right)."""
    middle, side = (samples[0] + samples[1]) / 2, (samples[0] - samples[1]) / 2 * np.float32(width)
    angle = (position + 1) * np.pi / 4
    left, right = (np.float32(np.sqrt(2) * gain) for gain in (np.cos(angle), np.sin(angle)))
    return np.stack([left * (middle + side), right * (middle - side)])
