"""What stands around a network: from a waveform to the network's input, and from its output to spectrograms."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn

from vocalsep.models.signal_config import SpectrogramConfig
from vocalsep.models.stft import istft, stft


class SpectrogramCodec(nn.Module):
    """The part of a model that is not trained.

    A waveform goes through `transform`, `encode`, the network, `decode` and `invert`. A codec has constants and no
    parameters, so that a network in another form, such as an ONNX graph, can replace the trained one.

    Attributes:
        n_bins: number of bins that the network sees, from the lowest up. The estimates of the others are zero.
        estimates_magnitude: whether the network estimates magnitudes, and the phases are the mixture's.
        normalises_song: whether the network wants songs of one level, see `vocalsep.models.run_hints.RunHints`.
        frame_axis: axis of the frames in the network's input.
    """

    estimates_magnitude: bool = False
    normalises_song: bool = False
    frame_axis: int = 2

    def __init__(self, config: SpectrogramConfig, n_bins: int | None = None) -> None:
        super().__init__()
        self.sample_rate, self.n_fft, self.hop_length = config.sample_rate, config.n_fft, config.hop_length
        self.n_bins = config.n_fft // 2 + 1 if n_bins is None else n_bins

    @property
    def frame_seconds(self) -> float:
        """Time from one frame of the spectrogram to the next."""
        return self.hop_length / self.sample_rate

    def seconds_of(self, n_frames: int) -> float:
        """The longest time whose spectrogram has ``n_frames`` or fewer."""
        return (n_frames - 1) * self.frame_seconds

    def level(self, waveform: Tensor) -> Tensor | None:  # noqa: ARG002 - for those that have one
        """What a waveform ``(batch, channel, sample)`` is divided by, ``(batch, 1, 1)``; None leaves it alone."""
        return None

    def transform(self, waveform: Tensor) -> Tensor:
        """Real ``(..., sample)`` to the model's spectrogram, complex ``(..., bin, frame)``."""
        return stft(waveform, n_fft=self.n_fft, hop_length=self.hop_length)

    @abstractmethod
    def encode(self, spectrogram: Tensor) -> Tensor:
        """Complex ``(batch, channel, bin, frame)`` to the network's input, real, of its own layout."""

    @abstractmethod
    def decode(self, output: Tensor, spectrogram: Tensor) -> Tensor:
        """The network's output to the estimates, complex ``(batch, stem, channel, bin, frame)``.

        Args:
            output: what the network gives for `encode` of the spectrogram.
            spectrogram: spectrogram of the mixture, complex ``(batch, channel, bin, frame)``.
        """

    def invert(self, spectrogram: Tensor, n_samples: int) -> Tensor:
        """Complex ``(..., bin, frame)`` to real ``(..., n_samples)``."""
        return istft(spectrogram, n_fft=self.n_fft, hop_length=self.hop_length, length=n_samples)

    def output_shape(self, shape: tuple[int, ...], n_stems: int) -> tuple[int, ...]:  # noqa: ARG002
        """The shape of the network's output for an input of ``shape``: the same, unless a codec says otherwise."""
        return shape
