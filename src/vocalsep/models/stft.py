"""The short-time Fourier transform of the models, and complex-as-channels packing.

One periodic Hann window, centred frames (reflection at both ends), `torch.stft`'s scaling.

Reference: complex-as-channels, Choi et al. 2020, "Investigating U-Nets with various intermediate blocks for
spectrogram-based singing voice separation", arXiv:1912.02591.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def stft(waveform: Tensor, *, n_fft: int, hop_length: int) -> Tensor:
    """Transform a waveform into a complex spectrogram.

    The waveform is extended by zeros to whole hops, and to the least length that can be reflected, so that every
    sample of any length, from one up, lies under full windows and `istft` gives it back.

    Args:
        waveform: real, ``(..., sample)``.

    Returns:
        complex, ``(..., bin, frame)`` with ``n_fft // 2 + 1`` bins; ``1 + ceil(sample / hop_length)`` frames
        where the waveform is longer than ``n_fft // 2``.

    Example:
        >>> stft(torch.zeros(2, 4000), n_fft=2048, hop_length=1024).shape
        torch.Size([2, 1025, 5])
    """
    *lead, length = waveform.shape
    n_hops = max(-(-length // hop_length), n_fft // (2 * hop_length) + 1)
    flat = functional.pad(waveform.reshape(-1, length), (0, n_hops * hop_length - length))
    window = torch.hann_window(n_fft, dtype=flat.dtype, device=flat.device)
    spectrogram = torch.stft(flat, n_fft, hop_length, window=window, return_complex=True)
    return spectrogram.reshape(*lead, *spectrogram.shape[-2:])


def istft(spectrogram: Tensor, *, n_fft: int, hop_length: int, length: int) -> Tensor:
    """Invert `stft`: exactly, to float rounding, where the spectrogram is one of a waveform.

    Args:
        spectrogram: complex, ``(..., bin, frame)``, as many frames as `stft` gives for ``length`` or more.
        length: the number of samples to give back.

    Returns:
        real, ``(..., length)``, on the spectrogram's device.
    """
    *lead, n_bins, n_frames = spectrogram.shape
    flat = spectrogram.reshape(-1, n_bins, n_frames)
    window = torch.hann_window(n_fft, dtype=flat.real.dtype, device=flat.device)
    waveform = torch.istft(flat, n_fft, hop_length, window=window, length=length)
    return waveform.reshape(*lead, length)


def pack(spectrogram: Tensor) -> Tensor:
    """Complex ``(batch, channel, bin, frame)`` to real ``(batch, 2 * channel, frame, bin)``.

    The real parts of all channels come first, then the imaginary parts.

    Example:
        >>> pack(torch.tensor([[[[1 + 2j]], [[3 + 4j]]]])).flatten().tolist()
        [1.0, 3.0, 2.0, 4.0]
    """
    return torch.cat([spectrogram.real, spectrogram.imag], dim=1).transpose(-1, -2)


def unpack(packed: Tensor) -> Tensor:
    """Invert `pack`: real ``(batch, 2 * channel, frame, bin)`` to complex ``(batch, channel, bin, frame)``."""
    real, imaginary = packed.float().transpose(-1, -2).chunk(2, dim=1)
    return torch.complex(real, imaginary)
