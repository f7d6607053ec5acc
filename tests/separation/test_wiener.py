"""The filter against the reference implementation, and against what it must do to sounds."""

import json

import pytest
import torch
from safetensors.torch import load_file

from helpers.identity_model import IdentityModel
from vocalsep.api import Separator
from vocalsep.errors import OptionError
from vocalsep.models.architectures import build_model
from vocalsep.models.stft import istft, stft
from vocalsep.separation.engine import SegmentedSeparation
from vocalsep.separation.options import SeparationOptions
from vocalsep.separation.wiener import WienerFiltered, wiener_filter
from vocalsep.weights.published import import_published

N_FFT = {"n_fft": 1024, "hop_length": 256}


def relative_error(got, expected):
    return ((got - expected).norm() / expected.norm()).item()


def sdr(reference, estimate):
    return 20 * torch.log10(reference.norm() / (reference - estimate).norm()).item()


@pytest.fixture(scope="module")
def panned():
    """Two stems of noise in bands that come and go, each with a place of its own: ``(stem, channel, sample)``."""
    generator = torch.Generator().manual_seed(5)
    noise = stft(torch.randn(2, 60_000, generator=generator), **N_FFT)
    power = torch.rand(2, 19, noise.shape[-1] // 6 + 1, generator=generator).pow(3)
    power = power.repeat_interleave(27, dim=1).repeat_interleave(6, dim=2)[..., : noise.shape[-1]]
    sources = istft(noise * power, length=60_000, **N_FFT)
    return torch.tensor([[0.9, 0.5], [0.4, 1.0]])[:, :, None] * sources[:, None]


def masked(stems, mixture):
    """The true magnitudes with the mixture's phases, ``(1, stem, channel, bin, frame)``."""
    return torch.polar(stft(stems, **N_FFT).abs(), mixture.angle())[None]


def test_panned_stems_come_apart(panned):
    mixture = stft(panned.sum(dim=0), **N_FFT)
    estimates = masked(panned, mixture)
    scores = []
    for n in range(4):
        filtered = wiener_filter(estimates, mixture[None], n) if n else estimates
        waveforms = istft(filtered[0], length=60_000, **N_FFT)
        scores.append(min(sdr(stem, waveform) for stem, waveform in zip(panned, waveforms, strict=True)))
    assert scores[1] > scores[0] + 3
    assert scores == sorted(scores)


def test_stems_sum_to_the_mixture(panned):
    mixture = stft(panned.sum(dim=0), **N_FFT)[None]
    estimates = masked(panned, mixture[0])
    assert relative_error(estimates.sum(dim=1), mixture) > 0.1
    # all but what the floor of the covariance takes
    assert relative_error(wiener_filter(estimates, mixture, 2).sum(dim=1), mixture) < 1e-3
    # one stem: the second is what is left
    vocals = wiener_filter(estimates[:, :1], mixture, 2)
    both = torch.stack([estimates[:, 0], mixture - estimates[:, 0]], dim=1)
    assert vocals.shape == estimates[:, :1].shape
    assert torch.equal(vocals, wiener_filter(both, mixture, 2)[:, :1])


@pytest.mark.parametrize("excess", [1.0, 1000.0])
@pytest.mark.parametrize("level", [0.01, 1.0, 1e4])
def test_alike_channels_are_as_exact_as_in_double_precision(panned, level, excess):
    """The mixture's covariance is singular but for its floor, which is lost where estimates are far too loud."""
    alike = level * panned[:, :1].expand(-1, 2, -1)
    mixture = stft(alike.sum(dim=0), **N_FFT)
    estimates = excess * masked(alike, mixture)
    filtered = wiener_filter(estimates, mixture[None], 3)
    exact = wiener_filter(estimates.to(torch.complex128), mixture[None].to(torch.complex128), 3)
    assert relative_error(filtered, exact) < 1e-4
    torch.testing.assert_close(filtered[:, :, 0], filtered[:, :, 1], rtol=1e-3, atol=1e-4 * level)


def test_one_channel_is_the_classical_filter(panned):
    """Of one channel, the filter is the share of the stem in the power."""
    mono = panned[:, :1]
    mixture = stft(mono.sum(dim=0), **N_FFT)
    estimates = masked(mono, mixture)
    power = estimates.abs().square()
    expected = mixture[None] * power / power.sum(dim=1, keepdim=True)
    assert relative_error(wiener_filter(estimates, mixture[None], 1), expected) < 1e-3


def test_three_channels(panned):
    gains = torch.tensor([[0.9, 0.5, 0.1], [0.4, 1.0, 0.7]])
    stems = gains[:, :, None] * panned[:, :1]
    mixture = stft(stems.sum(dim=0), **N_FFT)
    filtered = wiener_filter(masked(stems, mixture), mixture[None], 2)
    waveforms = istft(filtered[0], length=60_000, **N_FFT)
    assert min(sdr(*pair) for pair in zip(stems, waveforms, strict=True)) > 10


def test_silence_stays_silence():
    silence = torch.zeros(1, 2, 513, 9, dtype=torch.complex64)
    for n_stems in (1, 2):
        filtered = wiener_filter(torch.zeros(1, n_stems, 2, 513, 9, dtype=torch.complex64), silence, 2)
        assert torch.equal(filtered, torch.zeros_like(filtered))


def test_items_do_not_see_each_other(panned):
    mixture = stft(panned.sum(dim=0), **N_FFT)
    mixtures = torch.stack([mixture, 100 * mixture.flip(0), torch.zeros_like(mixture)])
    estimates = torch.stack([0.5 * mixtures, 0.5 * mixtures], dim=1) * torch.rand(3, 2, 2, *mixture.shape[-2:])
    together = wiener_filter(estimates, mixtures, 2)
    assert together.isfinite().all()
    for item in (slice(0, 1), slice(1, 2), slice(2, 3)):
        torch.testing.assert_close(together[item], wiener_filter(estimates[item], mixtures[item], 2))


def test_places_that_change_are_followed_from_window_to_window(panned):
    """Each half is filtered as if it were alone, though the channels are exchanged in the second."""
    mixture = stft(panned.sum(dim=0), **N_FFT)
    estimates = masked(panned, mixture)
    mixture, estimates = mixture[..., :230], estimates[..., :230]
    moved = torch.cat([mixture, mixture.flip(0)], dim=-1)[None]
    both = wiener_filter(torch.cat([estimates, estimates.flip(2)], dim=-1), moved, 2)
    torch.testing.assert_close(both[..., :230], wiener_filter(estimates, mixture[None], 2))
    assert relative_error(both[..., 230:], both[..., :230].flip(2)) < 1e-4


SMALL = {
    "umx": {"n_fft": 256, "hop_length": 64, "hidden_size": 8, "n_layers": 2},
    "tdf_mask": {"n_fft": 256, "hop_length": 128, "n_bins": 128, "width": 4},
    "tfc_tdf_v3": {"n_fft": 256, "hop_length": 64, "n_bins": 128, "width": 4, "growth": 4, "scales": 2},
}


def run(model, waveform, **options):
    separation = SegmentedSeparation(model, SeparationOptions(device="cpu", segment_seconds=0.2, **options))
    return torch.cat(list(separation([waveform])), dim=-1)


@pytest.mark.parametrize("architecture", SMALL)
def test_through_the_engine(architecture, panned):
    torch.manual_seed(0)
    model = build_model({"architecture": architecture, **SMALL[architecture]})
    waveform = panned.sum(dim=0)[:, :20_001]
    plain = run(model, waveform, precision="fp32")
    assert torch.equal(run(model, waveform, precision="fp32", wiener=0), plain)
    filtered = run(model, waveform, precision="fp32", wiener=1)
    assert filtered.shape == plain.shape
    assert relative_error(filtered, plain) > 0.01
    if len(model.config.stems) > 1:  # the Nyquist bin is in no stem
        assert relative_error(filtered.sum(dim=0), waveform) < 0.05 < relative_error(plain.sum(dim=0), waveform)
    silent = run(model, torch.zeros(2, 9000), wiener=2)
    assert torch.equal(silent, torch.zeros_like(silent))
    # the filter itself is not reduced
    assert relative_error(run(model, waveform, precision="bf16", wiener=1), filtered) < 0.05


def test_a_model_without_spectrograms_is_refused():
    with pytest.raises(OptionError, match="a Wiener filter needs a model that estimates spectrograms"):
        SegmentedSeparation(IdentityModel(), SeparationOptions(wiener=1))


def test_the_accompaniment_is_the_rest(tone):
    separator = Separator(wiener=1, precision="fp32", device="cpu")
    stems = separator.separate(tone, 44100)
    plain = Separator(precision="fp32", device="cpu").separate(tone, 44100)
    torch.testing.assert_close(stems["vocals"] + stems["accompaniment"], tone, rtol=0, atol=1e-6)
    assert abs(stems["vocals"] - plain["vocals"]).max() > 1e-3


@pytest.fixture
def reference():
    """The reference implementation, which imports torchaudio."""
    pytest.importorskip("torchaudio")
    return pytest.importorskip("openunmix.model")


@pytest.fixture
def open_unmix(reference, reference_data):
    """The same weights in both: the reference's network and ours, windows of 128 samples, hops of 32."""
    tensors = load_file(reference_data / "reference" / "umx_small.safetensors")
    state = {key.removeprefix("state."): value for key, value in tensors.items() if key.startswith("state.")}
    config = json.loads((reference_data / "reference" / "index.json").read_text())["umx_small"]["config"]
    theirs = reference.OpenUnmix(**config)
    theirs.load_state_dict(state)
    checkpoint = import_published(state, "umx")
    ours = build_model(checkpoint.config)
    ours.load_state_dict(checkpoint.state)
    assert (ours.config.n_fft, ours.config.hop_length) == (128, 32)
    return theirs.eval(), ours


@pytest.mark.parametrize("iterations", [1, 2])
@pytest.mark.parametrize("n_frames", [100, 301, 600])
def test_parity_with_the_reference_separator(reference, open_unmix, panned, iterations, n_frames):
    """Its windows are 300 frames, from the first on; ours are equal parts, so that 301 frames are two halves.

    Whole hops: the reference leaves out what lies beyond them.
    """
    theirs, ours = open_unmix
    waveform = torch.stack([panned.sum(dim=0), panned.flip(1).sum(dim=0)])[..., : 32 * (n_frames - 1)]
    separator = reference.Separator(
        {"vocals": theirs},
        niter=iterations,
        residual=True,
        n_fft=128,
        n_hop=32,
        wiener_win_len=-(-n_frames // -(-n_frames // 300)),
    )
    with torch.inference_mode():
        expected = separator.eval()(waveform)
        got = WienerFiltered(ours, iterations)(waveform)
    assert relative_error(got[:, 0], expected[:, 0]) < 1e-5
    # of the rest, theirs lacks what the floor of the covariance takes
    assert relative_error(waveform - got[:, 0], expected[:, 1]) < 1e-3


@pytest.mark.parametrize("iterations", [1, 2])
def test_parity_with_the_reference_filter(panned, reference, iterations):
    """Spectrograms in and out, several stems, no residual, loud enough to be scaled down."""
    from openunmix.filtering import wiener

    mixture = stft(30 * panned.sum(dim=0), **N_FFT)[..., :200]
    magnitudes = stft(30 * panned, **N_FFT)[..., :200].abs()
    expected = wiener(
        magnitudes.permute(3, 2, 1, 0),
        torch.view_as_real(mixture).permute(2, 1, 0, 3),
        iterations,
    )
    expected = torch.view_as_complex(expected.permute(4, 2, 1, 0, 3).contiguous())
    got = wiener_filter(torch.polar(magnitudes, mixture.angle())[None], mixture[None], iterations)
    assert relative_error(got[0], expected) < 1e-5
