"""Weights as one safetensors file, with the config inside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from vocalsep.errors import OptionError
from vocalsep.weights.checkpoint import Checkpoint, build_from, read_checkpoint, write_checkpoint
from vocalsep.weights.source import weights_of


def export(source: str, target: Path, *, dtype: torch.dtype | None = None) -> None:
    """Write weights as one safetensors file with the config inside, whole or not at all.

    Args:
        source: see `weights_of`.
        target: the file, replaced if there.
        dtype: what the weights are stored as; None leaves them as they are.

    Raises:
        OptionError: a weight does not fit into ``dtype``, or ``source`` is an ONNX file.
        ModelError: there are no such weights, or they are corrupt.
        OutputError: the file cannot be written.
    """
    path, config = weights_of(source)
    write_stored(target, read_usable(path, config), dtype, path)


def read_usable(path: Path, config: Mapping[str, Any] | None) -> Checkpoint:
    """A checkpoint that makes a model."""
    checkpoint = read_checkpoint(path, config)
    build_from(checkpoint, path)
    return checkpoint


def write_stored(target: Path, checkpoint: Checkpoint, dtype: torch.dtype | None, origin: Path) -> None:
    """Write a checkpoint with its weights as ``dtype``.

    Args:
        target: the file, replaced if there.
        checkpoint: what `read_usable` gave.
        dtype: what the weights are stored as; None leaves them as they are.
        origin: where the checkpoint is from, for messages.

    Raises:
        OptionError: a weight does not fit into ``dtype``.
        OutputError: the file cannot be written.
    """
    try:
        write_checkpoint(target, checkpoint, dtype=dtype)
    except ValueError as error:
        raise OptionError(f"{origin} cannot be stored so: {error}", "Pass dtype=float32.") from error
