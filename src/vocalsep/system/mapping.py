"""Mappings (JSON, TOML) into frozen dataclasses, where an unknown key is an error, and back."""

from __future__ import annotations

import dataclasses
import difflib
from collections import abc
from collections.abc import Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from vocalsep.errors import OptionError

T = TypeVar("T")


def from_mapping(kind: type[T], values: Mapping[str, object]) -> T:
    """Build the dataclass ``kind`` from ``values``; fields that are missing keep their defaults.

    Mappings become dataclasses, and lists tuples, where the field is one. Values of a wrong type are refused.

    Raises:
        OptionError: an unknown key (the nearest valid one is named), a missing one or a wrong type.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    hints = _hints(kind)  # type: ignore[arg-type]
    arguments: dict[str, Any] = {}
    for key, value in values.items():
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = f"Did you mean '{near[0]}'?" if near else f"Known keys: {', '.join(fields)}."
            raise OptionError(f"unknown key '{key}' for {kind.__name__}", hint)
        arguments[key] = _convert(value, hints[key], key)
    try:
        return kind(**arguments)
    except TypeError as error:  # a field without a default is missing
        raise OptionError(f"{kind.__name__}: {error}") from error


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    """The types of a dataclass's fields: a manifest asks for the same few classes hundreds of times."""
    return get_type_hints(kind)


def to_mapping(config: object) -> dict[str, Any]:
    """The plain-JSON form of a config dataclass: `from_mapping` takes it back."""
    values = dataclasses.asdict(config)  # type: ignore[call-overload]
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


def _convert(value: object, hint: Any, key: str) -> object:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if value is None and NoneType in arguments:
            return None
        arguments = tuple(each for each in arguments if each is not NoneType)
        return _convert(value, arguments[0], key) if len(arguments) == 1 else value
    if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
        return from_mapping(hint, value)  # type: ignore[arg-type]
    if origin is tuple and isinstance(value, (list, tuple)):
        hints = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        if len(hints) != len(value):
            raise OptionError(f"'{key}' has {len(value)} values, not {len(hints)}")
        return tuple(_convert(each, hint, key) for each, hint in zip(value, hints, strict=True))
    if origin is abc.Mapping and isinstance(value, Mapping):
        return {name: _convert(each, arguments[1], f"{key}.{name}") for name, each in value.items()}
    if origin is Literal and value not in arguments:
        raise OptionError(f"'{key}' is {value!r}", f"Choose {', '.join(map(str, arguments))}.")
    plain = {int: (int,), float: (int, float), str: (str,), bool: (bool,)}.get(hint)
    if plain and (not isinstance(value, plain) or (isinstance(value, bool) and hint is not bool)):
        raise OptionError(f"'{key}' is {value!r}, which is no {getattr(hint, '__name__', hint)}")
    return value
