"""Effects against their physics and against SciPy; codecs against the sample."""

import numpy as np
import pytest

pytest.importorskip("scipy")

from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import fftconvolve

from vocalsep.synthesis.mixing.channel import Strip, draw_strip, draw_vocal_strip, through_strip
from vocalsep.synthesis.mixing.chorus import chorus
from vocalsep.synthesis.mixing.codec import Codec, through_codec
from vocalsep.synthesis.mixing.dynamics import Compressor, compression_gain, ducking_gain, limiter_gain
from vocalsep.synthesis.mixing.echo import Echo, echoes
from vocalsep.synthesis.mixing.equaliser import Band, equalise
from vocalsep.synthesis.mixing.master import Master, mastered
from vocalsep.synthesis.mixing.panorama import placed
from vocalsep.synthesis.mixing.reverb import Room, impulse_response, reverberated
from vocalsep.synthesis.waveform import active_rms, add_at, decibels, gain_of, panned, silent_share

RATE = 44_100
rng = np.random.default_rng(0)
NOISE = 0.1 * rng.standard_normal((2, 2 * RATE)).astype(np.float32)


def gain_at(band, hz):
    """Gain in dB of a band at a frequency, from its answer to an impulse."""
    impulse = np.zeros((2, RATE), np.float32)
    impulse[:, 0] = 1
    return decibels(np.abs(np.fft.rfft(equalise(impulse, [band])[0]))[round(hz)])


@pytest.mark.parametrize(
    ("band", "gains"),
    [
        (Band(kind="high pass", hz=200), {200: -3, 20: -40, 5000: 0}),
        (Band(kind="low pass", hz=2000), {2000: -3, 100: 0, 10_000: -31.2}),
        (Band(kind="peak", hz=1000, gain_db=6, q=1), {1000: 6, 20: 0, 20_000: 0}),
        (Band(kind="low shelf", hz=300, gain_db=-8), {20: -8, 10_000: 0, 300: -4}),
        (Band(kind="high shelf", hz=4000, gain_db=5), {20: 0, 20_000: 5, 4000: 2.5}),
    ],
)
def test_filters_have_the_gain_they_are_set_to(band, gains):
    for hz, gain_db in gains.items():
        assert gain_at(band, hz) == pytest.approx(gain_db, abs=0.6)


@given(
    level=st.floats(0.01, 30),
    ceiling=st.floats(0.1, 1),
    n=st.integers(1, 20_000),
    spikes=st.lists(st.integers(0, 19_999), max_size=5),
)
def test_the_limiter_holds_its_ceiling(level, ceiling, n, spikes):
    samples = level * np.random.default_rng(n).standard_normal((2, n)).astype(np.float32)
    for spike in spikes:
        samples[spike % 2, spike % n] = 100.0
    gain = limiter_gain(samples, ceiling)
    assert gain.shape == (n,)
    assert np.abs(samples * gain).max() <= ceiling * (1 + 1e-5)
    assert gain.max() <= 1 + 1e-6


def test_the_limiter_leaves_alone_what_is_low():
    assert np.allclose(limiter_gain(NOISE, 2.0), 1)


def test_a_compressor_brings_levels_together():
    levels = np.repeat([0.01, 1.0, 0.01, 1.0], RATE // 2).astype(np.float32)
    compressor = Compressor(threshold_db=-10, ratio=4, attack_seconds=0.002, release_seconds=0.05)
    gain = compression_gain(NOISE * levels, compressor)
    assert gain.max() <= 1 + 1e-6
    assert gain[RATE // 2 - 1000] == pytest.approx(1, abs=0.01)
    # 7.5 dB of the upper 10 above the threshold go
    assert decibels(gain[RATE - 1000]) == pytest.approx(-7.5, abs=1.5)


def test_ducking_follows_the_kick():
    gain = ducking_gain([0.5], 6.0, RATE)
    assert gain[: RATE // 2 - 500] == pytest.approx(1)
    assert decibels(gain.min()) == pytest.approx(-6, abs=0.2)
    assert RATE // 2 <= gain.argmin() < RATE // 2 + 2000
    assert gain[-1000] == pytest.approx(1)


def test_the_reverb_is_a_convolution():
    response = impulse_response(np.random.default_rng(1), Room(
        seconds=1.0, damping=0.5, before_seconds=0.02, low_hz=100, high_hz=8000, reflections=5))  # fmt: skip
    sound = rng.standard_normal(200_000).astype(np.float32)
    wanted = np.stack([fftconvolve(sound, side)[: len(sound)] for side in response])
    assert np.abs(reverberated(sound, response) - wanted).max() < 1e-3
    assert not response[:, : int(0.02 * RATE)].any()
    assert (response**2).sum() == pytest.approx(2, rel=1e-3)
    early, late = (np.sqrt((response[:, int(s * RATE) : int((s + 0.1) * RATE)] ** 2).mean()) for s in (0.1, 0.6))
    assert decibels(early / late) == pytest.approx(30, abs=4), "60 dB in a second is 30 in half of one"


def test_echoes_come_when_they_are_due():
    click = np.zeros((2, RATE), np.float32)
    click[0, 0] = 1
    added = echoes(click, Echo(seconds=0.25, feedback=0.5, level=0.4, high_hz=9000, sides=True))
    left, right = np.abs(added)
    quarter = RATE // 4
    assert right[quarter : quarter + 50].max() > 0.1
    assert not left[quarter : quarter + 50].any()
    assert left[2 * quarter : 2 * quarter + 50].max() == pytest.approx(right[quarter : quarter + 50].max() / 2)
    assert not added[:, :quarter].any()


def test_panning_keeps_the_power_and_placing_the_sum_of_a_mono_sound():
    sound = NOISE[0]
    for position in (-1, -0.3, 0, 1):
        assert (panned(sound, position) ** 2).sum() == pytest.approx(2 * (sound**2).sum(), rel=1e-4)
    assert not panned(sound, -1)[1].any() or np.abs(panned(sound, -1)[1]).max() < 1e-6
    narrow = placed(NOISE, 0.0, 0.0)
    assert np.allclose(narrow[0], narrow[1])
    assert np.allclose(placed(NOISE, 0.0, 1.0), NOISE, atol=1e-6)


def test_a_chorus_keeps_its_sound_and_spreads_it():
    wet = chorus(np.stack([NOISE[0], NOISE[0]]), 0.5, 0.003, 0.7, 0.0)
    assert np.corrcoef(wet[0], NOISE[0])[0, 1] > 0.7
    assert 0.3 < np.corrcoef(wet)[0, 1] < 0.95


@given(start=st.integers(-20, 20), n=st.integers(0, 15))
def test_adding_outside_of_a_track_cuts_off(start, n):
    track = np.zeros((2, 10), np.float32)
    sound = np.tile(np.arange(1, n + 1, dtype=np.float32), (2, 1))
    add_at(track, sound, start)
    wanted = [at - start + 1 if 0 <= at - start < n else 0 for at in range(10)]
    assert track.tolist() == [wanted, wanted]


def test_strips_come_out_at_the_level_they_are_set_to():
    for seed in range(12):
        drawing = np.random.default_rng(seed)
        for strip in (draw_vocal_strip(drawing, 0.5), draw_strip(drawing, "guitar", 0.5, distorted=True)):
            mixed = through_strip(NOISE, strip)
            assert np.isfinite(mixed).all()
            assert decibels(active_rms(mixed)) == pytest.approx(-20 + strip.level_db, abs=0.1)
    assert not through_strip(np.zeros((2, 100), np.float32), Strip()).any()


@pytest.mark.parametrize("codec", [Codec(container="mp3", kbps=64), Codec(container="mp3", kbps=128),
                                   Codec(container="m4a", kbps=48), Codec(container="m4a", kbps=128)])  # fmt: skip
def test_codecs_damage_in_place(codec, tmp_path):
    """Of all shifts of up to 2,000 samples, none fits better than none at all."""
    sound = equalise(NOISE, [Band(kind="low pass", hz=1500)])
    sound[:, :8000] = 0
    damaged = through_codec(sound, codec, tmp_path)
    assert damaged.shape == sound.shape
    spectrum = np.conj(np.fft.rfft(sound[0])) * np.fft.rfft(damaged[0])
    correlation = np.fft.irfft(spectrum)
    shifts = np.concatenate([correlation[:2000], correlation[-2000:]])
    assert shifts.argmax() == 0
    error = np.abs(damaged - sound).max()
    assert 1e-4 < error < 0.5, "damaged, and not another sound"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("loudness_db", [-30, -14, -3])
def test_the_stems_still_add_up_after_the_last_steps(loudness_db, tmp_path):
    """Compressor and limiter are one gain for all: the mixture is the limited mixture, and no stem is bent."""
    tone = np.sin(2 * np.pi * 220 * np.arange(2 * RATE) / RATE).astype(np.float32)
    stems = {"vocals": np.stack([tone, 0.5 * tone]), "drums": NOISE, "bass": np.zeros_like(NOISE)}
    glue = Compressor(threshold_db=-3, ratio=2, attack_seconds=0.01, release_seconds=0.1)
    done = mastered(stems, Master(
        medium=None, loudness_db=loudness_db, glue=glue, ceiling_db=-0.5, codec=None), tmp_path)  # fmt: skip
    mixture = sum(done.values())
    assert np.abs(mixture).max() <= gain_of(-0.4)
    if loudness_db == -30:
        assert decibels(active_rms(mixture)) == pytest.approx(-30, abs=0.3)
    gain = done["vocals"][0, 1000:-1000] / np.where(np.abs(tone[1000:-1000]) > 0.1, tone[1000:-1000], np.nan)
    other = done["drums"][1, 1000:-1000] / np.where(
        np.abs(NOISE[1, 1000:-1000]) > 0.1, NOISE[1, 1000:-1000], np.nan
    )
    both = np.isfinite(gain) & np.isfinite(other)
    assert np.allclose(gain[both], other[both], rtol=1e-4)
    assert not done["bass"].any()


def test_the_silent_share_is_that_of_the_time():
    half = NOISE.copy()
    half[:, RATE:] = 0
    assert silent_share(half) == pytest.approx(0.5, abs=0.15)
    assert silent_share(np.zeros_like(NOISE)) == 1
    assert silent_share(NOISE) == 0
