from __future__ import annotations

import numpy as np
import pytest

from vocalsep.audio.quantise import quantise


@pytest.mark.parametrize("depth", ["16", "24"])
def test_every_integer_comes_back(depth: str) -> None:
    scale = 2 ** (int(depth) - 1)
    step = 1 if depth == "16" else 251
    integers = np.append(np.arange(-scale, scale, step), scale - 1)
    samples = (integers / scale).astype(np.float32)
    np.testing.assert_array_equal(quantise(samples, depth) >> (0 if depth == "16" else 8), integers)


def test_rounds_to_the_nearest() -> None:
    steps = np.array([0.4, 0.6, -0.4, -0.6, 100.49, 100.51], np.float32)
    np.testing.assert_array_equal(quantise(steps / 32768, "16"), [0, 1, 0, -1, 100, 101])


def test_clamps_to_full_scale() -> None:
    samples = np.array([1.0, 1.5, -1.0, -7.0, np.inf, -np.inf], np.float32)
    np.testing.assert_array_equal(quantise(samples, "16"), [32767, 32767, -32768, -32768, 32767, -32768])
    np.testing.assert_array_equal(quantise(samples[:4], "24") >> 8, [2**23 - 1, 2**23 - 1, -(2**23), -(2**23)])
