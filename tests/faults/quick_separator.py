from types import SimpleNamespace
from unittest import mock

from torch import Tensor

from vocalsep.api import Separator
from vocalsep.models.base import SeparationModel


class Echo(SeparationModel):
    """Gives half of what it hears as the vocals."""

    def __init__(self) -> None:
        super().__init__(SimpleNamespace(sample_rate=44100, channels=2, stems=("vocals",)))

    def forward(self, waveform: Tensor) -> Tensor:
        return 0.5 * waveform.unsqueeze(1)


def quick_separator() -> Separator:
    """A separator without a network to wait for: what surrounds it is tested."""
    with mock.patch("vocalsep.separation.ensemble.load_model_file", return_value=Echo()):
        return Separator(device="cpu", precision="fp32", segment_seconds=1.0)
