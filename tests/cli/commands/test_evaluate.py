import json
import signal
import subprocess
import sys
import time

import pytest
import soundfile
from typer.testing import CliRunner

from helpers.scored_songs import song, write_song, write_songs
from helpers.stem_reading import leftovers
from vocalsep.cli.app import app
from vocalsep.evaluation.evaluate import evaluate_track
from vocalsep.weights.manifest import load_manifest


@pytest.fixture
def songs(tmp_path):
    """Three songs of 2 to 4 seconds."""
    return write_songs(tmp_path / "songs", {"one": 2.5, "夜 | two": 3.0, "three": 4.0})


def strict_json(text: str):
    def refuse(literal):
        raise AssertionError(literal)

    return json.loads(text, parse_constant=refuse)


def scored_now(done) -> list[str]:
    """The songs that a run did not find scored."""
    return [line.partition(":")[0] for line in done.err.splitlines() if " sdr: " in line]


def test_a_table_with_its_protocol(vocalsep, songs):
    done = vocalsep("evaluate", "--data", songs, "-m", "oracle:mixture")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split() == ["SONG", "STEM", "SDR", "CHUNK_SDR", "SI_SDR"]
    cells = [line.split() for line in lines if line.startswith(("one", "mean", "songs scored"))]
    assert [row[0] for row in cells] == ["one", "one", "mean", "mean", "songs", "songs"]
    assert float(cells[0][2]) == pytest.approx(
        -float(cells[1][2])
    )  # of the mixture each stem is the other's error
    assert cells[-1][-3:] == ["3", "3", "3"]
    assert "split all: vocals and accompaniment (two stems)" in lines[-1]
    assert scored_now(done) == ["one", "three", "夜 | two"]


def test_results_in_every_form(vocalsep, songs, tmp_path):
    pytest.importorskip("matplotlib")
    out = tmp_path / "out"
    arguments = (
        "evaluate",
        "--data",
        songs,
        "-o",
        out,
        "--device",
        "cpu",
        "--precision",
        "fp32",
        "-j",
        "2",
        "--json",
    )
    done = vocalsep(*arguments)
    assert done.code == 0
    facts = strict_json(done.out)
    assert facts == strict_json((out / "results.json").read_text())
    default = load_manifest().entry(load_manifest().default)
    assert (facts["model"], facts["weights_sha256"]) == (default.id, default.sha256)
    assert (facts["settings"]["device"], facts["settings"]["precision"]) == ("cpu", "fp32")
    assert [song["name"] for song in facts["songs"]] == ["one", "three", "夜 | two"]
    assert facts["real_time_factor"] > 0
    assert len((out / "results.csv").read_text().splitlines()) == 1 + 2 * 3
    assert (out / "boxplot.png").read_bytes().startswith(b"\x89PNG")
    assert leftovers(tmp_path) == []
    alone = strict_json(vocalsep(*arguments[:3], *arguments[5:9], "--json").out)
    assert alone["summary"] == facts["summary"]  # one song at a time gives what two give
    again = vocalsep(*arguments)
    assert strict_json(again.out) == facts  # nothing is scored twice: the times are the same
    assert again.err == ""


def test_the_test_part_is_the_default_where_there_is_one(vocalsep, tmp_path):
    write_songs(tmp_path / "train", {"a": 1.5, "b": 1.5})
    write_songs(tmp_path / "test", {"c": 1.5})
    arguments = ("evaluate", "--data", tmp_path, "-m", "oracle:mixture", "--json")
    for more, split, names in (((), "test", ["c"]), (("--split", "all"), "all", ["test/c", "train/a", "train/b"])):
        facts = strict_json(vocalsep(*arguments, *more).out)
        assert facts["split"] == split
        assert f"split {split}" in facts["protocol"]
        assert [song["name"] for song in facts["songs"]] == names


def test_silent_stems_are_null(vocalsep, tmp_path):
    _, accompaniment = song(2.0)
    write_song(tmp_path / "songs/instrumental", 0 * accompaniment, accompaniment)
    facts = strict_json(vocalsep("evaluate", "--data", tmp_path / "songs", "-m", "oracle:irm", "--json").out)
    assert facts["songs"][0]["stems"]["vocals"] == {"sdr": None, "chunk_sdr": None, "si_sdr": None}
    assert facts["summary"]["vocals"]["sdr"] == {"mean": None, "median": None, "songs": 0}
    assert "-" in vocalsep("evaluate", "--data", tmp_path / "songs", "-m", "oracle:irm").out


def test_other_settings_need_another_folder(vocalsep, songs, tmp_path):
    out = tmp_path / "out"
    arguments = ("evaluate", "--data", songs, "-o", out)
    assert vocalsep(*arguments, "-m", "oracle:mixture").code == 0
    refused = vocalsep(*arguments, "-m", "oracle:irm")
    assert refused.code == 23
    assert "model (oracle:mixture, now oracle:irm)" in refused.error_line
    assert strict_json((out / "results.json").read_text())["model"] == "oracle:mixture"
    assert vocalsep(*arguments, "-m", "oracle:irm", "--overwrite").code == 0
    assert strict_json((out / "results.json").read_text())["model"] == "oracle:irm"


def test_a_song_that_has_changed_is_scored_again(vocalsep, songs, tmp_path):
    arguments = ("evaluate", "--data", songs, "-o", tmp_path / "out", "-m", "oracle:mixture", "--json")
    before = strict_json(vocalsep(*arguments).out)["songs"]
    for path in (songs / "one").iterdir():
        samples, rate = soundfile.read(path)
        soundfile.write(path, samples[:-1000], rate, subtype="FLOAT")
    done = vocalsep(*arguments)
    assert scored_now(done) == ["one"]
    after = strict_json(done.out)["songs"]
    assert after[0]["seconds"] < before[0]["seconds"]
    assert after[1:] == before[1:]


def test_a_killed_run_goes_on_where_it_stopped(vocalsep, tmp_path):
    songs = write_songs(tmp_path / "songs", dict.fromkeys("abc", 15.0), rate=44100)
    out = tmp_path / "out"
    arguments = ["evaluate", "--data", songs, "-o", out, "-d", "cpu", "--precision", "fp32", "--threads", "1"]
    process = subprocess.Popen([sys.executable, "-m", "vocalsep", *map(str, arguments)])
    journal = out / "songs.jsonl"
    deadline = time.monotonic() + 60
    while not (journal.exists() and journal.read_bytes().count(b"\n") > 1):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    scored = [
        json.loads(line) for line in journal.read_bytes().splitlines(keepends=True)[1:] if line.endswith(b"\n")
    ]
    assert 1 <= len(scored) < 3
    assert not (out / "results.json").exists()
    done = vocalsep(*arguments)
    assert done.code == 0
    assert len(scored_now(done)) == 3 - len(scored)
    facts = strict_json((out / "results.json").read_text())
    assert [song["name"] for song in facts["songs"]] == list("abc")
    assert facts["songs"][: len(scored)] == scored


def test_a_damaged_song_does_not_stop_the_others(vocalsep, songs, tmp_path):
    """The header is whole and the middle is not, so that it shows only when the song is read."""
    vocals, accompaniment = song(4.0)
    folder = write_song(songs / "bad", vocals, accompaniment)
    (folder / "vocals.wav").unlink()
    soundfile.write(folder / "vocals.flac", vocals.T, 8000)
    content = bytearray((folder / "vocals.flac").read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    (folder / "vocals.flac").write_bytes(content)
    out = tmp_path / "out"
    done = vocalsep("evaluate", "--data", songs, "-m", "oracle:irm", "-o", out, "--json")
    assert done.code == 50
    assert "1 of 4 songs could not be scored" in done.err
    facts = strict_json(done.out)
    assert [song["name"] for song in facts["songs"]] == ["one", "three", "夜 | two"]
    (failure,) = facts["failed"]
    assert (failure["name"], failure["error"]) == ("bad", "DamagedAudioError")
    assert "vocals.flac" in failure["message"]
    soundfile.write(folder / "vocals.flac", vocals.T, 8000)
    mended = vocalsep("evaluate", "--data", songs, "-m", "oracle:irm", "-o", out, "--json")
    assert mended.code == 0
    assert len(strict_json(mended.out)["songs"]) == 4
    assert strict_json((out / "results.json").read_text())["failed"] == []


def test_a_truncated_wav_is_found_before_anything_is_scored(vocalsep, songs):
    path = songs / "three/vocals.wav"
    path.write_bytes(path.read_bytes()[:5000])
    done = vocalsep("evaluate", "--data", songs, "-m", "oracle:mixture")
    assert done.code == 15
    assert str(path) in done.error_line


def test_debug_goes_on_with_the_other_songs(songs, monkeypatch):
    def fails_for_one(estimator, track, progress):
        if track.name == "one":
            raise RuntimeError("it fell silent")
        return evaluate_track(estimator, track, progress)

    monkeypatch.setattr("vocalsep.evaluation.evaluate.evaluate_track", fails_for_one)
    done = CliRunner().invoke(app, ["--debug", "evaluate", "--data", str(songs), "-m", "oracle:mixture"])
    assert done.exit_code == 50
    assert "RuntimeError: it fell silent" in done.stderr
    assert "Traceback" in done.stderr
    assert "1 of 3 songs could not be scored" in done.stderr.splitlines()[-1]


def test_without_matplotlib_all_but_the_picture_is_written(vocalsep, songs, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    out = tmp_path / "out"
    done = vocalsep("evaluate", "--data", songs, "-m", "oracle:mixture", "-o", out)
    assert done.code == 0
    assert sorted(path.name for path in out.iterdir()) == ["results.csv", "results.json", "songs.jsonl"]
    assert "boxplot.png is left out" in done.err.splitlines()[-1]
    assert "vocalsep[train]" in done.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (("--data", "{tmp}/missing"), 2, "missing"),
        (("--data", "folders:{tmp}/missing"), 60, "is not a folder"),
        (("--data", "{tmp}/empty"), 60, "no tracks"),
        (("--data", "{tmp}/songs", "--split", "test"), 60, "Choose --split all"),
        (("--data", "pools:{tmp}/songs/one,{tmp}/songs/three"), 61, "has no accompaniment"),
        (("--data", "{tmp}/songs", "-m", "no-such"), 30, "no-such"),
        (("--data", "{tmp}/songs", "-m", "oracle:x"), 30, "oracle:irm and oracle:mixture"),
        (("--data", "{tmp}/songs", "-m", "oracle:irm", "--shifts", "1"), 2, "oracle:irm"),
        (("--data", "{tmp}/songs", "--overlap", "2"), 2, "overlap"),
        (("--data", "{tmp}/songs", "-o", "{tmp}/file"), 20, "file is a file, not a folder"),
    ],
)
def test_bad_input(vocalsep, songs, tmp_path, more, code, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    done = vocalsep("evaluate", *(argument.format(tmp=tmp_path) for argument in more))
    assert done.code == code
    assert said in done.error_line
    assert done.out == ""


def test_what_was_scored_before_an_interruption_is_kept(vocalsep, songs, tmp_path, monkeypatch):
    from vocalsep.datasets.track import Track

    read = Track.read

    def interrupted(self, stem, *arguments):
        if self.name == "three":
            raise KeyboardInterrupt
        return read(self, stem, *arguments)

    monkeypatch.setattr(Track, "read", interrupted)
    out = tmp_path / "out"
    done = vocalsep("evaluate", "--data", songs, "-m", "oracle:mixture", "-o", out)
    assert done.code == 130
    assert len((out / "songs.jsonl").read_text().splitlines()) >= 2
    assert not (out / "results.json").exists()


def test_names_stay_in_their_lines(vocalsep, tmp_path):
    name = "a\nb\x1b[31m"
    write_songs(tmp_path / "songs", {name: 1.5})
    done = vocalsep("evaluate", "--data", tmp_path / "songs", "-m", "oracle:mixture", "-o", tmp_path / "out")
    assert done.code == 0
    assert done.out.splitlines()[1].startswith("a\\nb\\x1b[31m  vocals")
    assert strict_json((tmp_path / "out/results.json").read_text())["songs"][0]["name"] == name
