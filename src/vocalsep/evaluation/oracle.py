"""Oracles: estimates made with the true stems in hand, as bounds for what a model can do."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np
import torch
from torch import Tensor

from vocalsep.audio.samples import Samples
from vocalsep.datasets.track import Track
from vocalsep.evaluation.results import Setting
from vocalsep.models.base import SeparationModel
from vocalsep.models.signal_config import SignalConfig
from vocalsep.models.stft import istft, stft
from vocalsep.separation.engine import SegmentedSeparation
from vocalsep.separation.options import SeparationOptions
from vocalsep.stem_names import MIXTURE, STEMS

_N_FFT, _HOP_LENGTH = 2048, 1024


class MixtureOracle:
    """The mixture itself as each stem: what is there before anything is separated, a lower bound."""

    id = "oracle:mixture"
    weights_sha256 = None

    def __init__(self) -> None:
        self.settings: dict[str, Setting] = {}

    def stems(self, track: Track) -> Generator[dict[str, Samples], None, None]:
        """See `vocalsep.evaluation.estimators.Estimator.stems`."""
        for block in track.blocks(MIXTURE):
            yield dict.fromkeys(STEMS, block)


class RatioMaskOracle:
    """The ideal ratio mask: an upper bound for models that mask magnitudes and keep the mixture's phase.

    Each bin of each channel of the mixture goes to the stems in the ratio of their magnitudes, |V| / (|V| + |A|)
    to the vocals; windows of 2048 samples overlap by half.

    Reference: "IRM1" of Stöter et al., "The 2018 Signal Separation Evaluation Campaign", arXiv:1804.06267.
    Deviation: there the accompaniment is the sum of three stems, each with a mask of its own.
    """

    id = "oracle:irm"
    weights_sha256 = None

    def __init__(self) -> None:
        self.settings: dict[str, Setting] = {"n_fft": _N_FFT, "hop_length": _HOP_LENGTH}

    def stems(self, track: Track) -> Generator[dict[str, Samples], None, None]:
        """See `vocalsep.evaluation.estimators.Estimator.stems`."""
        n_channels = (1 + len(STEMS)) * track.channels
        config = SignalConfig(sample_rate=track.sample_rate, channels=n_channels, stems=STEMS)
        options = SeparationOptions(device="cpu", precision="fp32")
        separation = SegmentedSeparation(_RatioMask(config), options)
        for estimate in separation(_mixture_and_stems(track)):
            yield dict(zip(STEMS, estimate.numpy(), strict=True))


class _RatioMask(SeparationModel):
    """A model that hears the stems too: its channels are those of the mixture, then those of each stem."""

    def forward(self, waveform: Tensor) -> Tensor:
        batch, _, length = waveform.shape
        sources = waveform.reshape(batch, 1 + len(STEMS), -1, length)  # (batch, source, channel, sample)
        spectrograms = stft(sources, n_fft=_N_FFT, hop_length=_HOP_LENGTH)
        mixture, stems = spectrograms[:, :1], spectrograms[:, 1:].abs()
        total = stems.sum(dim=1, keepdim=True).clamp(min=torch.finfo(stems.dtype).tiny)
        return istft(mixture * (stems / total), n_fft=_N_FFT, hop_length=_HOP_LENGTH, length=length)


def _mixture_and_stems(track: Track) -> Iterator[Tensor]:
    for blocks in zip(*(track.blocks(source) for source in (MIXTURE, *STEMS)), strict=True):
        yield torch.from_numpy(np.concatenate(blocks))
