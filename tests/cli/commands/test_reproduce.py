import os
import re
import signal
import subprocess
import sys
import time

import pytest
import torch

pytest.importorskip("accelerate")
pytest.importorskip("torchaudio")
pytest.importorskip("matplotlib")

from helpers.song_folders import write_tracks
from vocalsep.training.run.folder import RunFolder
from vocalsep.training.run.history import read_history
from vocalsep.weights.checkpoint import read_checkpoint

SMALL = [
    "model.n_fft=512", "model.hop_length=256", "model.umx.hidden_size=8",
    *(f"model.{name}.{size}" for name in ("tdf", "tdsa", "tdt") for size in ("n_bins=256", "depth=2", "growth=4")),
    "data.chunk_seconds=0.25", "data.chunks_per_track=6", "data.batch_size=2", "data.workers=0",
]  # fmt: skip
FOUR = ["umx", "tdf", "tdsa", "tdt"]
PAGE = ["report.md", "report.html", "curves.png"]


def settings(*more):
    return [part for setting in (*SMALL, *more) for part in ("--set", setting)]


@pytest.fixture
def songs(tmp_path):
    return write_tracks(tmp_path / "songs")


def table(folder):
    """The rows of the page's table, by the name of the run and the heading."""
    lines = [line for line in (folder / "report.md").read_text().splitlines() if line.startswith("|")]
    heads, _, *rows = [[cell.strip(" *\\") for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: dict(zip(heads, row, strict=True)) for row in rows}


def test_the_experiment_from_nothing_to_its_page_and_a_split(vocalsep, songs, song, tmp_path):
    write_tracks(songs / "test", 2, seed=1)
    out = tmp_path / "out"
    done = vocalsep("reproduce", "--data", songs, "-o", out, "-d", "cpu", *settings("run.epochs=2"))
    assert done.code == 0, done.err
    assert done.out.splitlines() == [str(out / name) for name in PAGE]
    assert re.findall(r"^(\w+), model (\d) of 4:$", done.err, re.M) == list(zip(FOUR, "1234", strict=True))
    rows = table(out)
    assert list(rows) == FOUR
    assert [row["Published average validation MSE"] for row in rows.values()] == [
        "0.946",
        "0.680",
        "0.773",
        "0.574",
    ]
    assert {(row["Recipe"], row["Epochs"], row["Steps"]) for row in rows.values()} == {("paper", "2", "12")}
    for name, row in rows.items():
        losses = [epoch["valid_loss"] for epoch in read_history(out / name / "metrics.csv")]
        assert row["Average validation loss"] == f"{sum(losses) / 2:.4f}"
        assert row["Best validation loss"] == f"{min(losses):.4f}"
        for metric in ("SDR of vocals, dB", "Chunk SDR of accompaniment, dB", "Real-time factor"):
            assert abs(float(row[metric])) < 100
        split = vocalsep("split", song, "--model", out / name, "-o", tmp_path / "stems" / name, "-d", "cpu")
        assert split.code == 0, split.err
    assert "2 songs of folders:songs, split test" in (out / "report.md").read_text()

    weights = {name: (out / name / "last.safetensors").read_bytes() for name in FOUR}
    more = vocalsep("reproduce", "-o", out, "-d", "cpu", "--models", "tdsa:attention=frame")
    assert more.code == 0, more.err
    assert more.err.count("epoch 1:") == 1  # of the new one alone
    assert {name: (out / name / "last.safetensors").read_bytes() for name in FOUR} == weights
    rows = table(out)
    assert list(rows) == [*FOUR, "tdsa-attention-frame"]
    new, old = rows["tdsa-attention-frame"], rows["tdsa"]
    assert (new["Steps"], new["Parameters"]) == (old["Steps"], old["Parameters"])
    assert new["Average validation loss"] != old["Average validation loss"]
    assert new["Published average validation MSE"] == "-"
    changed = vocalsep("reproduce", "-o", out, "-d", "cpu", "--set", "run.seed=1")
    assert changed.code == 62
    assert "run.seed 0, not 1" in changed.error_line


def test_ctrl_c_saves_and_the_same_folder_goes_on_bit_for_bit(vocalsep, songs, tmp_path):
    cut, straight = tmp_path / "cut", tmp_path / "straight"
    more = ["--models", "tdf,tdt", *settings("run.epochs=3", "run.checkpoint_steps=1", "data.chunks_per_track=16")]
    command = [sys.executable, "-m", "vocalsep", "reproduce", "--data", songs, "-o", cut, "-d", "cpu", *more]
    process = subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # sums of two threads round differently from those of one
    )
    deadline = time.monotonic() + 600
    while not (cut / "tdf" / "checkpoint.pt").exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == f"stopped and saved: vocalsep reproduce -o {cut}"
    assert RunFolder(cut / "tdf").read_state()["position"]["epoch"] < 3
    assert not (cut / "tdt").exists()
    assert not (cut / "report.md").exists()
    assert vocalsep("reproduce", "-o", cut, "-d", "cpu", "-q").out.splitlines() == [str(cut / n) for n in PAGE]
    done = vocalsep("reproduce", "--data", songs, "-o", straight, "-d", "cpu", "-q", *more)
    assert (done.code, done.err) == (0, "")
    for name in ("tdf", "tdt"):
        states = [read_checkpoint(folder / name / "last.safetensors").state for folder in (cut, straight)]
        for key, tensor in states[0].items():
            assert torch.equal(tensor, states[1][key]), (name, key)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--models", "tdz"], 2, "no architecture to train is called 'tdz'"),
        (["--models", "tdsa:attention=song"], 2, "segment, frame"),
        (["--recipe", "papr"], 2, "no recipe is called 'papr'"),
        (["--set", "run.early_stop_epochs=1"], 2, "different numbers of steps"),
        (["--data", "nowhere"], 2, "no data set is called 'nowhere'"),
        (["--data", "EMPTY"], 60, "has no tracks in 'valid'"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(vocalsep, tmp_path, arguments, code, words):
    (tmp_path / "empty").mkdir()
    place = {"EMPTY": str(tmp_path / "empty")}
    done = vocalsep(
        "reproduce", "-o", tmp_path / "out", "-d", "cpu", *(place.get(word, word) for word in arguments)
    )
    assert done.code == code, done.err
    assert words in done.error_line
    assert not (tmp_path / "out").exists()
