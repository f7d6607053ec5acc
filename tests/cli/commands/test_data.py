import hashlib
import io
import json
import sys
import zipfile
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import soundfile

from vocalsep.datasets import fetch as fetching
from vocalsep.datasets import musdb18hq
from vocalsep.datasets.musdb18hq import MUSDB18HQ


@pytest.fixture
def small_musdb18hq(monkeypatch):
    """A data set of two songs in the place of the published one; gives its zip file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in ("train/A", "test/B"):
            for stem in MUSDB18HQ.stems:
                file.writestr(f"{name}/{stem}.wav", f"{name} {stem}")
    content = buffer.getvalue()
    small = replace(
        MUSDB18HQ,
        url="http://127.0.0.1:9/none.zip",
        sha256=hashlib.sha256(content).hexdigest(),
        songs={"train": 1, "test": 1},
        extracted_bytes=1000,
    )
    monkeypatch.setattr(musdb18hq, "MUSDB18HQ", small)
    monkeypatch.setattr(fetching, "_BACK_OFF_SECONDS", (0,))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return content


def test_fetch_shows_the_licence_and_unpacks(vocalsep, small_musdb18hq, tmp_path, monkeypatch):
    monkeypatch.setenv("VOCALSEP_DATA", str(tmp_path))
    root = tmp_path / "musdb18hq"
    root.mkdir()
    (root / "musdb18hq.zip").write_bytes(small_musdb18hq)
    done = vocalsep("data", "fetch", "musdb18hq", "--keep-zip")
    assert done.code == 0, done.err
    assert done.out == f"{root}\n"
    lines = done.err.splitlines()
    assert "non-commercial use only" in lines[0]
    assert "doi.org/10.5281/zenodo.3338373" in lines[0]
    assert lines[1].endswith(f"vocalsep train --model tdsa --data musdb18hq:{root}")
    assert (root / "test" / "B" / "vocals.wav").read_text() == "test/B vocals"
    assert (root / "musdb18hq.zip").exists()
    again = vocalsep("data", "fetch", "musdb18hq", "--root", root)
    assert (again.code, again.out) == (0, f"{root}\n")
    assert f"musdb18hq is complete in {root}: nothing to do" in again.err


def test_fetch_without_a_network(vocalsep, small_musdb18hq, tmp_path):
    done = vocalsep("data", "fetch", "musdb18hq", "--root", tmp_path / "new")
    assert done.code == 33
    assert done.out == ""
    assert done.err.splitlines()[-1].startswith("error: cannot download http://127.0.0.1:9/none.zip: ")
    assert f"put musdb18hq.zip in {tmp_path / 'new'}" in done.err


def test_fetch_of_a_wrong_file(vocalsep, small_musdb18hq, tmp_path):
    (tmp_path / "musdb18hq.zip").write_bytes(small_musdb18hq[:-1])
    done = vocalsep("data", "fetch", "musdb18hq", "--root", tmp_path)
    assert done.code == 33, "the wrong one is removed, and no other to be had"
    assert not (tmp_path / "musdb18hq.zip").exists()


def test_fetch_of_an_unknown_data_set(vocalsep):
    done = vocalsep("data", "fetch", "musdb")
    assert done.code == 2
    assert "musdb18hq" in done.err


@pytest.fixture
def songs(tmp_path, tone):
    for name in ("train/a", "test/b"):
        for stem, level in (("vocals", 1), ("band", 0.5)):
            (tmp_path / name).mkdir(parents=True, exist_ok=True)
            soundfile.write(tmp_path / name / f"{stem}.wav", level * np.tile(tone.T, (2, 1)), 44100)
    return tmp_path


def test_check_of_a_good_data_set(vocalsep, songs):
    done = vocalsep("data", "check", songs)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        f"folders:{songs}: 2 tracks, 0.00 hours, 4 files at 44100 Hz",
        "stems: 2 band, 2 vocals",
    ]


def test_check_says_what_is_wrong(vocalsep, songs, tone):
    soundfile.write(songs / "test" / "b" / "vocals.wav", tone.T[:40_000], 44100)
    done = vocalsep("data", "check", f"folders:{songs}", "--jobs", 1)
    assert done.code == 61
    assert done.error_line == "error: 1 of 2 tracks are not fit. Mend them or take them out of the folder."
    assert done.out.splitlines()[2:] == [
        "wrong: test/b: has different lengths: vocals.wav 40000 samples, band.wav 176400 samples",
        "note: test/b: is shorter than 3 s: 0.91 s",
    ]


def test_check_as_json(vocalsep, songs):
    (songs / "train" / "a" / "band.wav").write_text("text")
    done = vocalsep("data", "check", songs, "--json")
    assert done.code == 61
    found = json.loads(done.out)
    assert (found["n_tracks"], found["n_wrong"], found["sample_rates"]) == (2, 1, {"44100": 3})
    assert [(each["track"], each["level"]) for each in found["findings"]] == [("train/a", "wrong")]
    assert "band.wav is not audio" in found["findings"][0]["what"]


def test_check_of_nothing(vocalsep, tmp_path):
    assert vocalsep("data", "check", tmp_path).code == 60
    assert vocalsep("data", "check", "nothing").code == 2
    assert vocalsep("data", "check", "musdb18hq:nothing").code == 60


@pytest.fixture
def synthesis(monkeypatch):
    """Stand-in for the synthesis, which has tests of its own; gives what it was called with."""
    module, calls = ModuleType("vocalsep.synthesis"), []

    def synthesise(out_dir, *, minutes, seed, jobs, song_seconds, voices, progress):
        calls.append((out_dir, minutes, seed, jobs, song_seconds, voices))
        progress(1.0, 2.0)
        return [out_dir / "a", out_dir / "b"]

    def synthesise_stream(out_dir, *, keep, seed, song_seconds, voices, on_song):
        on_song(out_dir / "song-0000")
        calls.append((out_dir, keep, seed, song_seconds, voices))

    module.synthesise, module.synthesise_stream = synthesise, synthesise_stream
    monkeypatch.setitem(sys.modules, "vocalsep.synthesis", module)
    return calls


def test_synth(vocalsep, synthesis, tmp_path):
    voices = tmp_path / "voices"
    done = vocalsep(
        "data", "synth", "--minutes", 2.5, "--seed", 7, "-o", tmp_path / "songs", "--song-seconds", 20,
        "--voices", voices,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.out == f"{tmp_path / 'songs'}\n"
    assert done.error_line.startswith("2 songs; train on them: vocalsep train")
    assert f"synth:{tmp_path / 'songs'}" in done.err
    assert synthesis == [(tmp_path / "songs", 2.5, 7, None, 20.0, voices)]


@pytest.mark.parametrize("options", [["--minutes", "0"], ["--minutes", "1", "--seed", "-1"], []])
def test_synth_with_options_that_make_no_sense(vocalsep, synthesis, tmp_path, options):
    assert vocalsep("data", "synth", "-o", tmp_path, *options).code == 2
    assert synthesis == []


def test_synth_without_end(vocalsep, synthesis, tmp_path):
    done = vocalsep("data", "synth", "--keep", 3, "--seed", 2, "-o", tmp_path)
    assert done.code == 0, done.err
    assert synthesis == [(tmp_path, 3, 2, 60.0, None)]
    assert "song-0000" in done.err


@pytest.mark.parametrize("options", [["--keep", 3, "--minutes", 1], ["--keep", 3, "--jobs", 2], []])
def test_synth_is_told_how_many_songs(vocalsep, synthesis, tmp_path, options):
    assert vocalsep("data", "synth", "-o", tmp_path, *options).code == 2
    assert synthesis == []


def test_without_the_extra(vocalsep, tmp_path, monkeypatch):
    module = ModuleType("vocalsep.synthesis")  # as if it needed a package that is not there

    def missing(name):
        raise ModuleNotFoundError("No module named 'pyworld'", name="pyworld")

    module.__getattr__ = missing
    monkeypatch.setitem(sys.modules, "vocalsep.synthesis", module)
    done = vocalsep("data", "synth", "--minutes", 1, "-o", tmp_path)
    assert done.code == 64
    assert done.error_line == (
        "error: this needs pyworld, which is not installed. Run: pip install 'vocalsep[train]'"
    )
