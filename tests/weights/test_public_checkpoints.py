"""Checkpoints in the public ``.ckpt`` layouts, small: refused, imported, and from the Hub to stems."""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from helpers.bomb import Bomb, as_pickle, as_torch_file, detonate
from helpers.hub_server import COMMIT, HubServer
from vocalsep import Separator
from vocalsep.errors import CorruptWeightsError
from vocalsep.models.architectures import build_model, config_of
from vocalsep.weights import published
from vocalsep.weights.checkpoint import build_from, load_model_file, read_checkpoint
from vocalsep.weights.manifest import load_manifest
from vocalsep.weights.published import import_published

SOURCE_TREE = Path(__file__).parents[2] / "src"

CONFIGS = {
    "tfc_tdf_v3": {"n_fft": 256, "hop_length": 128, "n_bins": 128, "width": 4, "growth": 4, "scales": 2},
    "mel_band_roformer": {"n_fft": 256, "hop_length": 64, "n_bands": 8, "width": 16, "n_heads": 2, "depth": 1},
}
WRAPS = {"plain": lambda state: state, "state_dict": lambda state: {"state_dict": state, "epoch": 7}}

# runs `vocalsep` with a manifest of the test's own, and says how torch was asked to load
RUN = """
import sys
import torch
from vocalsep.cli import main
from vocalsep.weights import manifest
manifest._FILE_NAME = sys.argv.pop(1)
load, asked = torch.load, []
torch.load = lambda *args, **options: (asked.append(options.get("weights_only")), load(*args, **options))[1]
try:
    main()
finally:
    print("weights_only:", *asked, file=sys.stderr)
"""


@pytest.fixture(params=CONFIGS)
def config(request):
    return {"architecture": request.param, **CONFIGS[request.param]}


@pytest.fixture(params=WRAPS)
def wrap(request):
    return WRAPS[request.param]


@pytest.fixture
def state(config):
    torch.manual_seed(11)
    return build_model(config).state_dict()


@pytest.fixture
def server():
    with HubServer() as server:
        yield server


def manifest_of(content: bytes, config: dict) -> dict:
    """One model, ``small``, whose weights are ``content``."""
    source = {"repo": "someone/studio", "revision": COMMIT, "file": "models/small.ckpt"}
    entry = {
        "id": "small",
        "architecture": config["architecture"],
        "description": "",
        "parameters": 1,
        "stems": list(build_model(config).config.stems),
        "licence": {"name": "MIT", "spdx": "MIT", "url": None, "statement": "Theirs."},
        "attribution": "someone",
        "training_data": "not stated",
        "config": config,
        "file": "small.ckpt",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "sources": [source],
    }
    qualities = dict.fromkeys(("fast", "balanced", "best"), "small")
    top = {"schema_version": 1, "default": "small", "qualities": qualities, "hub_owner": "someone"}
    return {**top, "models": [entry]}


@pytest.fixture
def split(tmp_path, server, tone):
    """Serve a weights file, and split a song by its model with the real client in a process of its own."""
    soundfile.write(tmp_path / "song.wav", tone[:, :30_000].T, 44100, subtype="FLOAT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    settings = {
        "HF_ENDPOINT": server.url,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(SOURCE_TREE),
    }

    def run(path: Path, config: dict) -> subprocess.CompletedProcess[str]:
        content = path.read_bytes()
        server.add("someone/studio", "models/small.ckpt", content)
        (tmp_path / "manifest.json").write_text(json.dumps(manifest_of(content, config)))
        command = ["split", "song.wav", "-o", "out", "--device", "cpu", "--precision", "fp32"]
        return subprocess.run(
            [sys.executable, "-c", RUN, str(tmp_path / "manifest.json"), *command],
            env={**kept, **settings},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def test_from_the_hub_to_stems(tmp_path, server, split, config, state):
    path = tmp_path / "small.ckpt"
    wrap = WRAPS["plain" if config["architecture"] == "tfc_tdf_v3" else "state_dict"]
    torch.save(wrap(state), path)
    done = split(path, config)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["out/song/vocals.wav", "out/song/accompaniment.wav"]
    assert "weights_only: True\n" in done.stderr
    assert [request.file for request in server.gets()] == ["models/small.ckpt"]
    path.with_suffix(".json").write_text(json.dumps(config))
    song, rate = soundfile.read(tmp_path / "song.wav", dtype="float32")
    expected = Separator(path, device="cpu", precision="fp32", overlap=0.1).separate(song.T, rate)
    for stem, samples in expected.items():
        written, _ = soundfile.read(tmp_path / "out" / "song" / f"{stem}.wav", dtype="float32")
        assert abs(samples).max() > 1e-3
        np.testing.assert_allclose(written.T, samples, atol=1e-6)


def with_bomb(state: dict, marker: Path) -> dict:
    return {"state_dict": {**state, "bomb": Bomb(marker)}}


@pytest.mark.parametrize("save", [as_torch_file, as_pickle])
def test_code_in_place_of_a_checkpoint_is_not_executed(tmp_path, config, state, save):
    marker, path = tmp_path / "exploded", tmp_path / "small.ckpt"
    save(with_bomb(state, marker), path)
    for load in (lambda: load_model_file(path, config), lambda: import_published(path, config["architecture"])):
        with pytest.raises(CorruptWeightsError, match=r"small\.ckpt is no PyTorch checkpoint"):
            load()
    assert not marker.exists()
    detonate(path)
    assert marker.exists(), "the bomb is one"


@pytest.mark.parametrize("save", [as_torch_file, as_pickle])
def test_code_from_the_hub_is_not_executed(tmp_path, split, save):
    """Not even where the manifest vouches for the file."""
    config = {"architecture": "tfc_tdf_v3", **CONFIGS["tfc_tdf_v3"]}
    marker, path = tmp_path / "exploded", tmp_path / "bomb.ckpt"
    save(with_bomb(build_model(config).state_dict(), marker), path)
    done = split(path, config)
    assert done.returncode == 32, done.stderr
    assert "is no PyTorch checkpoint" in done.stderr
    assert "weights_only: True\n" in done.stderr
    assert not marker.exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["missing", "extra", "another shape"])
def test_tensors_that_do_not_fit_are_refused_and_the_first_is_named(tmp_path, config, state, wrap, kind):
    first = min(state)
    if kind == "missing":
        del state[max(state)], state[first]
        says = f"{first} is missing"
    elif kind == "extra":
        state |= {"zz": torch.zeros(1), "a.weight": torch.zeros(1)}
        says = "a.weight is not in the model"
    else:
        state[first] = torch.zeros(3)
        says = rf"{first} has shape \(3,\)"
    path = tmp_path / "small.ckpt"
    torch.save(wrap(state), path)
    with pytest.raises(CorruptWeightsError, match=f"{path} does not fit a {config['architecture']} model: {says}"):
        load_model_file(path, config)


def test_import_of_other_sizes(tmp_path, config, state, wrap):
    """Fine-tunes and other sizes become weights that say what they are."""
    path = tmp_path / "community.ckpt"
    torch.save(wrap(state), path)
    architecture = config.pop("architecture")
    checkpoint = import_published(path, architecture, config)
    model = build_from(checkpoint, path)
    assert config_of(model) == config_of(build_model({"architecture": architecture, **config}))
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


@pytest.fixture
def studio(monkeypatch, config):
    """A model of the manifest, of these sizes."""
    entry = dataclasses.replace(
        load_manifest().entry("mdx23c"), id="studio", architecture=config["architecture"],
        config={**config, "hop_length": 32},
    )  # fmt: skip
    manifest = dataclasses.replace(load_manifest(), models=(entry,))
    monkeypatch.setattr(published, "load_manifest", lambda: manifest)
    return entry


def test_import_takes_the_config_of_the_model(studio, state):
    """A copy of the public file, or weights trained further from it, by the name of the model."""
    assert import_published(state, "studio").config == studio.config
    assert import_published(state, "studio", {"hop_length": 64}).config["hop_length"] == 64


def test_import_of_sizes_that_are_not_given_says_how(studio):
    larger = {**studio.config, "width": 24}
    state = build_model(larger).state_dict()
    with pytest.raises(CorruptWeightsError, match=r"does not fit .* are given with config=FILE"):
        import_published(state, "studio")
    with pytest.raises(CorruptWeightsError, match=r"unknown key 'widht'.*Did you mean 'width'"):
        import_published(state, "studio", {"widht": 24})
    assert import_published(state, "studio", {"width": 24}).config == larger


def test_import_by_the_command(tmp_path):
    from typer.testing import CliRunner

    from vocalsep.cli.app import app

    config = CONFIGS["mel_band_roformer"]
    model = build_model({"architecture": "mel_band_roformer", **config})
    path, out = tmp_path / "community.ckpt", tmp_path / "mine.safetensors"
    torch.save({"state_dict": model.state_dict()}, path)
    (tmp_path / "sizes.json").write_text(json.dumps(config))
    command = ["models", "import", str(path), "--model", "melband-kim", "-o", str(out), "--config"]
    done = CliRunner().invoke(app, [*command, str(tmp_path / "sizes.json")])
    assert (done.exit_code, done.stdout.strip()) == (0, str(out))
    assert read_checkpoint(out).config["n_bands"] == 8
    with torch.inference_mode():
        waveform = torch.randn(1, 2, 4000)
        assert torch.equal(load_model_file(out)(waveform), model(waveform))
    for content in ("[1]", "{", None):
        (tmp_path / "sizes.json").unlink()
        if content:
            (tmp_path / "sizes.json").write_text(content)
        done = CliRunner().invoke(app, [*command, str(tmp_path / "sizes.json"), "--overwrite"])
        assert done.exit_code == 2
