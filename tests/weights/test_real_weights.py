"""``benchmarks/real_weights.py`` with small random weights from a hub on loopback, listed by a weights package."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from helpers.hub_server import COMMIT
from helpers.weights_package import install

PROJECT = Path(__file__).parents[2]
SCRIPT = PROJECT / "benchmarks" / "real_weights.py"


@pytest.fixture
def clips(tmp_path, tone):
    for name in "ab":
        folder = tmp_path / "clips" / name
        folder.mkdir(parents=True)
        soundfile.write(folder / "mixture.flac", tone.T, 44100)
        soundfile.write(folder / "vocals.flac", 0.5 * tone.T, 44100)
    return tmp_path / "clips"


@pytest.fixture
def run(tmp_path, server, clips):
    """Run the script over models whose published score is given, and whose weights lie on the hub alone."""

    def start(*options, **published):
        folder = install(tmp_path / "site", "vocalsep-small", *published)
        listing = folder / "weights_manifest.json"
        manifest = json.loads(listing.read_text())
        for entry in manifest["models"]:
            weights = folder / entry["file"]
            server.add("someone/small", weights.name, weights.read_bytes())
            weights.unlink()
            entry["sources"] = [{"repo": "someone/small", "revision": COMMIT, "file": weights.name}]
            score = {"name": "sdr", "stem": "vocals", "unit": "dB", "protocol": "none"}
            entry["metrics"] = [{**score, "value": published[entry["id"]], "dataset": "Songs of nobody"}]
        listing.write_text(json.dumps(manifest))
        settings = {
            "PYTHONPATH": os.pathsep.join([str(PROJECT / "src"), str(tmp_path / "site")]),
            "HF_HOME": str(tmp_path / "hf"),
            "HF_ENDPOINT": server.url,
            "NO_PROXY": "127.0.0.1",
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, SCRIPT, clips, "--models", *published, *options]
        return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **settings})

    return start


def test_a_model_that_is_as_good_as_published(run, server):
    done = run("--device", "cpu", random=-30.0)
    assert done.returncode == 0, done.stderr
    row = next(line for line in done.stdout.splitlines() if line.startswith("| random |"))
    _, _, score, figure, factor, _, memory, _, _ = (cell.strip() for cell in row.split("|"))
    assert np.isfinite(float(score))
    assert figure == "-30, Songs of nobody"
    assert float(factor) > 0
    assert float(memory) > 50
    assert [request.file for request in server.gets()] == ["random.safetensors"]


def test_a_model_that_falls_short(run):
    done = run(random=99.0, other=-99.0)
    assert done.returncode == 1
    assert "more than 0.5 dB short: random (" in done.stderr
    assert "published 99 dB on Songs of nobody" in done.stderr
    assert "other" not in done.stderr.splitlines()[-1]


def test_figures_of_other_songs_do_not_count(run):
    done = run("--dataset", "MUSDB18", random=99.0)
    assert done.returncode == 0, done.stderr
    assert "| random |" in done.stdout
    assert "99" not in done.stdout.split("| random |")[1].split("|")[2]
