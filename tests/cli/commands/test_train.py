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

from helpers.song_folders import write_tracks
from vocalsep.cli import stderr
from vocalsep.cli.training_run import _step_teller
from vocalsep.training.run.folder import RunFolder
from vocalsep.training.run.position import StepReport
from vocalsep.weights.checkpoint import read_checkpoint

SMALL = [
    "model.n_fft=512", "model.hop_length=256", "model.n_bins=256", "model.depth=2", "model.growth=4",
    "data.chunk_seconds=0.25", "data.chunks_per_track=6", "data.batch_size=2", "data.workers=0",
]  # fmt: skip


def settings(*more):
    return [part for setting in (*SMALL, *more) for part in ("--set", setting)]


@pytest.fixture
def songs(tmp_path):
    return write_tracks(tmp_path / "songs")


def start(*arguments, launcher=("-m", "vocalsep")):
    command = [sys.executable, *launcher, "train", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def test_trains_resumes_and_its_weights_split_a_song(vocalsep, songs, song, tmp_path):
    run = tmp_path / "run"
    done = vocalsep("train", "-m", "tdf", "--data", songs, "-o", run, "-d", "cpu", *settings("run.epochs=2"))
    assert done.code == 0, done.err
    assert done.out.strip() == str(run / "best.safetensors")
    assert [line.partition(":")[0] for line in done.err.splitlines()] == ["epoch 1", "epoch 2"]
    more = vocalsep("train", "--resume", "-o", run, "-d", "cpu", "--set", "run.epochs=3")
    assert more.code == 0, more.err
    assert [line.partition(":")[0] for line in more.err.splitlines()] == ["epoch 3"]
    for model in (run, run / "last.safetensors"):
        split = vocalsep("split", song, "--model", model, "-o", tmp_path / "out", "--overwrite")
        assert split.code == 0, split.err


def killed_at_step_3(songs, run, more=()):
    """Start a run that is killed by the system once it has saved its third step."""
    process = start("-m", "tdt", "--data", songs, "-o", run, "-d", "cpu", "-q", *more)
    deadline = time.monotonic() + 120
    while not (run / "checkpoint.pt").exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_six_steps_are_three_a_kill_and_three_bit_for_bit(songs, tmp_path):
    more = settings("run.max_steps=6", "run.checkpoint_steps=3")
    straight = start("-m", "tdt", "--data", songs, "-o", tmp_path / "straight", "-d", "cpu", "-q", *more)
    assert straight.wait(120) == 0, straight.communicate()[1]
    straight.communicate()
    killed_at_step_3(songs, tmp_path / "cut", more)
    assert RunFolder(tmp_path / "cut").read_state()["position"]["step"] in (3, 6)
    resumed = start("--resume", "-o", tmp_path / "cut", "-d", "cpu", "-q")
    assert resumed.wait(120) == 0, resumed.communicate()[1]
    resumed.communicate()
    states = [read_checkpoint(tmp_path / name / "last.safetensors").state for name in ("straight", "cut")]
    assert states[0].keys() == states[1].keys()
    for name, tensor in states[0].items():
        assert torch.equal(tensor, states[1][name]), name


def test_ctrl_c_saves_and_says_how_to_go_on(songs, tmp_path):
    run = tmp_path / "run"
    endless = settings("run.epochs=10000", "run.checkpoint_steps=1", "data.workers=2")
    process = start("-m", "tdf", "--data", songs, "-o", run, "-d", "cpu", *endless)
    deadline = time.monotonic() + 120
    while not (run / "checkpoint.pt").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the readers too
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    step = RunFolder(run).read_state()["position"]["step"]
    assert re.search(
        rf"^stopped after step {step},.* vocalsep train --resume -o {re.escape(str(run))}$", err, re.M
    )
    assert "Traceback" not in err


def test_two_processes_train_one_model(songs, tmp_path):
    launcher = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "-m", "vocalsep"]
    process = start(
        "-m", "tdf", "--data", songs, "-o", tmp_path / "run", "-d", "cpu", *settings("run.epochs=2"),
        launcher=launcher,
    )  # fmt: skip
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert out.strip() == str(tmp_path / "run" / "best.safetensors")
    # two songs of six chunks, two chunks a batch, two processes
    assert RunFolder(tmp_path / "run").read_state()["position"]["step"] == 2 * 3
    assert err.count("epoch 1:") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "no architecture"),
        (["-m", "tdz"], 2, "no architecture to train is called 'tdz'.*umx"),
        (["-m", "tdt", "--set", "optimiser.learning_rat=1"], 2, "learning_rat.*learning_rate"),
        (["-m", "tdt", "--set", "model.growt=1"], 2, "growt.*growth"),
        (["-m", "tdt", "--recipe", "papr"], 2, "no recipe is called 'papr'"),
        (["-m", "tdt", "--data", "EMPTY"], 60, "has no tracks in 'train'"),
        (["-m", "tdt", "--data", "nowhere"], 2, "no data set is called 'nowhere'"),
        (["-m", "tdt", "--data", "folders:nowhere"], 60, "nowhere is not a folder"),
        (["-m", "tdt", "--data", "EMPTY", "--init", "nothing"], 60, "has no tracks"),
        (["--resume"], 2, "needs the folder"),
        (["--resume", "-o", "EMPTY", "--init", "compact-v5"], 62, "is no training run"),
        (["--resume", "-o", "EMPTY"], 62, "is no training run"),
    ],
)
def test_bad_input_is_one_line(vocalsep, tmp_path, arguments, code, words):
    (tmp_path / "empty").mkdir()
    place = {"EMPTY": str(tmp_path / "empty")}
    done = vocalsep("train", *(place.get(word, word) for word in arguments), "-d", "cpu")
    assert done.code == code, done.err
    import re

    assert re.search(words, done.error_line)


def test_a_run_is_not_replaced_nor_changed(vocalsep, songs, tmp_path):
    run = tmp_path / "run"
    first = ["train", "-m", "tdf", "--data", songs, "-o", run, "-d", "cpu", "-q", *settings("run.max_steps=1")]
    assert vocalsep(*first).code == 0
    before = (run / "last.safetensors").read_bytes()
    again = vocalsep(*first)
    assert again.code == 23
    assert "--resume" in again.error_line
    other = vocalsep("train", "--resume", "-m", "tdt", "-o", run, "-d", "cpu")
    assert other.code == 62
    assert "is a run of tdf, not tdt" in other.error_line
    changed = vocalsep("train", "--resume", "-o", run, "-d", "cpu", "--set", "optimiser.learning_rate=0.1")
    assert changed.code == 62
    assert "optimiser.learning_rate 0.001, not 0.1" in changed.error_line
    assert (run / "last.safetensors").read_bytes() == before


def test_without_the_extra_it_says_what_to_install(vocalsep, monkeypatch):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    for name in [name for name in sys.modules if name.startswith("vocalsep.training")]:
        monkeypatch.delitem(sys.modules, name)
    done = vocalsep("train", "-m", "tdt")
    assert done.code == 64
    assert "vocalsep[train]" in done.error_line


def told(steps, recipe="default"):
    """What the bar shows of steps; what is said of them goes to stderr."""
    notes = []

    def advance(done, total, note=""):
        notes.append((done, total, note))

    tell = _step_teller(advance, recipe)
    for step in steps:
        tell(step)
    return notes


def step_report(step, *, steps=2500, seconds=23.0):
    return StepReport(
        epoch=0, epochs=30, step=step, steps=steps, loss=0.5, audio_rate=1.04, seconds_a_step=seconds
    )


def test_the_bar_of_a_run_has_steps_and_the_time_left(capsys):
    notes = told([step_report(1)])
    assert notes == [(1, 2500, "epoch 1/30, step 1/2500, loss 0.5000, 1.0 x real time, 15 h 58 min left")]
    assert capsys.readouterr().err == ""


def test_a_run_of_many_hours_is_said_after_a_few_steps_with_what_is_shorter(capsys):
    told([step_report(step) for step in range(1, 50)])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("2500 steps of 23.0 s: about 15 h 57 min to go. --recipe quick ends within the hour")
    told([step_report(step) for step in range(1, 50)], recipe="quick")
    (line,) = capsys.readouterr().err.splitlines()
    assert "--recipe" not in line
    told([step_report(step, steps=300) for step in range(1, 50)])
    assert capsys.readouterr().err == "300 steps of 23.0 s: about 1 h 54 min to go\n"


def test_short_and_quiet_runs_have_no_forecast(capsys, monkeypatch):
    told([step_report(step, steps=100, seconds=1.0) for step in range(1, 50)])
    monkeypatch.setattr(stderr, "quiet", True)
    told([step_report(step) for step in range(1, 50)])
    assert capsys.readouterr().err == ""
