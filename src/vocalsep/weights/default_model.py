"""The model that the commands run where none is named: that of the environment, of the user, or of the package."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from vocalsep.errors import OptionError, OutputError, OutputNotWritableError
from vocalsep.system.files import atomic_path
from vocalsep.weights.manifest import load_manifest

VARIABLE = "VOCALSEP_MODEL"
"""The environment variable that names a model, ahead of what the user chose."""

_KEY = "model"
_BY_VARIABLE = f"Set {VARIABLE} to the name of the model."
_RESET = "Choose again with `vocalsep models use NAME`, or go back with `vocalsep models use --reset`."


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenModel:
    """A model, and who chose it.

    Attributes:
        spec: as for `vocalsep.weights.resolve.resolve`, or several with ``+`` between.
        origin: the option, the environment variable or the file that names it; None where nobody chose.
    """

    spec: str
    origin: str | None = None


def settings_path() -> Path:
    """The user's file, in the platform's folder for configurations; whether or not it is there."""
    return user_config_path("vocalsep", appauthor=False) / "config.toml"


def default_model() -> ChosenModel:
    """The model to run where no option names one.

    Raises:
        OptionError: the user's file cannot be read, or does not hold what `choose_default` writes.
    """
    if spec := os.environ.get(VARIABLE):
        return ChosenModel(spec=model_of(spec), origin=VARIABLE)
    if spec := _chosen():
        return ChosenModel(spec=model_of(spec), origin=str(settings_path()))
    return ChosenModel(spec=load_manifest().default)


def model_of(name: str) -> str:
    """The model that a name stands for: that of a quality, else itself.

    Example:
        >>> model_of("balanced"), model_of("umx")
        ('scnet', 'umx')
    """
    qualities: dict[str, str] = dataclasses.asdict(load_manifest().qualities)
    return qualities.get(name, name)


def choose_default(spec: str) -> Path:
    """Make ``spec`` the user's default, and give the file that says so.

    Raises:
        OutputError: the file cannot be written.
    """
    path = settings_path()
    if not path.is_absolute():
        raise OutputNotWritableError("there is no home folder to keep a choice in", _BY_VARIABLE)
    try:
        with atomic_path(path) as temporary:
            # TOML reads such a string of JSON as the same text
            temporary.write_text(f"{_KEY} = {json.dumps(spec, ensure_ascii=False)}\n", encoding="utf-8")
    except UnicodeEncodeError as error:
        raise OutputNotWritableError(f"{path} cannot hold the name {spec!a}", _BY_VARIABLE) from error
    except OutputError as error:
        error.hint = _BY_VARIABLE
        raise
    return path


def reset_default() -> None:
    """Go back to the model of the package.

    Raises:
        OutputNotWritableError: the user's file cannot be removed.
    """
    path = settings_path()
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputNotWritableError(f"cannot remove {path}: {error.strerror}", "Remove it yourself.") from error


def _chosen() -> str | None:
    path = settings_path()
    try:
        values = _toml(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:  # somebody else's folder, as where a service keeps the HOME of whoever started it
        return None
    except (OSError, ValueError) as error:
        raise OptionError(f"cannot read {path}: {error}", _RESET) from error
    spec = values.get(_KEY)
    if set(values) != {_KEY} or not isinstance(spec, str) or not spec:
        raise OptionError(f'{path} does not hold one line such as {_KEY} = "scnet"', _RESET)
    return spec


def _toml(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    values: dict[str, Any] = tomllib.loads(text)
    return values
