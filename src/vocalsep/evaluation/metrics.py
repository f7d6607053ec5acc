"""Metrics of one separated stem against the true one, in decibels.

Both compare whole signals, all channels together, and compute in float64. No epsilon is added: silence has no
level to compare to, and says so as infinity or NaN instead of as a number that depends on the epsilon.
"""

from __future__ import annotations

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
    _check_shapes(reference, estimate)
    reference = reference.double()
    return _ratio_db(reference, reference - estimate.double())


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
    _check_shapes(reference, estimate)
    reference, estimate = reference.double(), estimate.double()
    scale = _sum(reference * estimate) / _sum(reference.square())
    target = scale[..., None, None] * reference
    return _ratio_db(target, target - estimate)


def _ratio_db(signal: Tensor, distortion: Tensor) -> Tensor:
    return 10 * torch.log10(_sum(signal.square()) / _sum(distortion.square()))


def _sum(values: Tensor) -> Tensor:
    return values.sum(dim=(-2, -1))


def _check_shapes(reference: Tensor, estimate: Tensor) -> None:
    # broadcasting would compare one channel with two, and give a number
    if reference.shape != estimate.shape:
        raise ValueError(f"a reference of {tuple(reference.shape)} and an estimate of {tuple(estimate.shape)}")
