from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vocalsep.evaluation.metrics import sdr, si_sdr

Metric = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _orthogonal(reference: torch.Tensor, seed: int = 1) -> torch.Tensor:
    """Noise as strong as ``reference`` and orthogonal to it over all channels and samples."""
    noise = _noise(*reference.shape, seed=seed).double()
    reference = reference.double()
    noise -= (noise * reference).sum() / reference.square().sum() * reference
    return noise * reference.norm() / noise.norm()


@pytest.mark.parametrize(
    ("gain", "expected"), [(0.9, 20.0), (0.5, 20 * math.log10(2)), (0.0, 0.0), (-1.0, -6.0206)]
)
def test_sdr_of_a_scaled_reference_is_the_gain_error(gain: float, expected: float) -> None:
    reference = _noise(2, 1000).double()
    assert float(sdr(reference, gain * reference)) == pytest.approx(expected, abs=1e-4)


def test_sdr_is_one_ratio_of_sums_and_no_mean_over_channels() -> None:
    reference = torch.tensor([[10.0, 0.0], [0.0, 1.0]])
    estimate = torch.tensor([[9.0, 0.0], [0.0, 0.0]])
    # energies: 101 of the reference, 1 + 1 of the error; the mean of the channels would be (20 + 0) / 2
    assert float(sdr(reference, estimate)) == pytest.approx(10 * math.log10(101 / 2))


def test_si_sdr_ignores_scale_and_sdr_does_not() -> None:
    reference = _noise(2, 1000)
    estimate = reference + 0.1 * _orthogonal(reference)
    for gain in (1.0, 0.01, -5.0):
        assert float(si_sdr(reference, gain * estimate)) == pytest.approx(20, abs=1e-6)
    assert float(sdr(reference, estimate)) == pytest.approx(20, abs=1e-6)
    assert float(sdr(reference, 0.5 * estimate)) < 7


def test_si_sdr_has_one_scale_for_all_channels() -> None:
    reference = torch.ones(2, 4)
    panned = torch.tensor([[1.0], [0.5]]) * reference
    # a = 0.75; (a s)^2 sums to 8 * 0.5625, the error to 8 * 0.0625
    assert float(si_sdr(reference, panned)) == pytest.approx(10 * math.log10(9))


def test_si_sdr_keeps_the_mean() -> None:
    reference = torch.tensor([[1.0, -1.0, 1.0, -1.0]])
    # removing the mean would make this perfect
    assert float(si_sdr(reference, reference + 1)) == pytest.approx(0)


@given(
    seed=st.integers(0, 2**31), channels=st.integers(1, 3), samples=st.integers(2, 300), gain=st.floats(0.01, 100)
)
@settings(max_examples=50, deadline=None)
def test_both_match_numpy(seed: int, channels: int, samples: int, gain: float) -> None:
    rng = np.random.default_rng(seed)
    s = rng.normal(size=(channels, samples)).astype(np.float32)
    e = (gain * (s + 0.3 * rng.normal(size=s.shape))).astype(np.float32)
    reference, estimate = torch.from_numpy(s), torch.from_numpy(e)
    s, e = s.astype(np.float64).ravel(), e.astype(np.float64).ravel()
    assert float(sdr(reference, estimate)) == pytest.approx(10 * np.log10(s @ s / ((s - e) @ (s - e))), abs=1e-6)
    target = (s @ e) / (s @ s) * s
    expected = 10 * np.log10(target @ target / ((target - e) @ (target - e)))
    assert float(si_sdr(reference, estimate)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("metric", [sdr, si_sdr])
def test_leading_dimensions_are_songs_of_their_own(metric: Metric) -> None:
    references, estimates = _noise(3, 2, 2, 100), _noise(3, 2, 2, 100, seed=1)
    together = metric(references, estimates)
    apart = [[float(metric(references[i, j], estimates[i, j])) for j in range(2)] for i in range(3)]
    np.testing.assert_allclose(together.numpy(), apart, rtol=1e-12)


def test_small_errors_are_not_lost_to_float32() -> None:
    reference = torch.ones(2, 44_100)
    estimate = reference.double() * (1 - 1e-6)
    assert float(sdr(reference, estimate)) == pytest.approx(120, abs=1e-6)


def test_perfect_estimates_are_infinite() -> None:
    reference = _noise(2, 100)
    assert float(sdr(reference, reference)) == math.inf
    assert float(si_sdr(reference, 4 * reference)) == math.inf


def test_silent_references_have_no_number() -> None:
    silence, noise = torch.zeros(2, 100), _noise(2, 100)
    assert float(sdr(silence, noise)) == -math.inf
    assert math.isnan(sdr(silence, silence))
    assert math.isnan(si_sdr(silence, noise))


def test_silent_estimates() -> None:
    silence, noise = torch.zeros(2, 100), _noise(2, 100)
    assert float(sdr(noise, silence)) == 0
    assert math.isnan(si_sdr(noise, silence))


@pytest.mark.parametrize("metric", [sdr, si_sdr])
def test_shapes_that_would_broadcast_are_refused(metric: Metric) -> None:
    with pytest.raises(ValueError, match=r"\(2, 100\) and an estimate of \(1, 100\)"):
        metric(_noise(2, 100), _noise(1, 100))
