"""The network of a model as an ONNX file, for `vocalsep.weights.onnx_file` and for other programs."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from vocalsep._version import __version__
from vocalsep.errors import ModelError, OptionError
from vocalsep.models.architectures import config_of
from vocalsep.models.base import SpectrogramModel
from vocalsep.system.extras import needs_extra
from vocalsep.system.files import atomic_path
from vocalsep.weights.checkpoint import build_from, read_checkpoint
from vocalsep.weights.onnx_file import CONFIG_KEY, load_onnx
from vocalsep.weights.source import weights_of

TOLERANCE = 1e-4
"""Most that the graph may differ from the model, as a part of the largest value."""

_OPSET = 17
_COMPLEX_INSIDE = ("mel_band_roformer", "bs_roformer")
"""Networks that turn complex numbers inside, for which the exporter has no operator."""


def export_onnx(source: str, target: Path) -> None:
    """Write the network of a model as one ONNX file, whole or not at all, once its estimates are the model's.

    Items and frames are dynamic; config and licence are in the metadata. Transforms are not part of the graph:
    input and output are those of `vocalsep.models.base.SpectrogramModel.network`.

    Args:
        source: see `vocalsep.weights.source.weights_of`.
        target: the file, replaced if there.

    Raises:
        OptionError: a network that cannot be exported.
        ModelError: there are no such weights, or they are corrupt; or onnxruntime makes other estimates than
            PyTorch does.
        MissingExtraError: a package of the extra ``onnx`` is missing.
        OutputError: the file cannot be written.
    """
    with needs_extra("onnx"):
        import onnx
    path, config = weights_of(source)
    checkpoint = read_checkpoint(path, config)
    model = build_from(checkpoint, path)
    if model.architecture in _COMPLEX_INSIDE:
        raise OptionError(
            f"a {model.architecture} network turns complex numbers, which cannot be exported to ONNX",
            "Export it with format=safetensors.",
        )
    with torch.no_grad(), atomic_path(target) as temporary:
        _trace(model, temporary)
        proto = onnx.load(temporary)
        onnx.helper.set_model_props(proto, {**checkpoint.metadata, CONFIG_KEY: json.dumps(config_of(model))})
        proto.producer_name, proto.producer_version = "vocalsep", __version__
        temporary.write_bytes(proto.SerializeToString())
        _check(model, load_onnx(temporary))


class Network(nn.Module):
    """A module whose ``forward`` is the network of a model."""

    def __init__(self, model: SpectrogramModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        """Map a real tensor of the network's own layout."""
        return self.model.network(x)


def network_input(model: SpectrogramModel, waveform: Tensor) -> Tensor:
    """What the model gives its network for a waveform ``(batch, channel, sample)``."""
    return model.codec.encode(model.codec.transform(waveform))


def _trace(model: SpectrogramModel, path: Path) -> None:
    with warnings.catch_warnings():
        # of the exporter's age, and of LSTMs that are given a first state, as ours is not
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Network(model).eval(),
            (network_input(model, _noise(model, n_items=2, n_hops=16)),),
            str(path),
            input_names=["input"],
            output_names=["output"],
            dynamic_axes={"input": {0: "batch", model.codec.frame_axis: "frame"}, "output": {0: "batch"}},
            opset_version=_OPSET,
            # the newer exporter fixes the number of frames of an LSTM, and takes a minute for small networks
            dynamo=False,
        )


def _check(model: SpectrogramModel, exported: SpectrogramModel) -> None:
    """Compare the models on noise of more items and frames, and of a length of no whole hops."""
    waveform = _noise(model, n_items=3, n_hops=40.3)
    wanted, found = model(waveform), exported(waveform)
    difference = float((found - wanted).abs().max() / wanted.abs().max())
    if not difference <= TOLERANCE:
        raise ModelError(
            f"onnxruntime's estimates differ from PyTorch's by {difference:.1e} of their peak",
            "Nothing was written.",
        )


def _noise(model: SpectrogramModel, *, n_items: int, n_hops: float) -> Tensor:
    n_samples = round(n_hops * model.codec.frame_seconds * model.config.sample_rate)
    shape = (n_items, model.config.channels, n_samples)
    return 0.1 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
