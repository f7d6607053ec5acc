"""The models of an ensemble, by the one name that it has on the command line: ``A+B``, or ``A:2+B``."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

from vocalsep.errors import OptionError, UnknownModelError
from vocalsep.weights.resolve import is_one_model, model_id


@dataclass(frozen=True, slots=True)
class EnsembleSpec:
    """What a user names with ``--model``, read once.

    Attributes:
        shares: name of each model, with its share of the mean. The shares add up to 1. The name None is the
            default model.
        id: ids of the models with ``+`` between them, and with the shares where they differ.
    """

    shares: dict[str | None, float]
    id: str


def parse_ensemble(model: str | PathLike[str] | EnsembleSpec | None) -> EnsembleSpec:
    """Read the name of a model, or of several with ``+`` between them.

    Args:
        model: as for `vocalsep.weights.resolve.resolve`, or several such names with ``+`` between them, each
            perhaps followed by ``:`` and a weight. A text that names one model or one file as it stands is taken
            for that one. What was read before is returned as it is.

    Raises:
        UnknownModelError: a name is empty.
        OptionError: a weight is not above zero.
        CorruptWeightsError: a path is in a folder that may not be searched.

    Example:
        >>> parse_ensemble("tdf+tdt")
        EnsembleSpec(shares={'tdf': 0.5, 'tdt': 0.5}, id='tdf+tdt')
        >>> parse_ensemble("tdf:3+hf:someone/model").id
        'tdf:0.75+hf:someone/model:0.25'
    """
    if isinstance(model, EnsembleSpec):
        return model
    shares = _shares(None if model is None else str(model))
    alike = len(set(shares.values())) == 1
    ids = (model_id(name) + ("" if alike else f":{share:.3g}") for name, share in shares.items())
    return EnsembleSpec(shares, "+".join(ids))


def _shares(model: str | None) -> dict[str | None, float]:
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


def _weighted(part: str) -> tuple[str, float]:
    name, colon, number = part.rpartition(":")
    try:
        return (name, float(number)) if colon else (part, 1.0)
    except ValueError:  # the colon is that of hf:OWNER/REPO, or of a path
        return part, 1.0
