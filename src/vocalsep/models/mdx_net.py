"""MDX-Net: the TFC-TDF networks, version 2, that were published as ONNX graphs of one stem each.

The transforms, the layout of the spectrogram and the compensation of the level are here, the network is in the
graph (`vocalsep.models.onnx_network`).

Reference: Kim et al. 2021, "KUIELab-MDX-Net: a two-stream neural network for music demixing", arXiv:2111.12203.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from vocalsep.errors import OptionError
from vocalsep.models.codec import SpectrogramCodec
from vocalsep.models.signal_config import SpectrogramConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class MDXNetConfig(SpectrogramConfig):
    """Signals of a graph, which estimates vocals or accompaniment. The defaults are the public vocals models'.

    Attributes:
        n_bins: bins the network sees; those above are zero in the estimate.
        compensation: the estimate is multiplied by it: these networks give a little less than the stem's level.
    """

    n_fft: int = 7680
    n_bins: int = 3072
    compensation: float = 1.0

    def __post_init__(self) -> None:
        if self.stems not in (("vocals",), ("accompaniment",)):
            raise OptionError(f"the network estimates vocals or accompaniment, not {' and '.join(self.stems)}")
        if self.n_bins > self.n_fft // 2 + 1:
            raise OptionError(f"a window of {self.n_fft} samples has no {self.n_bins} bins")


class MDXNetCodec(SpectrogramCodec):
    """Spectrograms as real maps; the real part of a channel comes before its imaginary part.

    The public graphs take 256 frames. The first and the last frame have neighbours on one side only; overlapping
    segments fade them out.
    """

    frame_axis = 3

    def __init__(self, config: MDXNetConfig) -> None:
        super().__init__(config, config.n_bins)
        self._compensation = config.compensation

    def encode(self, spectrogram: Tensor) -> Tensor:
        """Complex ``(batch, channel, bin, frame)`` to ``(batch, 2 * channel, bin, frame)``."""
        seen = torch.view_as_real(spectrogram[:, :, : self.n_bins])
        return rearrange(seen, "batch channel bin frame part -> batch (channel part) bin frame")

    def decode(self, output: Tensor, spectrogram: Tensor) -> Tensor:
        """The network's output to complex ``(batch, 1, channel, bin, frame)``."""
        parts = rearrange(
            self._compensation * output,
            "batch (channel part) bin frame -> batch channel bin frame part",
            part=2,
        )
        estimate = torch.view_as_complex(parts.contiguous())
        return functional.pad(estimate, (0, 0, 0, spectrogram.shape[-2] - self.n_bins)).unsqueeze(1)
