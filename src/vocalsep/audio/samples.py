"""The form that all audio has inside the program."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""A block of audio: float32 ``(channel, sample)``, C-contiguous, full scale ±1.0."""
