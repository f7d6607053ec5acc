"""Weights: what there is, where it is, that it is whole, and the model made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vocalsep.weights.manifest import Entry, load_manifest

if TYPE_CHECKING:
    from vocalsep.models.base import SeparationModel

__all__ = ["list_models", "load_model"]


def list_models() -> tuple[Entry, ...]:
    """All models of the manifest and of installed weights packages.

    Example:
        >>> [entry.id for entry in list_models() if entry.bundled]
        ['compact-v6', 'compact-v5']
    """
    return load_manifest().models


def load_model(model: str | None = None, *, offline: bool = False) -> SeparationModel:
    """Load a model with its weights, in float32 and evaluation mode; they are downloaded if need be.

    Args:
        model: a name, the path of a weights file, or ``hf:OWNER/REPO``; None takes the default.
        offline: never ask the network.

    Raises:
        ModelError: no such model, no way to get its weights, or they are corrupt.

    Example:
        >>> load_model().config.stems
        ('vocals',)
    """
    from vocalsep.weights.checkpoint import load_model_file
    from vocalsep.weights.resolve import resolve

    weights = resolve(model, offline=offline)
    return load_model_file(weights.path, weights.config)
