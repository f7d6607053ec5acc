"""What every model is to the engine: a waveform in, the waveforms of its stems out."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Sequence

from torch import Tensor, nn

from vocalsep.errors import OptionError
from vocalsep.models.codec import SpectrogramCodec
from vocalsep.models.run_hints import RunHints
from vocalsep.models.signal_config import SignalConfig, SpectrogramConfig


class SeparationModel(nn.Module):
    """A waveform ``(batch, channel, sample)`` in, ``(batch, stem, channel, sample)`` out.

    The number of samples stays the same, whatever it is. Items of a batch do not see each other. Weights are
    float32; the caller chooses the precision of the network by `torch.autocast`, the transforms stay float32.

    Attributes:
        config: the signals (rate, channels, stems) and the sizes of the network.
        architecture: the name the model was built by.
        hints: how the model is best run.
    """

    architecture: str = ""
    hints: RunHints = RunHints()

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
        if 0 < len(kept) < len(self.config.stems) and self.keep_outputs(kept):
            names = tuple(self.config.stems[i] for i in kept)
            self.config = dataclasses.replace(self.config, stems=names)

    def keep_outputs(self, indices: Sequence[int]) -> bool:  # noqa: ARG002 - for those that can
        """Drop the parts of the network that serve other stems alone; says whether it has such parts."""
        return False

    @abstractmethod
    def forward(self, waveform: Tensor) -> Tensor:
        """Separate ``(batch, channel, sample)`` into ``(batch, stem, channel, sample)``."""


class SpectrogramModel(SeparationModel):
    """A model that estimates the complex spectrograms of its stems from that of the mixture.

    The layers are attributes of the model itself: the keys of the public checkpoints begin with their names.

    Attributes:
        codec: what stands around the network. It has no part in the state of the model.
        compiled_network: what runs instead of `network`, such as its compiled form. None runs `network`.
    """

    def __init__(self, config: SpectrogramConfig, codec: SpectrogramCodec) -> None:
        super().__init__(config)
        self.codec = codec
        self.compiled_network: Callable[[Tensor], Tensor] | None = None

    @abstractmethod
    def network(self, x: Tensor) -> Tensor:
        """The trained part, between real tensors of the model's own layout."""

    def estimate(self, spectrogram: Tensor) -> Tensor:
        """Complex ``(batch, channel, bin, frame)`` to complex ``(batch, stem, channel, bin, frame)``."""
        run = self.compiled_network or self.network
        return self.codec.decode(run(self.codec.encode(spectrogram)), spectrogram)

    def spectrograms(self, waveform: Tensor) -> Tensor:
        """The stems of ``(batch, channel, sample)`` as complex ``(batch, stem, channel, bin, frame)``."""
        level = self.codec.level(waveform)
        if level is None:
            return self.estimate(self.codec.transform(waveform))
        return self.estimate(self.codec.transform(waveform / level)) * level[..., None, None]

    def forward(self, waveform: Tensor) -> Tensor:
        """Separate ``(batch, channel, sample)`` into ``(batch, stem, channel, sample)``."""
        return self.codec.invert(self.spectrograms(waveform), waveform.shape[-1])
