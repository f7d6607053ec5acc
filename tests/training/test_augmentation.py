import numpy as np
import pytest
import torch

pytest.importorskip("torchaudio")
scipy_signal = pytest.importorskip("scipy.signal")

from vocalsep.errors import OptionError
from vocalsep.training.augmentation import Augmentation, _biquad, _lowpass, _peaking

RATE = 44100


def stems(batch=6, seconds=0.2):
    return 0.1 * torch.randn(batch, 2, 2, round(seconds * RATE), generator=torch.Generator().manual_seed(1))


def augmented(augmentation, x, seed=0):
    torch.manual_seed(seed)
    return augmentation(x, x.shape[-1], RATE)


def test_the_defaults_change_nothing():
    x = stems()
    assert torch.equal(augmented(Augmentation(), x), x)


def test_the_same_seed_gives_the_same_and_another_does_not():
    everything = Augmentation(
        gain_low=0.5, gain_high=1.5, swap_channels=0.5, flip_polarity=0.5, remix=1, pitch=1, soften=0.5,
        equalise=0.5, narrow=0.5, lowpass=0.5, mono=0.3, band_limit=0.5, lo_fi=0.3, drive=0.5, mute_vocals=0.2,
        mute_accompaniment=0.2,
    )  # fmt: skip
    x = stems()
    first = augmented(everything, x, seed=3)
    assert torch.equal(first, augmented(everything, x, seed=3))
    assert not torch.equal(first, augmented(everything, x, seed=4))
    assert first.shape == x.shape
    assert first.isfinite().all()


def test_gains_are_those_asked_for_one_a_stem():
    x = stems(batch=64)
    ratio = augmented(Augmentation(gain_low=0.25, gain_high=1.25), x) / x
    assert torch.allclose(ratio, ratio[..., :1, :1].expand_as(ratio), rtol=1e-4)
    gains = ratio[..., 0, 0].flatten()
    assert 0.25 <= float(gains.min()) < 0.35
    assert 1.15 < float(gains.max()) <= 1.25


def test_swap_and_polarity():
    x = stems()
    assert torch.equal(augmented(Augmentation(swap_channels=1), x), x.flip(2))
    assert torch.equal(augmented(Augmentation(flip_polarity=1), x), -x)


def test_softened_vocals_rise_towards_the_low_end_and_keep_their_level():
    x = stems(batch=16, seconds=1)
    out = augmented(Augmentation(soften=1, soften_db=8), x)
    assert torch.equal(out[:, 1], x[:, 1])
    energy = x[:, 0].square().sum(dim=(1, 2))
    assert torch.allclose(out[:, 0].square().sum(dim=(1, 2)), energy, rtol=1e-3)
    ratio = (torch.fft.rfft(out[:, 0]).abs() / torch.fft.rfft(x[:, 0]).abs())[:, 0]  # a bin is 1 Hz
    assert (ratio[:, 100] >= ratio[:, 200]).all()
    assert (ratio[:, 200] >= ratio[:, 1000]).all()
    assert torch.allclose(ratio[:, 4000], ratio[:, 12000], rtol=0.01)
    slopes_db = 20 * torch.log10(ratio[:, 100] / ratio[:, 200])
    assert 4 < float(slopes_db.max()) <= 8.01


def test_remix_deals_the_vocals_and_leaves_the_accompaniments():
    x = stems(batch=16)
    out = augmented(Augmentation(remix=1), x)
    assert torch.equal(out[:, 1], x[:, 1])
    dealt = [int(next(j for j in range(16) if torch.equal(out[i, 0], x[j, 0]))) for i in range(16)]
    assert sorted(dealt) == list(range(16))
    assert dealt != list(range(16))


def test_speed_moves_the_pitch_of_both_stems():
    augmentation = Augmentation(speed=1, speed_range=0.1)
    n = RATE // 2
    time = torch.arange(augmentation.samples_for(n)) / RATE
    tone = torch.sin(2 * np.pi * 1000 * time).expand(1, 2, 2, -1)
    heard = set()
    for seed in range(12):
        torch.manual_seed(seed)
        out = augmentation(tone, n, RATE)
        assert out.shape[-1] == n
        peaks = torch.fft.rfft(out).abs().argmax(dim=-1) * RATE / n
        assert peaks.min() == peaks.max()
        heard.add(round(float(peaks.max())))
    assert min(heard) >= 898
    assert max(heard) <= 1102
    assert len(heard) > 2


def test_pitch_moves_the_vocals_alone_and_keeps_their_length():
    time = torch.arange(RATE) / RATE
    tone = torch.sin(2 * np.pi * 440 * time).expand(1, 2, 2, -1)
    out = augmented(Augmentation(pitch=1, pitch_semitones=3), tone)
    assert torch.equal(out[:, 1], tone[:, 1])
    peak = float(torch.fft.rfft(out[0, 0, 0]).abs().argmax())
    semitones = 12 * np.log2(peak / 440)
    assert 0.9 < abs(semitones) < 3.1
    assert abs(semitones - round(semitones)) < 0.1


def test_narrowing_keeps_the_middle():
    x = stems()
    out = augmented(Augmentation(narrow=1), x)
    torch.testing.assert_close(out.mean(dim=2), x.mean(dim=2))
    side, before = (y[:, :, 0] - y[:, :, 1] for y in (out, x))
    assert (side.abs() <= before.abs() + 1e-6).all()


def test_filters_are_those_of_scipy():
    x = stems(batch=3).flatten(0, 1)
    frequency = torch.linspace(100, 8000, 6).view(6, 1, 1)
    for b, a in (_peaking(frequency, torch.full_like(frequency, 6.0), torch.ones_like(frequency), RATE),
                 _lowpass(frequency, RATE)):  # fmt: skip
        ours = _biquad(x, b, a)
        for item in range(6):
            expected = scipy_signal.lfilter(b[item, 0].double(), a[item, 0].double(), x[item].double())
            np.testing.assert_allclose(ours[item], expected, atol=2e-4)


def test_a_peaking_filter_has_its_gain_at_its_frequency():
    frequency = torch.tensor([[[1000.0]]])
    b, a = _peaking(frequency, torch.tensor([[[6.0]]]), torch.tensor([[[1.0]]]), RATE)
    _, response = scipy_signal.freqz(b.flatten(), a.flatten(), worN=[1000.0, 15000.0], fs=RATE)
    np.testing.assert_allclose(20 * np.log10(np.abs(response)), [6.0, 0.0], atol=0.1)


def test_muting_never_leaves_a_chunk_silent():
    x = stems(batch=200, seconds=0.01)
    out = augmented(Augmentation(mute_vocals=0.4, mute_accompaniment=0.4), x)
    silent = out.abs().sum(dim=(2, 3)) == 0
    assert not silent.all(dim=1).any()
    assert 50 < int(silent[:, 0].sum()) < 110
    assert 25 < int(silent[:, 1].sum()) < 75


def test_shares_and_ranges_are_checked():
    for wrong in ({"remix": 1.5}, {"narrow": -0.1}, {"gain_low": 2.0}, {"speed_range": 0.9}):
        with pytest.raises(OptionError):
            Augmentation(**wrong)


def test_mono_is_the_middle_of_both_stems_of_a_chunk():
    x = stems(batch=40)
    out = augmented(Augmentation(mono=0.5), x)
    same = (out[:, :, 0] == out[:, :, 1]).all(dim=-1)
    assert torch.equal(same[:, 0], same[:, 1])
    assert 8 < int(same[:, 0].sum()) < 32
    assert torch.equal(out[~same[:, 0]], x[~same[:, 0]])
    torch.testing.assert_close(out.mean(dim=2), x.mean(dim=2))


def test_a_limited_band_ends_at_one_frequency_in_both_stems():
    x = stems(batch=16, seconds=1)
    out = augmented(Augmentation(band_limit=1, band_limit_hz=3500), x)
    power = torch.fft.rfft(out).abs().square().flatten(2)
    lost = torch.fft.rfft(out - x).abs().square().flatten(2)
    assert (lost.sum(dim=-1) > 0.01 * power.sum(dim=-1)).all()
    ends = (torch.fft.rfft(out).abs().amax(dim=2) > 1e-3).float().cumsum(dim=-1).argmax(dim=-1)  # Hz: one second
    assert torch.equal(ends[:, 0] // 100, ends[:, 1] // 100)
    assert 3400 < int(ends.min()) < 6000
    assert 12_000 < int(ends.max()) <= 0.4 * RATE
    low = torch.fft.rfft(out - x).abs()[..., :3200]
    assert float(low.max()) < 1e-3 * float(torch.fft.rfft(x).abs().max())


def test_lo_fi_is_mono_and_narrow_at_once_and_the_rest_stays():
    x = stems(batch=40, seconds=1)
    out = augmented(Augmentation(lo_fi=0.5, band_limit_hz=3500), x)
    same = (out[:, :, 0] == out[:, :, 1]).flatten(1).all(dim=1)
    above = torch.fft.rfft(out)[..., round(0.41 * RATE) :].abs().flatten(1).amax(dim=1)
    assert torch.equal(same, above < 1e-3)
    assert 8 < int(same.sum()) < 32
    assert torch.equal(out[~same], x[~same])


def test_driving_bends_the_mixture_and_keeps_the_share_of_the_stems():
    x = stems(batch=8)
    out = augmented(Augmentation(drive=1, drive_db=12), x)
    mixture, driven = x.sum(dim=1), out.sum(dim=1)
    crest = mixture.abs().amax(dim=-1) / mixture.square().mean(dim=-1).sqrt()
    after = driven.abs().amax(dim=-1) / driven.square().mean(dim=-1).sqrt()
    assert (after < crest).all()
    loud = mixture.abs() > 1e-2
    torch.testing.assert_close((out[:, 0] / driven)[loud], (x[:, 0] / mixture)[loud], rtol=1e-3, atol=1e-3)
    silent = torch.zeros_like(x)
    assert torch.equal(augmented(Augmentation(drive=1), silent), silent)
