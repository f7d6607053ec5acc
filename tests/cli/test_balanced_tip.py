"""The tip about ``--quality balanced`` comes once, in a terminal alone."""

from helpers.terminal import run_in_terminal
from vocalsep.weights.manifest import load_manifest


def split(song, tmp_path, *options, stdout=None):
    code, screen = run_in_terminal("split", song, "-o", tmp_path / "out", "--overwrite", *options, stdout=stdout)
    assert code == 0, screen
    return screen


def test_once_and_never_again(song, tmp_path):
    with open(tmp_path / "results", "wb") as results:
        for options in ([], ["--json"]):
            assert "tip:" not in split(song, tmp_path, *options, stdout=results)
    for options in (["--json"], ["--quiet"], ["--model", load_manifest().default], ["--quality", "fast"]):
        assert "tip:" not in split(song, tmp_path, *options)
    first = split(song, tmp_path)
    assert first.count("tip: --quality balanced") == 1
    assert max(len(line.rstrip()) for line in first.splitlines() if line.startswith("tip:")) <= 80
    assert "42 MB to download, 5 times the time" in first
    assert "tip:" not in split(song, tmp_path)


def test_never_for_a_chosen_default(song, tmp_path, monkeypatch):
    monkeypatch.setenv("VOCALSEP_MODEL", "compact-v5")
    assert "tip:" not in split(song, tmp_path)


def test_never_where_it_cannot_be_remembered(song, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert "tip:" not in split(song, tmp_path)
