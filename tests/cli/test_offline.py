"""With the weights at hand, nothing opens a socket: not the command, nor what it imports."""

import subprocess
import sys

import pytest

WITHOUT_SOCKETS = """
import sys

def forbid(event, arguments):
    if event.startswith("socket."):
        raise RuntimeError(f"{event} {arguments}")

sys.addaudithook(forbid)
from vocalsep.cli import main
sys.exit(main())
"""


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_SOCKETS, *map(str, arguments)], capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("arguments", [["split", "{song}", "-o", "{out}"], ["models", "list"], ["doctor"]])
def test_no_socket_is_opened(song, tmp_path, arguments):
    done = run(*(argument.format(song=song, out=tmp_path / "out") for argument in arguments))
    assert (done.returncode, "socket." in done.stderr) == (0, False), done.stderr
    if arguments[0] == "split":
        assert (tmp_path / "out" / "song" / "vocals.wav").exists()


def test_a_download_would_be_seen(song, tmp_path):
    """The guard works: weights that are not here need a socket."""
    done = run("split", song, "-o", tmp_path / "out", "--model", "hf:nobody/nothing")
    assert done.returncode != 0
    assert "socket." in done.stderr
