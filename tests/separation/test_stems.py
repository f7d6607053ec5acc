import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.identity_model import IdentityModel
from vocalsep.separation.engine import SegmentedSeparation
from vocalsep.separation.options import SeparationOptions
from vocalsep.separation.stems import stream_stems


def separate(blocks, sample_rate, channels, *, model=None, share=1.0):
    model = model or IdentityModel(sample_rate=8000, share=share)
    separation = SegmentedSeparation(model, SeparationOptions(segment_seconds=0.5, device="cpu"))
    out = list(stream_stems(separation, blocks, sample_rate=sample_rate, channels=channels))
    return {stem: np.concatenate([block[stem] for block in out], axis=1) for stem in ("vocals", "accompaniment")}


def noise(channels, length, seed=0):
    return np.random.default_rng(seed).standard_normal((channels, length)).astype(np.float32)


@settings(max_examples=60)
@given(
    rate=st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000]),
    channels=st.integers(1, 8),
    length=st.integers(1, 20_000),
    block=st.integers(1, 25_000),
)
def test_lengths_and_sums_hold_for_every_rate_and_channel_count(rate, channels, length, block):
    mixture = noise(channels, length)
    blocks = [mixture[:, i : i + block] for i in range(0, length, block)]
    stems = separate(blocks, rate, channels, share=0.25)
    for samples in stems.values():
        assert samples.shape == mixture.shape
        assert samples.dtype == np.float32
    np.testing.assert_allclose(stems["vocals"] + stems["accompaniment"], mixture, atol=1e-6)


def test_at_the_models_rate_the_estimate_is_exact():
    mixture = noise(2, 10_000)
    stems = separate([mixture], 8000, 2)
    assert np.array_equal(stems["vocals"], mixture)
    assert not stems["accompaniment"].any()


@pytest.mark.parametrize("rate", [44100, 16000])
def test_the_way_there_and_back_stays_aligned(rate):
    """What an identity model gives back of a low tone is the tone, to -80 dB, not a sample early or late."""
    time = np.arange(2 * rate) / rate
    mixture = np.stack([np.sin(2 * np.pi * 440 * time), np.cos(2 * np.pi * 1234 * time)]).astype(np.float32)
    stems = separate([mixture], rate, 2)
    middle = slice(rate // 10, -rate // 10)
    assert np.abs(stems["accompaniment"][:, middle]).max() < 1e-4


def test_what_the_models_rate_cannot_hold_is_in_the_accompaniment():
    time = np.arange(48_000) / 48_000
    high = np.sin(2 * np.pi * 15_000 * time).astype(np.float32)[None].repeat(2, axis=0)
    stems = separate([high], 48_000, 2)
    assert np.abs(stems["vocals"][:, 1000:-1000]).max() < 1e-3
    np.testing.assert_allclose(stems["accompaniment"][:, 1000:-1000], high[:, 1000:-1000], atol=1e-3)


def test_mono_stays_mono():
    mixture = noise(1, 5000)
    assert np.array_equal(separate([mixture], 8000, 1)["vocals"], mixture)


def test_only_the_front_pair_of_many_channels_is_separated():
    mixture = noise(6, 5000)
    stems = separate([mixture], 8000, 6)
    assert np.array_equal(stems["vocals"][:2], mixture[:2])
    assert not stems["vocals"][2:].any()
    assert np.array_equal(stems["accompaniment"][2:], mixture[2:])


def test_a_model_with_both_stems_gives_both():
    class Both(IdentityModel):
        def __init__(self):
            super().__init__(sample_rate=8000)
            self.config.stems = ("vocals", "accompaniment")

        def forward(self, waveform):
            return super().forward(waveform).repeat(1, 2, 1, 1) * waveform.new_tensor([0.5, 0.25])[:, None, None]

    mixture = noise(3, 5000)
    stems = separate([mixture], 8000, 3, model=Both())
    np.testing.assert_array_equal(stems["vocals"][:2], 0.5 * mixture[:2])
    np.testing.assert_array_equal(stems["accompaniment"][:2], 0.25 * mixture[:2])
    np.testing.assert_array_equal(stems["accompaniment"][2], mixture[2])


def test_an_error_while_reading_reaches_the_caller():
    def blocks():
        yield noise(2, 9000)
        raise ValueError("the file ends here")

    with pytest.raises(ValueError, match="ends here"):
        separate(blocks(), 8000, 2)


class Smearing(IdentityModel):
    """Puts a tenth of the loudest sample everywhere, as a spectrogram's window smears an onset."""

    def forward(self, waveform):
        return super().forward(waveform + 0.1 * waveform.abs().amax())


@pytest.mark.parametrize(("rate", "block"), [(8000, 10_000), (8000, 333), (44100, 5000)])
def test_where_the_song_is_silent_the_stems_are(rate, block):
    mixture = noise(2, 3 * rate)
    mixture[:, :rate] = 0
    mixture[:, 2 * rate : 2 * rate + rate // 50] = 0  # 20 ms
    mixture[:, 2 * rate + rate // 2] = 0  # one sample is no silence
    blocks = [mixture[:, i : i + block] for i in range(0, mixture.shape[1], block)]
    stems = separate(blocks, rate, 2, model=Smearing(sample_rate=8000))
    for samples in stems.values():
        assert not samples[:, :rate].any()
        assert not samples[:, 2 * rate : 2 * rate + rate // 50].any()
        assert samples[:, 2 * rate + rate // 2].any()
        assert samples[:, rate + 100].any()
    np.testing.assert_allclose(stems["vocals"] + stems["accompaniment"], mixture, atol=1e-6)
