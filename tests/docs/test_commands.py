"""Every command and every block of Python on the pages: parsed by the program, and run where it can be."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from docs.conftest import SMALL_TRAINING
from docs.pages import PROJECT, blocks, commands
from helpers.command_line import vocalsep
from vocalsep.cli.app import app

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

COMMANDS = commands()
OWN = [command for command, _ in COMMANDS if re.search(r"(?:^|[|&;] |-m )vocalsep\b", command)]
HOURS, HUB, CLUSTER = "trains for minutes to hours", "asks the Hub", "needs a cluster"
NOT_RUN = {
    r"--quality (balanced|best)|--model scnet|models pull": f"{HUB}: tests/weights/test_public_checkpoints.py",
    r"models (push|import checkpoint)|data fetch": f"{HUB} or needs a large file: tests/weights",
    r"musdb18hq|reproduce": "needs MUSDB18-HQ: tests/cli/commands/test_reproduce.py, test_evaluate.py",
    r"vocalsep train(?! .*(my/stems|--resume))": f"{HOURS}: tests/cli/commands/test_train.py",
    r"vocalsep train --resume": "tests/cli/commands/test_train.py resumes",
    r"data synth": "makes songs without end: tests/synthesis",
    r"--cluster": f"{CLUSTER}: tests/cli/test_cluster.py",
    r"vocalsep web|uvx|pipx|docker|pip install": "installs, or serves until it is ended: tests/web",
    r"models use": "changes the user's default: tests/cli/commands/test_models.py",
    r"HF_TOKEN|examples/demo": "the first command of the README is run by .ci/run",
}
"""Commands of vocalsep that are parsed and not run here, by a pattern, with the reason and what runs them."""

OTHERS = {
    r"^(python3? -m )?pip install ": "checked below: the extras are there",
    r"^(apt(-get)?|brew|conda|mamba|pixi|pipx|uv|uvx|docker|git clone) ": "other programs' commands",
    r"^(ruff check|mkdocs|tensorboard|accelerate|ls|python3 -m venv|python -m build|pip-audit)": "other tools",
    r"^python -m pytest": "the tests themselves",
    r"^python (tools|tests|benchmarks|research)/": "checked below: the script is there",
}
"""What else the pages tell people to type, by a pattern."""


def not_run(command: str) -> str | None:
    return next((reason for pattern, reason in NOT_RUN.items() if re.search(pattern, command)), None)


def arguments_of(command: str) -> list[list[str]]:
    """The arguments of each call of vocalsep in a line of a shell."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    calls: list[list[str]] = []
    inside = False
    for word in lexer:
        if set(word) <= set("|&;<>"):
            inside = False
        elif word == "vocalsep":
            calls.append([])
            inside = True
        elif inside:
            calls[-1].append(word)
    return calls


@pytest.mark.parametrize("command", OWN)
def test_the_parser_takes_it(command, kitchen):
    """All options and values are those that there are."""
    for words in arguments_of(command):
        group = typer.main.get_command(app)
        context = group.make_context("vocalsep", list(words))
        below, rest = group, [*context._protected_args, *context.args]
        while hasattr(below, "list_commands") and rest:
            name = rest.pop(0)
            below = below.get_command(context, name)
            assert below is not None, f"no command '{name}'"
        if below is not group:
            below.make_context(str(below.name), rest)


@pytest.mark.parametrize("command", [command for command in OWN if not not_run(command)])
def test_it_runs(command, kitchen):
    if "train" in command or "report" in command:
        pytest.importorskip("accelerate")
    if "onnx" in command:
        pytest.importorskip("onnxruntime")
    if "vocalsep train" in command:
        command += "".join(f" --set {setting}" for setting in SMALL_TRAINING)
        command = command.replace("runs/a", "runs/new").replace("runs/mine", "runs/new")
    if re.search(r"[|&<>*]", command):
        run_in_shell(command.replace("curl -s URL", "cat song.mp3"), kitchen)
        return
    (words,) = arguments_of(command)
    done = vocalsep(*words)
    allowed = (0, 15) if "cut.mp3" in command else (0,)
    assert done.code in allowed, done.err


def run_in_shell(script: str, kitchen: Path, **settings: str) -> None:
    if sys.platform == "win32":
        pytest.skip("a command for a shell of Unix")
    source = os.environ.get("PYTHONPATH", str(PROJECT / "src"))
    environment = {
        **os.environ,
        "PATH": f"{kitchen / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": source,
        **settings,
    }
    done = subprocess.run(["bash", "-ec", script], capture_output=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("block", [block for block in blocks("sh") if block.text.startswith("#!")], ids=str)
def test_scripts_run(block, kitchen):
    slurm = {"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "1", "SLURM_CPUS_PER_TASK": "1"}
    run_in_shell(block.text, kitchen, **slurm)
    assert len(list((kitchen / "stems").rglob("vocals.wav"))) == 2


# what asks a running page is tried in tests/web/test_server.py
ALONE = [block for block in blocks("python") if "gradio_client" not in block.text]


@pytest.mark.parametrize("block", ALONE, ids=lambda block: f"{block.page}-{len(block.text)}")
def test_python_runs(block, kitchen):
    exec(compile(block.text, block.page, "exec"), {})


def test_every_command_is_known():
    """A new kind of command is either run, or named above with the reason."""
    unknown = [
        (page, command)
        for command, page in COMMANDS
        if command not in OWN and not any(re.search(pattern, command) for pattern in OTHERS)
    ]
    assert unknown == []
    assert len(OWN) > 40


@pytest.mark.parametrize("pattern", NOT_RUN)
def test_no_reason_is_out_of_date(pattern):
    later = {r"vocalsep web|uvx|pipx|docker|pip install", r"HF_TOKEN|examples/demo"}
    assert pattern in later or any(re.search(pattern, command) for command in OWN)


def test_extras_that_pages_install_are_there():
    metadata = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = "\n".join(block.text for block in blocks("console", "sh"))
    named = {extra for extras in re.findall(r"(?:vocalsep|\.)\[([\w,]+)\]", text) for extra in extras.split(",")}
    assert named <= set(metadata["optional-dependencies"])
    assert named


def test_scripts_that_pages_name_are_there():
    found = {
        (page, script)
        for command, page in COMMANDS
        for script in re.findall(r"\b((?:tools|tests|benchmarks|research)/[\w./-]+)", command)
        if not (PROJECT / script).exists()
    }
    assert found == set()
