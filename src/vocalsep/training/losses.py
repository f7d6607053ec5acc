"""What training minimises: losses by name, each between the estimate of the vocals and the true ones.

All compute in float32 and give one number, the mean over the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from vocalsep.errors import OptionError
from vocalsep.models.base import SpectrogramModel
from vocalsep.models.stft import pack, stft

_RESOLUTIONS = (512, 1024, 2048)
"""Windows of `multi_resolution_stft`, in samples; the hop is a quarter."""

_COMPRESSION = 0.3
_FLOOR = 1e-3


@dataclass
class Comparison:
    """An estimate of the vocals, the true ones, and the mixture they come from.

    What a loss does not ask for is not computed.

    Attributes:
        model: the model that gave the estimate.
        estimate_spectrogram: complex ``(batch, channel, bin, frame)``.
        reference: true vocals, ``(batch, channel, sample)``.
        mixture: what the estimate was made from, ``(batch, channel, sample)``.
    """

    model: SpectrogramModel
    estimate_spectrogram: Tensor
    reference: Tensor
    mixture: Tensor

    @cached_property
    def reference_spectrogram(self) -> Tensor:
        """The model's transform of the reference, complex ``(batch, channel, bin, frame)``."""
        return self.model.codec.transform(self.reference)

    @cached_property
    def mixture_spectrogram(self) -> Tensor:
        """The model's transform of the mixture, complex ``(batch, channel, bin, frame)``."""
        return self.model.codec.transform(self.mixture)

    @cached_property
    def estimate(self) -> Tensor:
        """The estimate as waveform ``(batch, channel, sample)``."""
        return self.model.codec.invert(self.estimate_spectrogram, self.reference.shape[-1])

    def waveforms(self) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Estimate and reference of the vocals, then of the accompaniment: mixture minus vocals."""
        return (
            (self.estimate, self.reference),
            (self.mixture - self.estimate, self.mixture - self.reference),
        )


def mse_spectrogram(comparison: Comparison) -> Tensor:
    """Mean squared error of what the network estimates: complex-as-channels spectrograms, or magnitudes.

    The loss of the published experiment; the bins above those that the network sees do not count.
    """
    n_bins = comparison.model.codec.n_bins
    estimate = comparison.estimate_spectrogram[..., :n_bins, :]
    reference = comparison.reference_spectrogram[..., :n_bins, :]
    if comparison.model.codec.estimates_magnitude:
        return (_magnitude(estimate) - _magnitude(reference)).square().mean()
    return (pack(estimate) - pack(reference)).square().mean()


def l1_waveform(comparison: Comparison) -> Tensor:
    """Mean absolute error of the samples of the vocals; that of the accompaniment is the same."""
    return (comparison.estimate - comparison.reference).abs().mean()


def multi_resolution_stft(comparison: Comparison) -> Tensor:
    """Spectral convergence and log-magnitude distance at three resolutions, the mean over both stems.

    Reference: Yamamoto et al. 2020, "Parallel WaveGAN", arXiv:1910.11480.
    """
    terms = []
    for estimate, reference in comparison.waveforms():
        for n_fft in _RESOLUTIONS:
            found, true = (_magnitude(stft(x, n_fft=n_fft, hop_length=n_fft // 4)) for x in (estimate, reference))
            # a silent reference has no level to converge to: 1e-3 an item stands in for it
            convergence = _norm(found - true) / (_norm(true) + 1e-3)
            logarithms = (torch.log(found + 1e-5) - torch.log(true + 1e-5)).abs()
            terms.append(convergence.mean() + logarithms.mean())
    return torch.stack(terms).mean()


def complex_compressed(comparison: Comparison) -> Tensor:
    """Mean absolute error of spectrograms whose magnitudes are raised to 0.3, the mean over both stems."""
    mixture = comparison.mixture_spectrogram
    pairs = [
        (comparison.estimate_spectrogram, comparison.reference_spectrogram),
        (mixture - comparison.estimate_spectrogram, mixture - comparison.reference_spectrogram),
    ]
    return torch.stack([_magnitude(_compressed(e) - _compressed(r)).mean() for e, r in pairs]).mean()


def neg_sdr(comparison: Comparison) -> Tensor:
    """The negative signal-to-distortion ratio in dB, the mean over both stems.

    A thousandth of the mixture's energy is added to signal and distortion, so that it is defined for a silent
    stem, and what is 30 dB below the mixture counts little. Reference: Wisdom et al. 2020, arXiv:2006.12701.
    """
    floor = _FLOOR * _energy(comparison.mixture) + 1e-8
    terms = [
        10 * torch.log10((_energy(estimate - reference) + floor) / (_energy(reference) + floor))
        for estimate, reference in comparison.waveforms()
    ]
    return torch.stack(terms).mean()


LOSSES: dict[str, Callable[[Comparison], Tensor]] = {
    "mse_spectrogram": mse_spectrogram,
    "l1_waveform": l1_waveform,
    "multi_resolution_stft": multi_resolution_stft,
    "complex_compressed": complex_compressed,
    "neg_sdr": neg_sdr,
}


def weighted_losses(comparison: Comparison, weights: Mapping[str, float]) -> dict[str, Tensor]:
    """Each loss by its name, unweighted, and their weighted sum as ``loss``: what is logged is what is trained.

    Raises:
        OptionError: no such loss.
    """
    check_losses(weights)
    terms = {name: LOSSES[name](comparison) for name in weights}
    return {"loss": torch.stack([weight * terms[name] for name, weight in weights.items()]).sum(), **terms}


def check_losses(weights: Mapping[str, float]) -> None:
    """Refuse weights of unknown losses, and none at all.

    Raises:
        OptionError: says which.
    """
    unknown = [name for name in weights if name not in LOSSES]
    if unknown or not weights:
        what = f"unknown loss '{unknown[0]}'" if unknown else "no loss to train with"
        raise OptionError(what, f"Known: {', '.join(LOSSES)}.")


def _compressed(spectrogram: Tensor) -> Tensor:
    return spectrogram * (_magnitude(spectrogram) + 1e-4) ** (_COMPRESSION - 1)


def _magnitude(spectrogram: Tensor) -> Tensor:
    # PyTorch's abs has no gradient at 0, and NaN for one where the square underflows, as it does near silence
    return (spectrogram.real.square() + spectrogram.imag.square() + 1e-12).sqrt()


def _norm(magnitude: Tensor) -> Tensor:
    return (magnitude.square().sum(dim=(1, 2, 3)) + 1e-12).sqrt()


def _energy(waveform: Tensor) -> Tensor:
    return waveform.square().sum(dim=(1, 2))
