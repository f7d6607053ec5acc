"""A disk that is full under what is printed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")


def run(*arguments, **options):
    command = [sys.executable, "-m", "vocalsep", *map(str, arguments)]
    with open("/dev/full", "w") as full:
        streams = {name: full if file == "full" else file for name, file in options.items()}
        return subprocess.run(command, text=True, **streams)


@pytest.mark.parametrize(
    "arguments",
    [["models", "list"], ["models", "show", "tdt", "--json"], ["--help"], ["--version"], ["split", "--help"]],
    ids=" ".join,
)
def test_what_any_command_prints(arguments):
    done = run(*arguments, stdout="full", stderr=subprocess.PIPE)
    assert done.stderr == (
        "error: cannot write to stdout: No space left on device. Send it to where there is room.\n"
    )
    assert done.returncode == 22


def test_a_full_stderr_does_not_end_a_batch(song, tmp_path):
    songs = [song, song.with_name("nothing.wav"), shutil.copy(song, tmp_path / "b.wav")]
    done = run("split", *songs, "-o", tmp_path / "out", "--json", "-v", stdout=subprocess.PIPE, stderr="full")
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["done", "failed", "done"]
    assert done.returncode == 50
