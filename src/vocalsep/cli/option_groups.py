"""Options of a command that become one object, declared once for all commands that take it."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar, get_type_hints

T = TypeVar("T")


def options_of_fields(kind: type[T], declared: Mapping[str, Any]) -> Callable[..., T]:
    """A group of options that fill the fields of a dataclass: their types and defaults are those of the fields.

    Args:
        kind: the dataclass.
        declared: the ``typer.Option`` of each field.
    """
    types, fields = get_type_hints(kind), {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]

    def make(**values: Any) -> T:
        return kind(**values)

    make.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=fields[name].default,
                annotation=Annotated[types[name], option],
            )
            for name, option in declared.items()
        ]
    )
    return make


def takes(**groups: Callable[..., Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a command have the options of groups; it gets one object for each group.

    Args:
        groups: for a parameter of the command, a function of options that makes what the parameter gets.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        parameters: list[inspect.Parameter] = []
        taken: dict[str, list[str]] = {}
        for parameter in inspect.signature(command, eval_str=True).parameters.values():
            group = groups.get(parameter.name)
            found = [parameter] if group is None else _parameters(group)
            if group is not None:
                taken[parameter.name] = [option.name for option in found]
            parameters += [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in found]

        @functools.wraps(command)
        def run(**values: Any) -> None:
            made = {
                name: groups[name](**{option: values.pop(option) for option in options})
                for name, options in taken.items()
            }
            command(**values, **made)

        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {}  # the types are in the signature
        return run

    return decorate


def _parameters(group: Callable[..., Any]) -> list[inspect.Parameter]:
    return list(inspect.signature(group, eval_str=True).parameters.values())
