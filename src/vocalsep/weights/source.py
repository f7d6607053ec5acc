"""Which weights file a name is of: a model, a file or a training run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vocalsep.errors import RunError
from vocalsep.weights.resolve import resolve
from vocalsep.weights.run_layout import RUN_CONFIG, RUN_WEIGHTS


def weights_of(source: str) -> tuple[Path, Mapping[str, Any] | None]:
    """The weights that ``source`` names: the best of a run, whatever its name, or what `resolve` finds.

    Returns:
        the file, and what the manifest says of its model, where the file does not say it.

    Raises:
        RunError: the run has no weights yet.
        ModelError: there are no such weights, or they are not available.
    """
    folder = Path(source)
    if (folder / RUN_WEIGHTS).is_file():
        return folder / RUN_WEIGHTS, None
    if (folder / RUN_CONFIG).is_file():
        raise RunError(f"{folder} has no {RUN_WEIGHTS} yet", "Train it up to its first validation.")
    weights = resolve(source)
    return weights.path, weights.config
