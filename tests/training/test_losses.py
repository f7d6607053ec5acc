import math

import pytest
import torch

pytest.importorskip("torchaudio")

from vocalsep.errors import OptionError
from vocalsep.models.architectures import build_model
from vocalsep.models.stft import pack, stft
from vocalsep.training.losses import LOSSES, Comparison, weighted_losses

UNET = {"architecture": "tdf", "n_fft": 512, "hop_length": 256, "n_bins": 256, "depth": 2, "growth": 6}
UMX = {"architecture": "umx", "n_fft": 512, "hop_length": 256, "hidden_size": 8, "n_layers": 2}


def comparison(config=UNET, *, error=0.1, silent=False):
    """An estimate that is the reference plus noise."""
    model = build_model(config)
    generator = torch.Generator().manual_seed(0)
    reference, accompaniment, noise = 0.3 * torch.randn(3, 2, 2, 8000, generator=generator)
    if silent:
        reference = torch.zeros_like(reference)
    estimate = reference + error * noise
    return Comparison(model, model.codec.transform(estimate), reference, reference + accompaniment)


@pytest.mark.parametrize("config", [UNET, UMX])
@pytest.mark.parametrize("name", LOSSES)
def test_a_better_estimate_has_a_lower_loss(name, config):
    near, far = (float(LOSSES[name](comparison(config, error=error))) for error in (0.01, 0.3))
    assert near < far


@pytest.mark.parametrize("config", [UNET, UMX])
@pytest.mark.parametrize("level", [0.0, 1.4e-45, 1e-30])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_near_silence_are_finite_and_have_gradients(name, level, config):
    compared = comparison(config, silent=True, error=0.0)
    spectrogram = torch.full_like(compared.estimate_spectrogram, level).requires_grad_()
    loss = LOSSES[name](Comparison(compared.model, spectrogram, compared.reference, compared.mixture))
    loss.backward()
    assert math.isfinite(loss.item())
    assert spectrogram.grad.isfinite().all()


def test_the_published_loss_is_that_of_the_packed_spectrograms():
    compared = comparison()
    packed = [
        pack(stft(x, n_fft=512, hop_length=256)[..., :256, :]) for x in (compared.estimate, compared.reference)
    ]
    expected = torch.nn.functional.mse_loss(*packed)
    torch.testing.assert_close(LOSSES["mse_spectrogram"](compared), expected, rtol=1e-4, atol=0)


def test_the_baseline_is_compared_by_magnitude():
    compared = comparison(UMX)
    turned = Comparison(
        compared.model, -compared.reference_spectrogram, compared.reference, compared.mixture
    )  # the right magnitudes in the wrong phase
    assert float(LOSSES["mse_spectrogram"](turned)) < 1e-12


def test_neg_sdr_is_the_ratio_in_decibels():
    compared = comparison(error=0.3)
    reference, estimate, mixture = compared.reference, compared.estimate, compared.mixture

    def ratio(true, found):
        return 10 * torch.log10(true.square().sum(dim=(1, 2)) / (true - found).square().sum(dim=(1, 2)))

    expected = -(ratio(reference, estimate) + ratio(mixture - reference, mixture - estimate)).mean() / 2
    assert float(LOSSES["neg_sdr"](compared)) == pytest.approx(float(expected), abs=0.2)  # the floor costs some


def test_the_sum_is_weighted_and_its_terms_are_not():
    compared = comparison()
    losses = weighted_losses(compared, {"l1_waveform": 2.0, "neg_sdr": 0.5})
    assert list(losses) == ["loss", "l1_waveform", "neg_sdr"]
    assert float(losses["loss"]) == pytest.approx(
        2 * float(losses["l1_waveform"]) + 0.5 * float(losses["neg_sdr"]), rel=1e-6
    )
    assert float(losses["l1_waveform"]) == pytest.approx(float(LOSSES["l1_waveform"](compared)))


def test_unknown_losses_are_refused():
    with pytest.raises(OptionError, match="unknown loss 'mse'"):
        weighted_losses(comparison(), {"mse": 1.0})
    with pytest.raises(OptionError, match="no loss"):
        weighted_losses(comparison(), {})
