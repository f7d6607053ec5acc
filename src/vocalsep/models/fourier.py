"""The orthonormal Fourier transform of real sequences, which an ONNX graph has as products with matrices."""

from __future__ import annotations

import torch
from torch import Tensor


def spectrum(x: Tensor) -> tuple[Tensor, Tensor]:
    """Real ``(..., sample)``, of an even number, to the real and the imaginary parts ``(..., bin)``."""
    if torch.onnx.is_in_onnx_export():  # the exporter has no complex numbers
        cos, sin = _waves(x.shape[-1])
        return x @ cos, -(x @ sin)
    complex_spectrum = torch.fft.rfft(x, norm="ortho")
    return complex_spectrum.real, complex_spectrum.imag


def sequence(real: Tensor, imag: Tensor) -> Tensor:
    """The inverse of `spectrum`."""
    if torch.onnx.is_in_onnx_export():
        last = real.shape[-1] - 1
        cos, sin = _waves(2 * last)
        # all bins but the first and the last one stand for two of the whole spectrum
        counts = (torch.arange(last + 1) % last != 0).float() + 1
        return (real * counts) @ cos.t() - (imag * counts) @ sin.t()
    x: Tensor = torch.fft.irfft(torch.complex(real, imag), norm="ortho")
    return x


def _waves(n_samples: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines ``(sample, bin)``."""
    turns = torch.arange(n_samples)[:, None] * torch.arange(n_samples // 2 + 1) % n_samples
    angles = turns * (2 * torch.pi / n_samples)
    scale = torch.as_tensor(n_samples).float().rsqrt()
    return angles.cos() * scale, angles.sin() * scale
