from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vocalsep.audio.resample import StreamResampler, resample_blocks, resampled_length

RATES = st.sampled_from([8000, 11025, 16000, 22050, 32000, 44056, 44100, 48000, 88200, 96000, 176400, 192000])


def resample(samples: np.ndarray, in_rate: int, out_rate: int, block_samples: int = 65536) -> np.ndarray:
    blocks = [samples[:, i : i + block_samples] for i in range(0, samples.shape[1], block_samples)]
    return np.concatenate(list(resample_blocks(blocks, in_rate, out_rate)), axis=1)


def sine(hz: float, sample_rate: int, seconds: float) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * sample_rate)) / sample_rate)[np.newaxis]


@settings(max_examples=60)
@given(RATES, RATES, st.integers(1, 5000), st.integers(1, 3000))
@example(44100, 22050, 101, 7)
@example(44100, 192000, 1, 1)
@example(192000, 8000, 3, 1)
def test_length_is_exact(in_rate: int, out_rate: int, n: int, block_samples: int) -> None:
    samples = np.full((1, n), 0.25, np.float32)
    resampler = StreamResampler(in_rate, out_rate, 1)
    blocks = [resampler.push(samples[:, i : i + block_samples]) for i in range(0, n, block_samples)]
    n_out = sum(block.shape[1] for block in (*blocks, resampler.finish()))
    assert n_out == resampled_length(n, in_rate, out_rate)
    assert abs(n_out - n * out_rate / in_rate) <= 0.5 or n_out == 1


@pytest.mark.parametrize(("in_rate", "out_rate"), [(44100, 48000), (48000, 44100), (192000, 44100), (8000, 44100)])
def test_sine_keeps_frequency_phase_and_level(in_rate: int, out_rate: int) -> None:
    nyquist = min(in_rate, out_rate) / 2
    for hz in (40.0, 0.3 * nyquist, 0.6 * nyquist, 0.9 * nyquist):
        out = resample(sine(hz, in_rate, 1.0).astype(np.float32), in_rate, out_rate)[0]
        turns = hz * np.arange(out.size) / out_rate
        basis = 0.5 * np.exp(2j * np.pi * turns).view(np.float64).reshape(-1, 2)
        middle = slice(out_rate // 10, -out_rate // 10)
        (cosine, level), *_ = np.linalg.lstsq(basis[middle], out[middle], rcond=None)
        distortion = out[middle] - basis[middle] @ (cosine, level)
        assert 20 * np.log10(np.std(distortion) / np.sqrt(0.125)) < -120
        assert abs(np.degrees(np.arctan2(cosine, level))) < 0.001
        assert abs(20 * np.log10(level)) < (0.0002 if hz <= 0.6 * nyquist else 0.01)


def test_what_the_lower_rate_cannot_hold_is_removed() -> None:
    out = resample(sine(30000.0, 96000, 0.5).astype(np.float32), 96000, 44100)
    assert np.abs(out[:, 2000:-2000]).max() < 10 ** (-100 / 20)


@given(RATES, st.integers(1, 4000))
@settings(max_examples=20)
def test_result_does_not_depend_on_blocks(out_rate: int, block_samples: int) -> None:
    samples = np.random.default_rng(3).standard_normal((2, 6000)).astype(np.float32)
    np.testing.assert_array_equal(
        resample(samples, 44100, out_rate), resample(samples, 44100, out_rate, block_samples)
    )


def test_round_trip_is_in_place() -> None:
    time = np.arange(44100) / 44100
    samples = sum(np.sin(2 * np.pi * hz * time) for hz in (110, 1234.5, 9876.5))[np.newaxis].astype(np.float32) / 4
    back = resample(resample(samples, 44100, 48000), 48000, 44100)
    assert back.shape == samples.shape
    assert np.abs(back - samples)[:, 1000:-1000].max() < 1e-5


def test_equal_rates_pass_blocks_through_untouched() -> None:
    block = np.random.default_rng(0).standard_normal((2, 100)).astype(np.float32)
    resampler = StreamResampler(44100, 44100, 2)
    assert resampler.push(block) is block
    assert resampler.finish().shape == (2, 0)
