"""What a person sees in a terminal, and what a file or a pipe gets of it."""

import json
import re
import shutil

import pytest

from helpers.hub_server import HubServer, Stall
from helpers.terminal import run_in_terminal
from helpers.weights_package import SMALL, write_weights


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


def test_a_terminal_gets_no_sound(song, tmp_path):
    code, screen = run_in_terminal("split", song, "--stem", "vocals", "-o", "-")
    assert code == 2
    assert "stdout is a terminal, which shows no sound. Redirect it: " in screen
    assert "RIFF" not in screen


def test_a_download_says_how_large_it_is(song, tmp_path, monkeypatch):
    write_weights(tmp_path / "weights", {**SMALL, "growth": 220})
    content = (tmp_path / "weights").read_bytes()
    size = f"{len(content) / 1e6:.0f} MB"
    assert len(content) > 11_000_000  # the client tells of each 10 MiB
    rest = Stall(after=len(content) - 1, seconds=2)  # what came before is shown meanwhile
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        server.add("someone/voices", "model.safetensors", content, rest)
        code, sent = run_in_terminal("split", song, "-o", tmp_path / "out", "--model", "hf:someone/voices")
    assert code == 0, sent
    assert re.search(rf"loading hf:someone/voices \d+ of {size}", sent), sent


def test_results_of_a_batch_stay_on_the_screen(song, tmp_path):
    """Bars of songs that are under way must not wipe what was printed of others."""
    songs = [shutil.copy(song, tmp_path / f"{name}.wav") for name in "abcde"]
    code, sent = run_in_terminal("split", *songs, "-o", tmp_path / "out", "--jobs", "3", "-d", "cpu")
    assert code == 0, sent
    lines = [line for line in screen_of(sent) if line and not line.startswith("tip: ")]
    for name in "abcde":
        told = [tmp_path / "out" / name / f"{stem}.wav" for stem in ("vocals", "accompaniment")]
        assert [line for line in lines if line.startswith(str(tmp_path / "out" / name))] == [str(p) for p in told]
        assert sum(f"{name}.wav: 0:" in line for line in lines) == 1
    assert len(lines) == 15, lines


def screen_of(sent: str) -> list[str]:
    """What is left to be seen on a wide and high terminal of all that was sent to it."""
    lines, row, column = [""], 0, 0
    for code, text in re.findall(r"(\x1b\[[0-9;?]*[A-Za-z]|\r|\n)|([^\x1b\r\n]+)", sent):
        if text:
            line = lines[row].ljust(column)
            lines[row], column = line[:column] + text + line[column + len(text) :], column + len(text)
        elif code == "\r":
            column = 0
        elif code == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif code.endswith("A"):
            row -= int(code[2:-1] or 1)
        elif code == "\x1b[2K":
            lines[row] = ""
    return lines
