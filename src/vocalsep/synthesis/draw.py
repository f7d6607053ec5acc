"""Random draws that depend on the seed, the song and the part alone, never on who drew before."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

T = TypeVar("T")


def stream(seed: int, *path: str | int) -> Generator:
    """A generator of its own for a part of a song: ``stream(seed, index, "drums")``."""
    words = [zlib.crc32(step.encode()) if isinstance(step, str) else step for step in path]
    return np.random.default_rng([seed, *words])


def pick(rng: Generator, items: Sequence[T]) -> T:
    """One of ``items``, each as likely as the others; repeat one to make it likelier."""
    return items[int(rng.integers(len(items)))]


def weighted(rng: Generator, weights: Mapping[T, float]) -> T:
    """One of the keys, by weight."""
    items = list(weights)
    shares = np.array([weights[item] for item in items], float)
    return items[int(rng.choice(len(items), p=shares / shares.sum()))]


def chance(rng: Generator, probability: float) -> bool:
    """True with ``probability``."""
    return bool(rng.random() < probability)


def uniform(rng: Generator, low: float, high: float) -> float:
    """A float between ``low`` and ``high``, with four significant digits: it goes into song.json."""
    return float(f"{rng.uniform(low, high):.4g}")


def log_uniform(rng: Generator, low: float, high: float) -> float:
    """Like `uniform`, with as many draws in each octave."""
    return float(f"{np.exp(rng.uniform(np.log(low), np.log(high))):.4g}")


def slow_noise(rng: Generator, n: int, smoothing: float) -> NDArray[np.float32]:
    """Noise of variance 1, smoothed over ``smoothing`` of its ``n`` values; its end goes on as its start."""
    noise = gaussian_filter1d(rng.standard_normal(n), smoothing, mode="wrap")
    result: NDArray[np.float32] = (noise * np.sqrt(2 * np.sqrt(np.pi) * smoothing)).astype(np.float32)
    return result
