"""From no data at all to a model that separates: synthesise, train, evaluate, export, split."""

import json
import shutil

import pytest

pytest.importorskip("accelerate")
pytest.importorskip("pyworld")
pytest.importorskip("torchaudio")
if any(shutil.which(program) is None for program in ("fluidsynth", "espeak-ng", "flite")):
    pytest.skip("FluidSynth, espeak-ng and flite are not all installed", allow_module_level=True)

from vocalsep.training.run.history import read_history

SMALL = [
    "model.n_fft=1024", "model.hop_length=512", "model.n_bins=256", "model.growth=8", "model.depth=2",
    "data.chunk_seconds=1.5", "data.chunks_per_track=12", "data.batch_size=4", "data.workers=0",
    "data.valid_chunks_per_track=6", "optimiser.learning_rate=1e-2", "optimiser.warmup_steps=5",
    "optimiser.ema_decay=0.9", "run.epochs=3",
]  # fmt: skip
LOSS_FALLS_TO = 0.97
SDR_RISES_BY_DB = 3.0


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """Two minutes of synthesised songs, two of which are held out."""
    from vocalsep.synthesis import synthesise

    root = tmp_path_factory.mktemp("songs")
    made = sorted(synthesise(root / "train", minutes=2, seed=1, song_seconds=15, jobs=2))
    assert len(made) == 8
    (root / "test").mkdir()
    for song in made[-2:]:
        song.rename(root / "test" / song.name)
    return root


@pytest.fixture(scope="module")
def mixture_sdr(songs):
    return vocals_sdr("oracle:mixture", songs, songs / "oracle")


def vocals_sdr(model, songs, out):
    """Mean over the held-out songs, through the command."""
    from typer.testing import CliRunner

    from vocalsep.cli.app import app

    command = ["evaluate", "--model", str(model), "--data", f"synth:{songs}", "--split", "test", "-o", str(out)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.stderr
    results = json.loads((out / "results.json").read_text())
    assert len(results["songs"]) == 2
    return results["summary"]["vocals"]["sdr"]["mean"]


@pytest.mark.parametrize("architecture", ["tdf", "tdt"])
def test_a_few_dozen_steps_separate_songs_that_were_not_trained_on(
    vocalsep, songs, mixture_sdr, architecture, tmp_path
):
    run = tmp_path / "run"
    settings = [part for setting in SMALL for part in ("--set", setting)]
    trained = vocalsep("train", "-m", architecture, "--data", f"synth:{songs}", "-o", run, "-d", "cpu", *settings)
    assert trained.code == 0, trained.err
    rows = read_history(run / "metrics.csv")
    assert rows[-1]["step"] <= 60
    assert rows[-1]["valid_loss"] < LOSS_FALLS_TO * rows[0]["valid_loss"]

    weights = tmp_path / "mine.safetensors"
    exported = vocalsep("models", "export", run, "-o", weights)
    assert exported.code == 0, exported.err
    assert vocals_sdr(weights, songs, run / "evaluation") > mixture_sdr + SDR_RISES_BY_DB

    song = next((songs / "test").glob("*/mixture.flac"))
    split = vocalsep("split", song, "--model", weights, "-o", tmp_path / "out")
    assert split.code == 0, split.err
    assert len(split.out.splitlines()) == 2

    page = vocalsep("report", run, "-o", tmp_path / "report")
    assert page.code == 0, page.err
    assert architecture in (tmp_path / "report" / "report.md").read_text()
