"""A model whose network comes from elsewhere, as an ONNX graph; what stands around it is ours."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from vocalsep.models.base import SpectrogramModel
from vocalsep.models.codec import SpectrogramCodec
from vocalsep.models.signal_config import SpectrogramConfig


class GraphModel(SpectrogramModel):
    """A codec around any function of tensors, which computes in number formats of its own.

    Args:
        config: the signals.
        codec: what stands around the network.
        graph: the network.
    """

    def __init__(
        self, config: SpectrogramConfig, codec: SpectrogramCodec, graph: Callable[[Tensor], Tensor]
    ) -> None:
        super().__init__(config, codec)
        self.graph = graph

    def network(self, x: Tensor) -> Tensor:
        """Run the graph."""
        return self.graph(x)
