import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vocalsep.models.stft import istft, pack, stft, unpack

SIZES = {"n_fft": 64, "hop_length": 16}


@given(length=st.integers(1, 400), seed=st.integers(0, 99))
def test_round_trip_to_the_sample(length, seed):
    waveform = torch.randn(3, 2, length, generator=torch.Generator().manual_seed(seed))
    again = istft(stft(waveform, **SIZES), **SIZES, length=length)
    assert again.shape == waveform.shape
    torch.testing.assert_close(again, waveform, rtol=1e-5, atol=2e-6)


@given(n_hops=st.integers(3, 40))
def test_whole_hops_are_as_in_torch(n_hops):
    waveform = torch.randn(2, n_hops * 16)
    expected = torch.stft(waveform, 64, 16, window=torch.hann_window(64), return_complex=True)
    assert torch.equal(stft(waveform, **SIZES), expected)


def test_a_sine_is_where_it_belongs():
    """A sine of k cycles a window is a peak of half the window's sum at bin k."""
    time = torch.arange(1024)
    spectrogram = stft(torch.sin(2 * torch.pi * 8 * time / 64), **SIZES)
    middle = spectrogram[:, 10].abs()
    assert middle.argmax() == 8
    assert middle[8].item() == pytest.approx(64 / 4, rel=1e-4)


def test_pack_puts_all_real_parts_first():
    spectrogram = torch.complex(torch.arange(12.0).view(1, 2, 3, 2), 100 + torch.arange(12.0).view(1, 2, 3, 2))
    packed = pack(spectrogram)
    assert packed.shape == (1, 4, 2, 3)  # (batch, 2 * channel, frame, bin)
    assert torch.equal(packed[0, 1], spectrogram[0, 1].real.T)
    assert torch.equal(packed[0, 2], spectrogram[0, 0].imag.T)
    assert torch.equal(unpack(packed), spectrogram)
