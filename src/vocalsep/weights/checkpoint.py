"""A checkpoint: the config of a model, its tensors by name, and words about them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from vocalsep.errors import CorruptWeightsError, OptionError
from vocalsep.models.base import SpectrogramModel
from vocalsep.system.files import atomic_path
from vocalsep.weights.model_config import DAMAGED, build_described, find_config
from vocalsep.weights.onnx_file import ONNX_SUFFIX, load_onnx


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a weights file holds.

    Attributes:
        config: ``architecture`` and the fields of its config, as `build_model` takes them.
        state: tensors by the names of the model's state dict.
        metadata: other words in the file: id, licence.
    """

    config: dict[str, Any]
    state: dict[str, Tensor]
    metadata: dict[str, str] = field(default_factory=dict)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the tensors of a weights file, and the metadata next to them, without executing anything in it.

    safetensors files are told by suffix or content; all else goes through torch's restricted unpickler, which
    knows tensors and plain containers only. ``{"state_dict": ...}`` or ``{"state": ...}`` around the tensors and
    the ``module.`` before the names, left by data-parallel training, are taken off.

    Raises:
        CorruptWeightsError: the file cannot be read, is damaged, holds code, or no tensors by name.
        OptionError: it is an ONNX file.
    """
    if path.suffix == ONNX_SUFFIX:
        raise OptionError(f"{path} is a graph, not tensors by name", "Give the weights that it was exported from.")
    try:
        with open(path, "rb") as file:
            head = file.read(9)
    except OSError as error:
        raise CorruptWeightsError(
            f"cannot read {path}: {error.strerror}", "Check the path and its rights."
        ) from error
    if path.suffix == ".safetensors" or head[8:] == b"{":
        return _read_safetensors(path)
    return _read_pickle(path)


def read_checkpoint(path: Path, config: Mapping[str, Any] | None = None) -> Checkpoint:
    """Read a weights file with its config.

    Args:
        path: path of the file.
        config: as `vocalsep.models.architectures.build_model` takes it, for a file that does not say it.

    Raises:
        CorruptWeightsError: see `read_tensors` and `vocalsep.weights.model_config.find_config`.
        OptionError: it is an ONNX file.
    """
    state, metadata = read_tensors(path)
    inside = metadata.pop("config", None)
    words = {key: value for key, value in metadata.items() if isinstance(value, str)}
    return Checkpoint(config=find_config(path, inside if config is None else config), state=state, metadata=words)


def write_checkpoint(path: Path, checkpoint: Checkpoint, *, dtype: torch.dtype | None = None) -> None:
    """Write a checkpoint as safetensors, whole or not at all; the same checkpoint gives the same bytes.

    The counters of batch normalisation are left out: nothing in evaluation reads them.

    Args:
        path: the file, replaced if there.
        checkpoint: what to write.
        dtype: what floating-point tensors are stored as (None: as they are).

    Raises:
        OutputError: the file cannot be written.
        ValueError: a value does not fit into ``dtype``.
    """
    state = {}
    for name, tensor in sorted(checkpoint.state.items()):
        if name.endswith("num_batches_tracked"):
            continue
        stored = tensor.to(dtype) if dtype and tensor.is_floating_point() else tensor
        if not torch.equal(stored.isfinite(), tensor.isfinite()):
            raise ValueError(f"{name} has values up to {tensor.abs().max():g}, too large for {dtype}")
        state[name] = stored.clone(memory_format=torch.contiguous_format)  # names may share a tensor, a file not
    metadata = {**checkpoint.metadata, "config": json.dumps(checkpoint.config)}
    content = _sort_header(safetensors.torch.save(state, metadata))
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def load_model_file(path: Path, config: Mapping[str, Any] | None = None) -> SpectrogramModel:
    """Build the model of a weights file, in float32 and evaluation mode.

    Args:
        path: path of the file.
        config: as `vocalsep.models.architectures.build_model` takes it, for a file that does not say it.

    Raises:
        CorruptWeightsError: see `read_checkpoint`, `build_from` and `vocalsep.weights.onnx_file.load_onnx`.
        MissingExtraError: it is an ONNX file, and the extra for them is not installed.
    """
    if path.suffix == ONNX_SUFFIX:
        return load_onnx(path, config)
    return build_from(read_checkpoint(path, config), path)


def build_from(checkpoint: Checkpoint, origin: Path | str) -> SpectrogramModel:
    """Build the model that a checkpoint describes, each tensor in its place and none left over.

    Args:
        checkpoint: config and tensors.
        origin: where it is from, for messages.

    Raises:
        CorruptWeightsError: the config makes no model, or the first tensor that is missing, unknown or of another
            shape.
    """
    with torch.device("meta"):  # the file's tensors become the model's: large ones are not to be held twice
        model = build_described(checkpoint.config, origin)
    wanted = {name: t for name, t in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    state = {name: t for name, t in checkpoint.state.items() if not name.endswith("num_batches_tracked")}
    for name in sorted(wanted.keys() | state.keys()):
        if name not in state:
            problem = f"{name} is missing"
        elif name not in wanted:
            problem = f"{name} is not in the model"
        elif state[name].shape != wanted[name].shape:
            problem = f"{name} has shape {tuple(state[name].shape)}, not {tuple(wanted[name].shape)}"
        else:
            continue
        raise CorruptWeightsError(
            f"{origin} does not fit a {checkpoint.config['architecture']} model: {problem}", DAMAGED
        )
    model.load_state_dict(state, assign=True)
    if any(tensor.is_meta for tensor in itertools.chain(model.parameters(), model.buffers())):
        model = build_described(checkpoint.config, origin)  # it has constants that no file holds
        model.load_state_dict(state)
    return model.float().eval()


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, "pt") as file:
            metadata = dict(file.metadata() or {})
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise CorruptWeightsError(f"{path} is not a whole safetensors file: {error}", DAMAGED) from error
    return _plain_names(state), metadata


def _read_pickle(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # hostile or torn bytes make the unpickler raise anything
        raise CorruptWeightsError(
            f"{path} is no PyTorch checkpoint, or it holds more than tensors and plain values", DAMAGED
        ) from error
    return unwrap(content, path)


def unwrap(content: object, origin: Path | str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Take the tensors by name out of what `torch.load` gives, and what stands next to them.

    Raises:
        CorruptWeightsError: there are none.
    """
    beside: dict[str, Any] = {}
    state = content
    while isinstance(state, Mapping) and (inner := [key for key in ("state_dict", "state") if key in state]):
        beside = {**beside, **{key: value for key, value in state.items() if key != inner[0]}}
        state = state[inner[0]]
    if not isinstance(state, Mapping) or not state:
        raise CorruptWeightsError(f"{origin} holds no tensors by name", DAMAGED)
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise CorruptWeightsError(f"{origin} holds more than tensors by name: {name!r}", DAMAGED)
    return _plain_names(state), beside


def _plain_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def _sort_header(content: bytes) -> bytes:
    """Sort the header of a safetensors file, whose writer puts the metadata in an order of chance."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8:start]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # the tensors stay aligned
    return len(header).to_bytes(8, "little") + header + content[start:]
