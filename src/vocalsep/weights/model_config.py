"""The config of a weights file: where it is said, and the model that it describes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vocalsep.errors import CorruptWeightsError, VocalsepError
from vocalsep.models.architectures import build_model
from vocalsep.models.base import SpectrogramModel

DAMAGED = "Get the file again; `vocalsep models list` shows the models that can be downloaded."


def find_config(path: Path, inside: object = None) -> dict[str, Any]:
    """The config of a weights file: what is said inside of it, as JSON or as values, or in a JSON file next to it.

    Beside ``vocals.safetensors`` these are ``vocals.json`` and ``config.json``.

    Args:
        path: path of the weights file.
        inside: what the file says, None where it does not.

    Raises:
        CorruptWeightsError: there is no config, or it is no JSON object.
    """
    config = _beside(path) if inside is None else inside
    if isinstance(config, str):
        try:
            config = json.loads(config)
        except ValueError as error:
            raise CorruptWeightsError(f"{path}: the config is not JSON: {error}", DAMAGED) from error
    if not isinstance(config, Mapping):
        raise CorruptWeightsError(
            f"{path} does not say which model it is for",
            f"Try `vocalsep models import {path} --model NAME -o NAME.safetensors`.",
        )
    return dict(config)


def build_described(
    config: Mapping[str, Any],
    origin: Path | str,
    build: Callable[[Mapping[str, Any]], SpectrogramModel] = build_model,
) -> SpectrogramModel:
    """Build the model of a config from elsewhere, with random weights.

    Args:
        config: as `vocalsep.models.architectures.build_model` takes it.
        origin: where it is from, for messages.
        build: builds it, `vocalsep.models.architectures.build_model` or the like.

    Raises:
        CorruptWeightsError: the config makes no model.
    """
    try:
        return build(config)
    except VocalsepError as error:
        raise CorruptWeightsError(f"{origin}: the config is wrong: {error.message}", error.hint) from error
    except (RuntimeError, ValueError, TypeError, ArithmeticError) as error:  # no layer can have such sizes
        raise CorruptWeightsError(f"{origin}: the config makes no model: {error}", DAMAGED) from error


def _beside(path: Path) -> object:
    for candidate in (path.with_suffix(".json"), path.with_name("config.json")):
        if candidate.is_file():
            try:
                return candidate.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise CorruptWeightsError(f"cannot read {candidate}: {error}", DAMAGED) from error
    return None
