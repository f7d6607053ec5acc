"""A run that an earlier version made, before the packages were arranged as they are now, is still of use.

``earlier_run`` was made at commit 73fdc0e, from ``write_tracks("songs")``, by

    vocalsep train -m tdt --data songs --recipe small.toml -o run -d cpu

with the five steps that small.toml asks for. ``vocals.json`` is what its weights gave then of `song`.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("accelerate")
pytest.importorskip("torchaudio")

from helpers.command_line import vocalsep
from helpers.song_folders import write_tracks
from vocalsep import Separator
from vocalsep.training.recipe import load_recipe
from vocalsep.training.run.folder import RunFolder
from vocalsep.weights.checkpoint import read_checkpoint

EARLIER = Path(__file__).parent / "earlier_run"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The run, beside the songs that it was trained on; the working folder is that of both."""
    monkeypatch.chdir(tmp_path)
    write_tracks(tmp_path / "songs")
    return Path(shutil.copytree(EARLIER, tmp_path / "run"))


def song():
    time = np.arange(22_050) / 44_100
    noise = np.random.default_rng(7).standard_normal((2, 22_050))
    return (0.2 * np.sin(2 * np.pi * np.outer([220, 331], time)) + 0.05 * noise).astype(np.float32)


def vocals_of(model):
    separator = Separator(model, device="cpu", precision="fp32", threads=1)
    return separator.separate(song(), 44_100)["vocals"][:, 1000::3000].ravel()


def test_it_splits_as_it_did(run):
    expected = json.loads((EARLIER / "vocals.json").read_text())
    for model in (run, run / "best.safetensors"):
        np.testing.assert_allclose(vocals_of(model), expected, rtol=1e-4, atol=2e-7)


def test_it_is_resumed(run):
    before = read_checkpoint(run / "last.safetensors").state["out_conv.weight"]
    done = vocalsep("train", "--resume", "-o", "run", "-d", "cpu", "--set", "run.max_steps=7")
    assert done.code == 0, done.err
    rows = (run / "metrics.csv").read_text().splitlines()
    assert [row.split(",")[:2] for row in rows[1:]] == [["1", "5"], ["2", "7"]]
    assert rows[1] == (EARLIER / "metrics.csv").read_text().splitlines()[1]
    assert not before.equal(read_checkpoint(run / "last.safetensors").state["out_conv.weight"])


def test_it_is_exported(run, tmp_path):
    done = vocalsep("models", "export", "run", "-o", "own.safetensors")
    assert done.code == 0, done.err
    np.testing.assert_array_equal(vocals_of(tmp_path / "own.safetensors"), vocals_of(run))


def test_its_recipe_is_read(run):
    recipe, settings = load_recipe(str(run / "small.toml"), []), RunFolder(run).read_config().recipe
    assert (recipe.data, recipe.loss, recipe.run) == (settings.data, settings.loss, settings.run)
