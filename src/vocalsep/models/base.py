"""What every model is to the engine: a waveform in, the waveforms of its stems out."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from vocalsep.errors import OptionError
from vocalsep.models.stft import istft, stft


class SignalConfig(Protocol):
    """The part of a model's config that says what signals it takes and gives."""

    @property
    def sample_rate(self) -> int:
        """Samples a second, in Hz."""
        ...

    @property
    def channels(self) -> int:
        """Channels of the waveforms."""
        ...

    @property
    def stems(self) -> tuple[str, ...]:
        """The stems the model gives, in the order of its output."""
        ...


class SeparationModel(nn.Module):
    """A waveform ``(batch, channel, sample)`` in, ``(batch, stem, channel, sample)`` out.

    The number of samples stays the same, whatever it is. Items of a batch do not see each other. Weights are
    float32; the caller chooses the precision of the network by `torch.autocast`, the transforms stay float32.

    Attributes:
        config: the signal contract (rate, channels, stems) and the sizes of the network.
        architecture: the name the model was built by.
        segment_seconds: the length of audio the architecture is run on, where nothing else is asked for.
        overlap: the part of a segment that the next one covers too, likewise.
        contiguous_in: the types in which a CPU runs it faster in PyTorch's own layout than channels-last.
        takes_autocast: whether the network computes in the type that `torch.autocast` asks for.
        side_by_side: whether a CPU runs several segments at once, each on a share of its threads, which is faster
            and takes the memory of each.
        normalises_song: whether the network wants songs whose mono mix has a mean of zero and a deviation of
            one; the engine brings them to that, and the estimates back.
    """

    segment_seconds: float = 6.0
    overlap: float = 0.1
    contiguous_in: tuple[torch.dtype, ...] = ()
    architecture: str = ""
    takes_autocast: bool = True
    side_by_side: bool = True
    normalises_song: bool = False

    def __init__(self, config: SignalConfig) -> None:
        super().__init__()
        if not config.stems:
            raise OptionError("the network estimates one stem or more, not none")
        self.config: SignalConfig = config

    def keep_stems(self, stems: Sequence[str]) -> None:
        """Drop all other stems from the network, where it can compute the rest alone and has one of ``stems``.

        Config and weights become those of the smaller network.
        """
        kept = [i for i, stem in enumerate(self.config.stems) if stem in stems]
        is_smaller = 0 < len(kept) < len(self.config.stems)
        if is_smaller and any(True for _ in self.parameters()) and self.keep_outputs(kept):
            names = tuple(self.config.stems[i] for i in kept)
            self.config = dataclasses.replace(self.config, stems=names)  # type: ignore[type-var]

    def keep_outputs(self, indices: Sequence[int]) -> bool:  # noqa: ARG002 - for those that can
        """Drop the parts of the network that serve other stems alone; says whether it has such parts."""
        return False

    @abstractmethod
    def forward(self, waveform: Tensor) -> Tensor:
        """Separate ``(batch, channel, sample)`` into ``(batch, stem, channel, sample)``."""


class SpectrogramConfig(SignalConfig, Protocol):
    """The config of a model that works on the short-time Fourier transform."""

    @property
    def n_fft(self) -> int:
        """Samples in a window."""
        ...

    @property
    def hop_length(self) -> int:
        """Samples from window to window."""
        ...


class SpectrogramModel(SeparationModel):
    """A model that estimates the complex spectrograms of its stems from that of the mixture.

    Attributes:
        n_bins: bins the network estimates, from the lowest up; those above are zero.
        estimates_magnitude: whether the network estimates magnitudes, and the phases are the mixture's.
        frame_axis: of the network's input.
    """

    estimates_magnitude: bool = False
    frame_axis: int = 2

    def __init__(self, config: SpectrogramConfig) -> None:
        super().__init__(config)
        self._n_fft, self._hop_length = config.n_fft, config.hop_length
        self.n_bins = config.n_fft // 2 + 1

    def transform(self, waveform: Tensor) -> Tensor:
        """Real ``(..., sample)`` to the model's spectrogram, complex ``(..., bin, frame)``."""
        return stft(waveform, n_fft=self._n_fft, hop_length=self._hop_length)

    def invert(self, spectrogram: Tensor, n_samples: int) -> Tensor:
        """Complex ``(..., bin, frame)`` to real ``(..., n_samples)``."""
        return istft(spectrogram, n_fft=self._n_fft, hop_length=self._hop_length, length=n_samples)

    def spectrograms(self, waveform: Tensor) -> Tensor:
        """The stems of ``(batch, channel, sample)`` as complex ``(batch, stem, channel, bin, frame)``."""
        return self.estimate(self.transform(waveform))

    def forward(self, waveform: Tensor) -> Tensor:
        """Separate ``(batch, channel, sample)`` into ``(batch, stem, channel, sample)``."""
        return self.invert(self.spectrograms(waveform), waveform.shape[-1])

    @property
    def frame_seconds(self) -> float:
        """From one frame of the spectrogram to the next."""
        return self._hop_length / self.config.sample_rate

    @abstractmethod
    def network(self, x: Tensor) -> Tensor:
        """The trained part, between real tensors of the model's own layout."""

    def network_output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of what `network` gives for an input of ``shape``: the same, where nothing else is said."""
        return shape

    def use_network(self, network: Callable[[Tensor], Tensor]) -> None:
        """Compute with ``network``, in types of its own; the modules and parameters of the trained part go."""
        self._modules.clear()
        self._parameters.clear()
        self.__dict__["network"] = network  # is found ahead of the method of that name
        self.takes_autocast = self.side_by_side = False

    @abstractmethod
    def estimate(self, spectrogram: Tensor) -> Tensor:
        """Complex ``(batch, channel, bin, frame)`` to complex ``(batch, stem, channel, bin, frame)``."""
