"""The metrics against the field's own implementations, and sums over blocks against whole signals."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.scored_songs import RATE, song
from vocalsep.evaluation.metrics import chunk_sdr, median_of_defined, sdr, si_sdr, window_sdr
from vocalsep.evaluation.streaming_metrics import SignalSums


@pytest.fixture(scope="module")
def bss_eval():
    """museval's, as ``(stem, channel, sample)`` to ``(stem, window)``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            museval = pytest.importorskip("museval")
        except RuntimeError as error:  # it looks for ffmpeg when it is imported
            pytest.skip(str(error))

    def of(references, estimates, window):
        def swapped(signals):
            return np.moveaxis(np.asarray(signals, np.float64), 1, 2)

        return museval.metrics.bss_eval(swapped(references), swapped(estimates), window=window, hop=window)[0]

    return of


def _separated(seconds: float = 3.4) -> tuple[np.ndarray, np.ndarray]:
    """Stems, silent in the first second, and estimates with leakage, a filter and noise in them."""
    references = np.stack(song(seconds))
    rng = np.random.default_rng(3)
    estimates = 0.8 * references + 0.15 * references[::-1] + 0.02 * rng.standard_normal(references.shape)
    estimates[..., 5:] += 0.1 * references[..., :-5]
    return references, estimates


def _noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def _cancelling() -> tuple[np.ndarray, np.ndarray]:
    """Channels that cancel for a second, which museval takes for silence."""
    references, estimates = _noise(0, 2, 2, 2 * RATE), _noise(1, 2, 2, 2 * RATE)
    references[0, 1, :RATE] = -references[0, 0, :RATE]
    return references, estimates


def _silent_estimate() -> tuple[np.ndarray, np.ndarray]:
    references, estimates = _noise(0, 2, 1, 3 * RATE), _noise(1, 2, 1, 3 * RATE)
    estimates[1, :, RATE : 2 * RATE] = 0
    return references, estimates


@pytest.mark.parametrize(
    "signals",
    [
        _separated(),
        (_noise(0, 2, 2, 2 * RATE), _noise(1, 2, 2, 2 * RATE)),
        _cancelling(),
        _silent_estimate(),
        (_noise(0, 2, 2, RATE // 2), _noise(1, 2, 2, RATE // 2)),
        (_noise(0, 3, 1, 2 * RATE - 1), _noise(1, 3, 1, 2 * RATE - 1)),
    ],
    ids=["separated", "noise", "cancelling channels", "silent estimate", "short", "three stems"],
)
def test_windows_are_those_of_museval(bss_eval, signals):
    references, estimates = (part.astype(np.float32) for part in signals)
    expected = bss_eval(references, estimates, RATE)
    windows = window_sdr(torch.from_numpy(references), torch.from_numpy(estimates), window_samples=RATE)
    np.testing.assert_allclose(windows.numpy(), expected, rtol=0, atol=1e-6)  # NaN where it has NaN
    median = chunk_sdr(torch.from_numpy(references), torch.from_numpy(estimates), window_samples=RATE)
    np.testing.assert_allclose(median.numpy(), np.nanmedian(expected, axis=1), rtol=0, atol=1e-6)


def test_a_silent_stem_leaves_no_window():
    references = torch.stack([torch.randn(2, 2 * RATE), torch.zeros(2, 2 * RATE)])
    assert chunk_sdr(references, references + 0.1, window_samples=RATE).isnan().all()


def test_global_metrics_are_those_of_torchmetrics():
    audio = pytest.importorskip("torchmetrics.functional.audio")
    references, estimates = map(torch.from_numpy, _separated())
    flat = estimates.flatten(1), references.flatten(1)
    torch.testing.assert_close(sdr(references, estimates), audio.signal_noise_ratio(*flat))
    expected = audio.scale_invariant_signal_distortion_ratio(*flat, zero_mean=False)
    torch.testing.assert_close(si_sdr(references, estimates), expected)


def test_the_median_of_an_even_number_is_between_the_two_in_the_middle():
    values = torch.tensor([[4.0, torch.nan, 1.0, 2.0, torch.inf], [torch.nan] * 5]).double()
    assert float(median_of_defined(values)[0]) == 3.0
    assert math.isnan(median_of_defined(values)[1])


@given(
    seed=st.integers(0, 2**31),
    length=st.integers(1, 500),
    window=st.integers(1, 200),
    cuts=st.lists(st.integers(0, 500)),
    silence=st.tuples(st.integers(0, 500), st.integers(0, 300)),
)
@settings(max_examples=80)
def test_sums_over_any_blocks_are_the_metrics_of_the_whole(seed, length, window, cuts, silence):
    rng = np.random.default_rng(seed)
    references = rng.standard_normal((2, 2, length)).astype(np.float32)
    references[seed % 2, :, silence[0] : sum(silence)] = 0
    estimates = (references + rng.uniform(0, 2) * rng.standard_normal(references.shape)).astype(np.float32)
    references, estimates = torch.from_numpy(references), torch.from_numpy(estimates)
    sums = SignalSums(2, window)
    edges = [0, *sorted(cut for cut in cuts if cut < length), length]
    for start, stop in itertools.pairwise(edges):
        sums.add(references[..., start:stop], estimates[..., start:stop])
    close = {"rtol": 1e-9, "atol": 1e-9, "equal_nan": True}
    silent = ~references.flatten(1).any(dim=1)  # their sdr is -infinite
    torch.testing.assert_close(sums.sdr(), sdr(references, estimates), **close)
    torch.testing.assert_close(sums.sdr().isinf(), silent)
    torch.testing.assert_close(sums.si_sdr(), si_sdr(references, estimates), **close)
    torch.testing.assert_close(sums.chunk_sdr(), chunk_sdr(references, estimates, window_samples=window), **close)


def test_sums_keep_small_errors():
    references = torch.randn(1, 2, 3 * RATE, dtype=torch.float64)
    sums = SignalSums(1, RATE)
    sums.add(references, references + 1e-5 * torch.randn_like(references))
    assert float(sums.sdr()) == pytest.approx(100, abs=0.2)
    assert float(sums.si_sdr()) == pytest.approx(float(sums.sdr()), abs=1e-3)


def test_sums_know_infinite_samples():
    sums = SignalSums(1, RATE)
    sums.add(torch.ones(1, 1, 10), torch.ones(1, 1, 10))
    assert sums.finite
    sums.add(torch.ones(1, 1, 10), torch.full((1, 1, 10), torch.nan))
    assert not sums.finite


def test_blocks_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match="a reference of"):
        SignalSums(2, RATE).add(torch.zeros(2, 2, 10), torch.zeros(2, 1, 10))
