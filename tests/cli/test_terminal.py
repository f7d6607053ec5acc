"""What a person sees in a terminal, and what a file or a pipe gets of it."""

import json
import os
import subprocess
import sys
import threading

import pytest

pty = pytest.importorskip("pty")


def run_in_terminal(*arguments, stdout=None):
    """Run the command with its stderr, and its stdout unless given, in a terminal: its code and the screen."""
    ours, theirs = pty.openpty()
    shown = bytearray()

    def watch():
        try:
            while data := os.read(ours, 4096):
                shown.extend(data)
        except OSError:  # the other end was closed
            pass

    watcher = threading.Thread(target=watch)
    watcher.start()
    command = [sys.executable, "-m", "vocalsep", *map(str, arguments)]
    done = subprocess.run(command, stdout=theirs if stdout is None else stdout, stderr=theirs, timeout=120)
    os.close(theirs)
    watcher.join()
    os.close(ours)
    return done.returncode, bytes(shown).decode()


@pytest.mark.parametrize("as_json", [False, True])
def test_results_reach_a_file_while_bars_are_shown(song, tmp_path, as_json):
    with open(tmp_path / "results", "wb") as results:
        options = ["--json"] if as_json else []
        code, screen = run_in_terminal("split", song, "-o", tmp_path / "out", *options, stdout=results)
    assert code == 0, screen
    written = (tmp_path / "results").read_text().splitlines()
    if as_json:
        (line,) = written
        assert json.loads(line)["outputs"]["vocals"] == str(tmp_path / "out" / "song" / "vocals.wav")
    else:
        assert written == [str(tmp_path / "out" / "song" / f"{stem}.wav") for stem in ("vocals", "accompaniment")]
    assert "song" in screen
    assert "%" in screen


def test_results_are_seen_in_the_terminal_too(song, tmp_path):
    code, screen = run_in_terminal("split", song, "-o", tmp_path / "out")
    assert code == 0, screen
    assert "vocals.wav" in screen
