"""Split a song into vocals and accompaniment.

>>> from vocalsep import Separator
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vocalsep._version import __version__

if TYPE_CHECKING:
    from vocalsep.api import Separator
    from vocalsep.split_result import SplitResult
    from vocalsep.weights import list_models, load_model

__all__ = ["Separator", "SplitResult", "__version__", "list_models", "load_model"]

_HOMES = {"Separator": "api", "SplitResult": "split_result", "list_models": "weights", "load_model": "weights"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: PyTorch takes a second, the version must not."""
    if name not in _HOMES:
        raise AttributeError(f"module 'vocalsep' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"vocalsep.{_HOMES[name]}"), name)
