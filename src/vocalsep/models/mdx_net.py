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
from vocalsep.models.base import SpectrogramModel


@dataclass(frozen=True, slots=True, kw_only=True)
class MDXNetConfig:
    """What signals a graph takes and gives; the defaults are those of the public vocals models.

    Attributes:
        sample_rate: Hz.
        channels: of the waveform.
        stems: one, vocals or accompaniment; the other one is mixture minus estimate.
        n_fft: window length in samples.
        hop_length: samples from window to window.
        n_bins: bins the network sees; those above are zero in the estimate.
        compensation: the estimate is multiplied by it: these networks give a little less than the stem's level.
    """

    sample_rate: int = 44100
    channels: int = 2
    stems: tuple[str, ...] = ("vocals",)
    n_fft: int = 7680
    hop_length: int = 1024
    n_bins: int = 3072
    compensation: float = 1.0

    def __post_init__(self) -> None:
        if self.stems not in (("vocals",), ("accompaniment",)):
            raise OptionError(f"the network estimates vocals or accompaniment, not {' and '.join(self.stems)}")
        if self.n_bins > self.n_fft // 2 + 1:
            raise OptionError(f"a window of {self.n_fft} samples has no {self.n_bins} bins")


class MDXNet(SpectrogramModel):
    """Spectrogram in, spectrogram of the one stem out.

    The public graphs take 256 frames, of which the first and the last see one side of their surroundings alone.
    Overlapping segments fade those out.
    """

    frame_axis = 3

    def __init__(self, config: MDXNetConfig) -> None:
        super().__init__(config)
        self.n_bins, self.compensation = config.n_bins, config.compensation

    def network(self, x: Tensor) -> Tensor:  # noqa: ARG002
        """Map ``(batch, 2 * channel, bin, frame)``; the real part of a channel comes before its imaginary part.

        Raises:
            OptionError: the model was not made from an ONNX file.
        """
        raise OptionError("the network of mdx_net is an ONNX file", "See `vocalsep models list`.")

    def estimate(self, spectrogram: Tensor) -> Tensor:
        """Complex ``(batch, channel, bin, frame)`` to complex ``(batch, 1, channel, bin, frame)``."""
        seen = torch.view_as_real(spectrogram[:, :, : self.n_bins])
        packed = rearrange(seen, "batch channel bin frame part -> batch (channel part) bin frame")
        parts = rearrange(
            self.compensation * self.network(packed),
            "batch (channel part) bin frame -> batch channel bin frame part",
            part=2,
        )
        estimate = torch.view_as_complex(parts.contiguous())
        return functional.pad(estimate, (0, 0, 0, spectrogram.shape[-2] - self.n_bins)).unsqueeze(1)
