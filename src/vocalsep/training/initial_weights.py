"""The weights that a run starts from."""

from __future__ import annotations

from torch import Tensor

from vocalsep.errors import OptionError
from vocalsep.models.architectures import config_of
from vocalsep.models.base import SeparationModel
from vocalsep.weights.checkpoint import load_model_file
from vocalsep.weights.resolve import resolve


def initial_state(weights: str, model: SeparationModel) -> dict[str, Tensor]:
    """The state of weights for a model of the same config.

    Args:
        weights: name, file or run, as for `vocalsep.api.Separator`.
        model: the model that will take the state.

    Raises:
        ModelError: the weights are not available.
        OptionError: they are of a model of another config, and the first setting that differs is named; or they
            are an ONNX graph.
    """
    resolved = resolve(weights)
    given = load_model_file(resolved.path, resolved.config)
    found, wanted = config_of(given), config_of(model)
    for name in sorted(wanted.keys() | found.keys()):
        if found.get(name) != wanted.get(name):
            raise OptionError(
                f"{weights} has {name} {found.get(name)}, and the run {wanted.get(name)}",
                f"Train with model.{name}=..., or start from other weights.",
            )
    state = given.state_dict()
    if not state:
        raise OptionError(f"{weights} is a graph, which is not trained", "Start from what it was exported from.")
    return state
