"""What users build on stays: names, parameters, exit codes, commands and options may come, and none may go.

``python tests/test_public_api.py --write`` adds what is new to tests/public_api.txt. What is taken away is taken
off that list by hand, with a line in the changelog's "Removed".
"""

import dataclasses
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import typer

import vocalsep
from vocalsep import errors
from vocalsep.cli.app import app

LIST = Path(__file__).with_name("public_api.txt")


def public() -> set[str]:
    """Everything that users can name, a line each."""
    return {*python_names(), *error_classes(), *commands(typer.main.get_command(app), "vocalsep")}


def python_names() -> Iterator[str]:
    for name in vocalsep.__all__:
        value = getattr(vocalsep, name)
        yield name
        if isinstance(value, type):
            yield from members(name, value)
        elif callable(value):
            yield from parameters(name, value)


def members(name: str, kind: type) -> Iterator[str]:
    """Fields, properties, and methods with their parameters."""
    if dataclasses.is_dataclass(kind):
        yield from (f"{name}.{field.name}" for field in dataclasses.fields(kind))
    else:
        yield from parameters(name, kind)
    for attribute, value in vars(kind).items():
        if attribute.startswith("_"):
            continue
        yield f"{name}.{attribute}"
        if isinstance(value, FunctionType):
            yield from parameters(f"{name}.{attribute}", value)


def parameters(name: str, function: object) -> Iterator[str]:
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name != "self":
            keyword = parameter.kind is parameter.KEYWORD_ONLY
            yield f"{name}({parameter.name}{'=' if keyword else ''})"


def error_classes() -> Iterator[str]:
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.VocalsepError):
            yield f"errors.{name} exit code {value.exit_code}"


def commands(command, path: str) -> Iterator[str]:
    yield path
    for parameter in command.params:
        yield from (f"{path} {option}" for option in (*parameter.opts, *parameter.secondary_opts))
    if hasattr(command, "list_commands"):
        context = typer.Context(command)
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), f"{path} {name}")


def listed() -> set[str]:
    return set(LIST.read_text(encoding="utf-8").splitlines())


def test_nothing_public_is_gone():
    gone = listed() - public()
    assert sorted(gone) == [], "take these off tests/public_api.txt and name them under Removed in CHANGELOG.md"


def test_the_list_is_no_stub():
    lines = listed()
    assert {"Separator.separate_file", "errors.DownloadError exit code 33", "vocalsep split --model"} <= lines
    assert len(lines) > 150


if __name__ == "__main__":
    new = public() - listed()
    if "--write" in sys.argv:
        LIST.write_text("".join(f"{line}\n" for line in sorted(listed() | new)), encoding="utf-8")
    print("\n".join(sorted(new)))
