"""The real-time factor of a separation in this process, once it is warm."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

RATE = 44_100
WARM_UP_SECONDS = 12


def real_time_factor(separate: Callable[[Iterable[Tensor]], Iterable[Tensor]], seconds: int) -> float:
    """Separate stereo noise of ``seconds``, in blocks of one second, after a shorter one that is not timed."""
    block = 0.1 * torch.randn(2, RATE, generator=torch.Generator().manual_seed(0))
    for _ in separate([block] * WARM_UP_SECONDS):
        pass
    began = time.perf_counter()
    for _ in separate([block] * seconds):
        pass
    return (time.perf_counter() - began) / seconds
