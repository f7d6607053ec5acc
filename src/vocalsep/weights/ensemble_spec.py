"""The models of an ensemble, by the one name that it has on the command line: ``A+B``, or ``A:2+B``."""

from __future__ import annotations

from collections.abc import Mapping

from vocalsep.errors import OptionError, UnknownModelError
from vocalsep.weights.resolve import is_one_model, model_id


def members(model: str | None) -> Mapping[str | None, float]:
    """What ``model`` names, with the weight of each in the mean; weights add up to 1.

    Args:
        model: as for `vocalsep.weights.resolve.resolve`, or several with ``+`` between, each perhaps with ``:``
            and a weight behind. What is one model or file as it stands is taken for that.

    Raises:
        UnknownModelError: a name is empty.
        OptionError: a weight is not above zero.

    Example:
        >>> members("tdf+tdt")
        {'tdf': 0.5, 'tdt': 0.5}
        >>> members("tdf:3+hf:someone/model")
        {'tdf': 0.75, 'hf:someone/model': 0.25}
    """
    if model is None or "+" not in model or is_one_model(model):
        return {model: 1.0}
    weights: dict[str | None, float] = {}
    for part in model.split("+"):
        name, weight = _weighted(part.strip())
        if not name:
            raise UnknownModelError(f"a name of the ensemble '{model}' is empty", "Write A+B.")
        if not 0 < weight < float("inf"):
            raise OptionError(f"{name} has weight {weight:g}", "Give one above zero: A:2+B.")
        weights[name] = weights.get(name, 0.0) + weight
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def ensemble_id(model: str | None) -> str:
    """The ids of the `members`, see `vocalsep.weights.resolve.model_id`, with the weights where they differ.

    Raises:
        CorruptWeightsError: a path is in a folder that may not be searched.

    Example:
        >>> ensemble_id("tdf+tdt+tdf")
        'tdf:0.667+tdt:0.333'
    """
    weights = members(model)
    alike = len(set(weights.values())) == 1
    return "+".join(model_id(name) + ("" if alike else f":{weight:.3g}") for name, weight in weights.items())


def _weighted(part: str) -> tuple[str, float]:
    name, colon, number = part.rpartition(":")
    try:
        return (name, float(number)) if colon else (part, 1.0)
    except ValueError:  # the colon is that of hf:OWNER/REPO, or of a path
        return part, 1.0
