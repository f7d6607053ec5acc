"""An option has one name and one default on the command line, in Python and in the bundle that travels."""

import ast
import dataclasses
import inspect
import logging
import re
from importlib import import_module
from pathlib import Path

import pytest
import typer
import typer.main

import vocalsep
from vocalsep import Separator
from vocalsep.audio.outputs import Outputs
from vocalsep.audio.reading_options import ReadingOptions
from vocalsep.cli import options, stderr
from vocalsep.cli.app import _COMMANDS, app
from vocalsep.cli.flags import in_flags, told
from vocalsep.errors import InputNotFoundError, OutputExistsError
from vocalsep.separation.options import SeparationOptions

ADVICE = re.compile(
    r"\b(Pass|Use|Give|Add|Try|Choose|Export|Train|Resume|out|without|with|See)\b.*\b[a-z_]+=[\w{]"
)
SOURCE = Path(vocalsep.__file__).parent
COMMAND = re.compile(r"\b(vocalsep|pip install) ")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+|(?<![\w-])-[a-z]\b")
OTHER_PROGRAMS = ("synthesis/singing/speech.py", "training/run/environment.py", "training/report.py")


def defaults_of(function) -> dict:
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}


def fields_of(bundle) -> dict:
    return {
        field.name: field.default_factory() if field.default is dataclasses.MISSING else field.default
        for field in dataclasses.fields(bundle)
        if field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
    }


def test_how_a_model_is_run():
    fields = fields_of(SeparationOptions)
    assert defaults_of(options.separation_options) == fields
    python = defaults_of(Separator.__init__)
    assert {name: python[name] for name in fields} == fields
    assert python.keys() - fields == {"model", "offline", "download_progress"}


def test_how_files_are_read_and_written():
    reading, outputs = fields_of(ReadingOptions), fields_of(Outputs)
    del reading["shown_as"]  # a name for what the command line gives the library
    assert defaults_of(options.reading_options) == reading
    python = {**defaults_of(Separator.separate_file), "format": Outputs(folder=Path()).format}
    assert {name: python[name] for name in {**reading, **outputs}} == {**reading, **outputs}
    assert python.keys() - reading.keys() - outputs.keys() == {"track", "progress", "on_block"}


def all_commands():
    group = typer.main.get_command(app)
    context = typer.Context(group)
    for name in _COMMANDS:
        command = group.get_command(context, name)
        for inner, each in getattr(command, "commands", {"": command}).items():
            yield f"{name} {inner}".strip(), each


def test_every_command_says_more_or_less():
    for name, command in all_commands():
        flags = [flag for param in command.params for flag in param.opts]
        assert len(flags) == len(set(flags)), name
        assert {"--verbose", "-v", "--quiet", "-q", "--debug"} <= set(flags), name


@pytest.mark.parametrize("arguments", [["-q", "models", "verify", "tdf"], ["models", "verify", "tdf", "-q"]])
def test_quiet_stands_before_or_after_a_command(vocalsep, arguments):
    assert vocalsep(*arguments).code == 0
    assert stderr.quiet
    assert vocalsep("models", "verify", "tdf").code == 0
    assert not stderr.quiet


def messages_of_the_library():
    """Every text in the source outside the command line, docstrings aside, with its place."""
    for path in sorted(SOURCE.rglob("*.py")):
        place = path.relative_to(SOURCE).as_posix()
        if place.startswith("cli/") or place in OTHER_PROGRAMS:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                inner |= {id(part) for part in node.values}
                yield (
                    f"{place}:{node.lineno}",
                    "".join(part.value if isinstance(part, ast.Constant) else "N" for part in node.values),
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
                yield f"{place}:{node.lineno}", node.value


def test_the_library_knows_no_flags():
    """But in whole commands that somebody may copy."""
    texts = [
        (place, text) for place, text in messages_of_the_library() if " " in text and not COMMAND.search(text)
    ]
    assert len(texts) > 500
    assert [(place, text) for place, text in texts if FLAG.search(text)] == []


def test_what_the_library_advises_can_be_typed():
    """Each argument that a hint names, as ``overwrite=True``, is a flag of some command."""
    flags = {flag for _, command in all_commands() for param in command.params for flag in param.opts}
    advised = set()
    for _, text in messages_of_the_library():
        if ADVICE.search(text):
            advised |= set(re.findall(r"--[a-z-]+", in_flags(text)))
    assert {"--overwrite", "--salvage", "--segment", "--downmix", "--set"} <= advised
    assert advised <= flags, advised - flags


def test_flags_stand_in_hints_alone():
    assert told(OutputExistsError("a=b.wav exists", "Pass overwrite=True.")) == "a=b.wav exists. Pass --overwrite."
    assert told(InputNotFoundError("x=1.mp3 does not exist")) == "x=1.mp3 does not exist"
    assert told(ValueError("y=2")) == "y=2"


def test_the_help_of_all_has_the_first_line_of_each():
    helps = {name: command.help.partition("\n")[0] for name, command in all_commands() if command.help}
    for name, summary in _COMMANDS.items():
        own = helps.get(name) or import_module(f"vocalsep.cli.commands.{name}").app.info.help
        assert own == summary


def test_the_help_of_all_cuts_no_line(vocalsep, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = vocalsep("--help").out.splitlines()
    for name, summary in _COMMANDS.items():
        assert f"  {name:<9}  {summary}" in lines


def test_the_terminal_breaks_the_lines_of_a_help():
    for name, command in all_commands():
        for paragraph in (command.help or "").split("\n\n"):
            assert "\n" not in paragraph, name


def test_verbosity_adds_up(vocalsep):
    levels = {"": 30, "-v": 20, "-vv": 10, "-vvv": 10, "-v -q": 40}
    for arguments, level in levels.items():
        vocalsep("models", "verify", "tdf", *arguments.split())
        assert logging.getLogger("vocalsep").level == level
    vocalsep("-v", "models", "verify", "tdf", "-v")
    assert logging.getLogger("vocalsep").level == logging.DEBUG
