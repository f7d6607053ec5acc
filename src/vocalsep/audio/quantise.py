"""Float samples to integers: the exact inverse of how integer files are read."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vocalsep.audio.samples import Samples


def quantise(samples: Samples, depth: Literal["16", "24"]) -> NDArray[np.int16] | NDArray[np.int32]:
    """Scale by ``2 ** (bits - 1)``, round to the nearest integer, clamp to its range.

    libsndfile and FFmpeg read integers scaled by that power of two, yet libsndfile writes them scaled by one
    less, which changes every sample. With this, an integer file that is read and written is bit-identical.

    Returns:
        int16 for ``16``; for ``24`` int32 with the sample in the upper three bytes.
    """
    scale = 2.0 ** (int(depth) - 1)
    # float32 holds every 24-bit integer, and the scaling by a power of two is exact.
    scaled: Samples = np.rint(samples * np.float32(scale))
    np.clip(scaled, -scale, scale - 1, out=scaled)
    if depth == "16":
        return scaled.astype(np.int16)
    return np.left_shift(scaled.astype(np.int32), 8)
