import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

WITHOUT_GRADIO = """
import sys
sys.modules["gradio"] = None
from vocalsep.cli import main
sys.argv = ["vocalsep", "web"]
main()
"""
EXTRA = pytest.mark.skipif("not __import__('importlib.util').util.find_spec('gradio')", reason="no gradio")


def test_without_the_extra_it_says_what_to_install():
    done = subprocess.run([sys.executable, "-c", WITHOUT_GRADIO], capture_output=True, text=True)
    assert done.returncode == 64
    assert "gradio, which is not installed" in done.stderr
    assert "pip install 'vocalsep[web]'" in done.stderr


def test_the_help_loads_no_page():
    code = "import sys; sys.argv = ['vocalsep', 'web', '--help']\nfrom vocalsep.cli import main\n"
    code += "try: main()\nexcept SystemExit: pass\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--max-minutes" in done.stdout
    assert not {"gradio", "uvicorn", "torch", "numpy"} & set(done.stdout.splitlines()[-1].split())


@pytest.fixture
def command(tmp_path):
    """Starts ``vocalsep web`` with a folder of its own for temporary files; gives the process and the address."""
    started = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "vocalsep", "web", "--no-browser", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        )
        started.append(process)
        return process, process.stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.communicate()


def songs(folder: Path) -> list[Path]:
    return [path for path in folder.glob("vocalsep-web-*/**/*") if path.is_file()]


def upload(address: str) -> None:
    import json

    request = urllib.request.Request(f"{address}vocalsep/session", method="POST")
    session = json.loads(urllib.request.urlopen(request).read())["id"]
    demo = (Path(__file__).parents[3] / "examples" / "demo.mp3").read_bytes()
    headers = {"X-Vocalsep-Session": session}
    asked = urllib.request.Request(f"{address}vocalsep/songs?name=demo.mp3", demo, headers, method="POST")
    assert json.loads(urllib.request.urlopen(asked).read())["state"] == "ready"


@EXTRA
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGINT, 0, "the page has ended"),
        (signal.SIGTERM, 128 + signal.SIGTERM, "terminated: nothing half-written is left"),
    ],
)
def test_an_interrupt_ends_it_and_deletes_the_songs(command, tmp_path, number, code, said):
    process, address = command()
    assert address.startswith("http://127.0.0.1:")
    upload(address)
    assert songs(tmp_path)
    # a browser keeps such a connection open
    stream = urllib.request.urlopen(f"{address}gradio_api/heartbeat/abc")
    began = time.monotonic()
    process.send_signal(number)
    assert process.wait(timeout=20) == code
    assert process.stderr.read().splitlines()[-1] == said
    assert time.monotonic() - began < 10
    stream.close()
    assert list(tmp_path.glob("vocalsep-web-*")) == []


@EXTRA
def test_songs_of_a_killed_server_go_with_the_next_start(command, tmp_path):
    process, address = command()
    upload(address)
    process.kill()
    process.wait()
    assert songs(tmp_path)
    process, _ = command()
    assert songs(tmp_path) == []


@EXTRA
def test_another_host_gets_a_token_and_a_warning(command):
    process, address = command("--host", "0.0.0.0")
    assert len(address.rstrip("/").rpartition("/")[2]) >= 32
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert "warning: other machines" in said
    assert "token" in said


@EXTRA
def test_a_port_in_use():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "vocalsep", "web", "--no-browser", "--port", port],
            capture_output=True,
            text=True,
        )
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1, port {port}" in done.stderr


@EXTRA
@pytest.mark.parametrize("option", ["--max-minutes", "--max-mb"])
def test_a_limit_of_nothing(option):
    done = subprocess.run(
        [sys.executable, "-m", "vocalsep", "web", "--no-browser", option, "0"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "must be above 0" in done.stderr
