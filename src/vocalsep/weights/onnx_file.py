"""ONNX files as weights files: read without trust, checked, and made the network of a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vocalsep.errors import CorruptWeightsError, OutOfMemoryError, is_out_of_memory
from vocalsep.models.architectures import build_graph_model
from vocalsep.models.base import SpectrogramModel
from vocalsep.models.codec import SpectrogramCodec
from vocalsep.models.onnx_network import OnnxNetwork, fixed_size
from vocalsep.models.run_hints import LEAST_SEGMENT_SECONDS
from vocalsep.system.extras import needs_extra
from vocalsep.weights.model_config import DAMAGED, build_described, find_config

ONNX_SUFFIX = ".onnx"
CONFIG_KEY = "config"
"""Of the metadata properties of a file that this package wrote."""


def load_onnx(path: Path, config: Mapping[str, Any] | None = None) -> SpectrogramModel:
    """Build the model of an ONNX file; its network is run by onnxruntime, all else is ours.

    Args:
        path: path of the file.
        config: as `vocalsep.models.architectures.build_model` takes it, for a file that does not say it.

    Raises:
        CorruptWeightsError: the file cannot be read, is damaged, refers to other files, or does not say its model.
        MissingExtraError: a package of the extra ``onnx`` is missing.
    """
    proto = _read(path)
    if config is None:
        properties = {entry.key: entry.value for entry in proto.metadata_props}
        config = find_config(path, properties.get(CONFIG_KEY))

    def make_network(codec: SpectrogramCodec, n_stems: int) -> OnnxNetwork:
        return OnnxNetwork(
            path,
            frame_axis=codec.frame_axis,
            seconds_of=codec.seconds_of,
            output_shape=lambda shape: codec.output_shape(shape, n_stems),
        )

    model = build_described(config, path, lambda described: build_graph_model(described, make_network))
    if n_frames := _frames_at_once(proto, model.codec.frame_axis):
        seconds = model.codec.seconds_of(n_frames)
        if seconds < LEAST_SEGMENT_SECONDS:
            raise CorruptWeightsError(
                f"{path} takes {n_frames} frames at once, {seconds:.2f} s, too few to separate anything",
                "Export it with more frames, or with any number of them.",
            )
        model.hints = model.hints.advised(min(model.hints.segment_seconds, seconds), None)
    return model


def _read(path: Path) -> Any:
    """The graph of a file that holds all of it."""
    with needs_extra("onnx"):
        import onnx
        import onnxruntime  # noqa: F401 - missing, it is said here, not when the first segment is due
    try:
        proto = onnx.load_model_from_string(path.read_bytes())
    except OSError as error:
        raise CorruptWeightsError(
            f"cannot read {path}: {error.strerror}", "Check the path and its rights."
        ) from error
    except Exception as error:  # of the parser, which has its own, and others for hostile bytes
        if is_out_of_memory(error):
            raise OutOfMemoryError(f"out of memory while reading {path}", "Close other programs.") from error
        raise CorruptWeightsError(f"{path} is not a whole ONNX file: {error}", DAMAGED) from error
    if not proto.graph.node:
        raise CorruptWeightsError(f"{path} is not a whole ONNX file: it has no graph", DAMAGED)
    if _refers_to_files(proto):
        # onnxruntime would read them, and older ones would take a place in memory for a file
        raise CorruptWeightsError(f"{path} keeps weights in other files", "Save it without external data.")
    return proto


def _refers_to_files(message: Any) -> bool:
    """Whether a tensor anywhere in a message, in graphs within graphs and functions too, is kept elsewhere."""
    for field, value in message.ListFields():
        if field.name == "external_data":
            return True
        if field.message_type:
            parts = [value] if hasattr(value, "ListFields") else value
            if any(map(_refers_to_files, parts)):
                return True
    return False


def _frames_at_once(proto: Any, axis: int) -> int | None:
    """The size of the frame axis of the graph's input, None where any will do."""
    weights = {tensor.name for tensor in proto.graph.initializer}  # old files list them as inputs, too
    for entry in proto.graph.input:
        if entry.name not in weights:
            sizes = [dim.dim_value for dim in entry.type.tensor_type.shape.dim]
            return fixed_size(sizes[axis]) if axis < len(sizes) else None
    return None
