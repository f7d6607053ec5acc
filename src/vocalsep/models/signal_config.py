"""The part of a model's config that says which signals the model takes and gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalConfig:
    """The signals of a model.

    Attributes:
        sample_rate: samples a second of the waveforms, in Hz.
        channels: number of channels of the waveforms.
        stems: names of the stems that the model gives, in the order of its output. The rest of the mixture is the
            other stem.
    """

    sample_rate: int = 44100
    channels: int = 2
    stems: tuple[str, ...] = ("vocals",)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpectrogramConfig(SignalConfig):
    """The signals of a model that works on the short-time Fourier transform; see `SignalConfig` for the others.

    Attributes:
        n_fft: length of a window in samples.
        hop_length: number of samples from one window to the next.
    """

    n_fft: int = 2048
    hop_length: int = 1024
