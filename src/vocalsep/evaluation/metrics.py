"""Metrics of separated stems against the true ones, in decibels.

All take the channels of a stem together and compute in float64. No epsilon is added: silence has no level to
compare to, and says so as infinity or NaN instead of as a number that depends on the epsilon.

`vocalsep.evaluation.streaming_metrics` computes the same of songs that come in blocks.
"""

from __future__ import annotations

import statistics

import torch
from torch import Tensor


def sdr(reference: Tensor, estimate: Tensor) -> Tensor:
    """Global signal-to-distortion ratio, the ``sdr`` of the Music Demixing Challenge and uSDR.

    With s the reference and e the estimate, 10 log10(sum s^2 / sum (s - e)^2), the sums over all channels and
    samples. It is infinite for a perfect estimate and -infinite for a silent reference; NaN where both are silent.

    Args:
        reference: the true stem, ``(..., channel, sample)``.
        estimate: the separated one, of the same shape.

    Returns:
        dB, ``(...)``, float64.

    Raises:
        ValueError: the shapes differ.

    Reference:
        Mitsufuji et al., "Music Demixing Challenge 2021", arXiv:2108.13559. Deviation: there 1e-7 is added to
        both sums.

    Example:
        >>> reference = torch.tensor([[1.0, -1.0, 1.0], [0.0, 0.0, 1.0]])
        >>> round(float(sdr(reference, 0.9 * reference)), 3)
        20.0
    """
    check_shapes(reference, estimate)
    reference = reference.double()
    return decibels(_energy(reference), _energy(reference - estimate.double()))


def si_sdr(reference: Tensor, estimate: Tensor) -> Tensor:
    """Scale-invariant signal-to-distortion ratio: `sdr` after the reference is scaled to fit the estimate best.

    With s the reference, e the estimate and a = sum s e / sum s^2, it is
    10 log10(sum (a s)^2 / sum (a s - e)^2), the sums over all channels and samples: one scale for all channels,
    and no mean removed. It is infinite for any multiple of the reference, -infinite for an estimate that is
    orthogonal to it, and NaN where either is silent.

    Args:
        reference: the true stem, ``(..., channel, sample)``.
        estimate: the separated one, of the same shape.

    Returns:
        dB, ``(...)``, float64.

    Raises:
        ValueError: the shapes differ.

    Reference:
        Le Roux et al., "SDR - half-baked or well done?", arXiv:1811.02508.

    Example:
        >>> reference = torch.tensor([[1.0, -1.0, 1.0, -1.0]])
        >>> hum = torch.tensor([[0.1, 0.1, -0.1, -0.1]])
        >>> round(float(si_sdr(reference, 3 * (reference + hum))), 3)
        20.0
    """
    check_shapes(reference, estimate)
    reference, estimate = reference.double(), estimate.double()
    scale = (reference * estimate).sum(dim=(-2, -1)) / _energy(reference)
    target = scale[..., None, None] * reference
    return decibels(_energy(target), _energy(target - estimate))


def chunk_sdr(references: Tensor, estimates: Tensor, *, window_samples: int) -> Tensor:
    """Median over windows of the signal-to-distortion ratio: that of museval's BSSEval v4, images version.

    Its frames are one second long and do not overlap: ``window_samples`` is the sample rate. See `window_sdr` for
    which windows count; they differ with the stems that are scored together.

    Args:
        references: the true stems of one song, ``(stem, channel, sample)``.
        estimates: the separated ones, of the same shape.
        window_samples: number of samples in a window.

    Returns:
        dB, ``(stem,)``, float64; NaN where no window counts.

    Raises:
        ValueError: the shapes differ.

    Reference:
        Stöter et al., "The 2018 Signal Separation Evaluation Campaign", arXiv:1804.06267.
    """
    return median_of_defined(window_sdr(references, estimates, window_samples=window_samples))


def window_sdr(references: Tensor, estimates: Tensor, *, window_samples: int) -> Tensor:
    """The `sdr` of each window, as museval's BSSEval v4 has it.

    BSSEval splits an estimate into the true stem and three errors, whose sum is the estimate again. The SDR needs
    that sum alone, and so none of the filters that tell the errors apart.

    Windows follow one another. Samples after the last whole one do not count, except in a song shorter than
    a window. A window in which a reference or an estimate is silent is NaN for all stems. As in museval, a signal
    is silent where its channels sum to zero at every sample: two channels that cancel count as silence.

    Args:
        references: the true stems of one song, ``(stem, channel, sample)``.
        estimates: the separated ones, of the same shape.
        window_samples: number of samples in a window.

    Returns:
        dB, ``(stem, window)``, float64.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> references = torch.ones(1, 2, 5)
        >>> window_sdr(references, torch.tensor([0.9, 0.9, 0.5, 0.5, 0.0]).expand(1, 2, 5), window_samples=2)
        tensor([[20.0000,  6.0206]], dtype=torch.float64)
    """
    check_shapes(references, estimates)
    length = references.shape[-1]
    window = min(window_samples, max(length, 1))
    whole = length // window * window

    def windows(signals: Tensor) -> Tensor:
        """To ``(stem, channel, window, sample)``."""
        return signals.double()[..., :whole].reshape(*signals.shape[:-1], -1, window)

    def all_heard(signals: Tensor) -> Tensor:
        """``(window,)``, from signals in windows."""
        return (signals.sum(dim=1) != 0).any(dim=-1).all(dim=0)

    references, estimates = windows(references), windows(estimates)
    signal = references.square().sum(dim=(1, 3))  # (stem, window)
    distortion = (references - estimates).square().sum(dim=(1, 3))
    return decibels(signal, distortion).where(all_heard(references) & all_heard(estimates), torch.nan)


def median_of_defined(values: Tensor) -> Tensor:
    """The median over the last axis of the values that are not NaN; NaN where there are none.

    `torch.nanmedian` takes the lower one of the two in the middle, where numpy and museval take their mean.
    """
    medians = []
    for row in values.reshape(-1, values.shape[-1]):
        defined = row[~row.isnan()].tolist()
        medians.append(statistics.median(defined) if defined else torch.nan)
    return torch.tensor(medians, dtype=torch.float64).reshape(values.shape[:-1])


def decibels(signal: Tensor, distortion: Tensor) -> Tensor:
    """The ratio of two energies in dB: infinite without distortion, -infinite without signal, NaN without both."""
    return 10 * torch.log10(signal / distortion)


def check_shapes(reference: Tensor, estimate: Tensor) -> None:
    """Refuse shapes that differ: broadcasting would compare one channel with two, and give a number.

    Raises:
        ValueError: they differ.
    """
    if reference.shape != estimate.shape:
        raise ValueError(f"a reference of {tuple(reference.shape)} and an estimate of {tuple(estimate.shape)}")


def _energy(signal: Tensor) -> Tensor:
    return signal.square().sum(dim=(-2, -1))
