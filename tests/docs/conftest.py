import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml

from helpers.audio_encoding import encode_tracks
from helpers.command_line import vocalsep
from helpers.song_folders import write_tracks
from vocalsep.models.architectures import build_model, config_of
from vocalsep.weights.checkpoint import Checkpoint, write_checkpoint

SMALL_UNET = {"n_fft": 512, "hop_length": 256, "n_bins": 256, "depth": 2, "growth": 4}
SMALL_TRAINING = [
    *(f"model.{name}={value}" for name, value in SMALL_UNET.items()),
    *("data.chunk_seconds=0.25", "data.chunks_per_track=4", "data.batch_size=2", "data.workers=0", "run.epochs=1"),
]
SMALL_UMX = {"architecture": "umx", "n_fft": 512, "hop_length": 256, "hidden_size": 16}


def write_trained_checkpoint(folder: Path) -> None:
    """A small SCNet with its YAML, as Music-Source-Separation-Training leaves them."""
    stems = ["drums", "bass", "other", "vocals"]
    sizes = {"n_fft": 256, "hop_length": 64, "widths": [4, 8, 8], "depth": 2, "stems": stems}
    torch.save(build_model({"architecture": "scnet", **sizes}).state_dict(), folder / "model.ckpt")
    audio = {"chunk_size": 22050, "num_channels": 2, "sample_rate": 44100, "hop_length": 64, "n_fft": 256}
    model = {
        "sources": stems, "audio_channels": 2, "dims": [4, 4, 8, 8], "nfft": 256, "hop_size": 64, "win_size": 256,
        "normalized": True, "band_SR": [0.175, 0.392, 0.433], "band_stride": [1, 4, 16], "band_kernel": [3, 4, 16],
        "conv_depths": [3, 2, 1], "compress": 4, "conv_kernel": 3, "num_dplayer": 2, "expand": 1,
    }  # fmt: skip
    training = {"instruments": stems, "target_instrument": None}
    inference = {"batch_size": 1, "dim_t": 256, "num_overlap": 4}
    description = {"audio": audio, "model": model, "training": training, "inference": inference}
    (folder / "model.yaml").write_text(yaml.safe_dump(description))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    """A folder with all files that the pages speak of, small."""
    root = tmp_path_factory.mktemp("pages")
    rng = np.random.default_rng(5)
    time = np.arange(2 * 44100) / 44100
    tone = 0.3 * np.sin(2 * np.pi * 330 * time + 3 * np.sin(2 * np.pi * 5 * time))
    samples = np.stack([tone, 0.8 * tone], axis=1) + 0.02 * rng.standard_normal((len(time), 2))
    for name in (
        "song.mp3",
        "one.flac",
        "album/first.mp3",
        "album/live/second.flac",
        "archive/a.wav",
        "archive/b.wav",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, samples, 44100)
    encode_tracks(root / "film.mkv", "matroska", [(500, "eng", False), (1000, "ger", True)])
    (root / "cut.mp3").write_bytes((root / "song.mp3").read_bytes()[:-3000])
    for name in ("my/stems", "my/test", "validation"):
        write_tracks(root / name, n_tracks=2, seconds=1.0)
    torch.manual_seed(0)
    unet = build_model({"architecture": "tdf", **SMALL_UNET})
    if find_spec("accelerate"):
        settings = [part for setting in SMALL_TRAINING for part in ("--set", setting)]
        where = ("--data", root / "my" / "stems", "-o", root / "runs" / "a")
        done = vocalsep("train", "-m", "tdf", *where, *settings)
        assert done.code == 0, done.err
    else:
        weights = Checkpoint(config=config_of(unet), state=unet.state_dict())
        write_checkpoint(root / "runs" / "a" / "best.safetensors", weights)
    shutil.copytree(root / "runs" / "a", root / "runs" / "mine")
    umx = build_model(SMALL_UMX)
    write_checkpoint(root / "umx.safetensors", Checkpoint(config=config_of(umx), state=umx.state_dict()))
    write_checkpoint(root / "tdt.safetensors", Checkpoint(config=config_of(unet), state=unet.state_dict()))
    write_trained_checkpoint(root)
    shim = root / "bin" / "vocalsep"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m vocalsep "$@"\n')
    shim.chmod(0o755)
    return root


@pytest.fixture
def kitchen(prepared, tmp_path, monkeypatch) -> Path:
    """A copy of it that a command may change, with caches and settings of its own, as the working folder."""
    folder = tmp_path / "kitchen"
    shutil.copytree(prepared, folder)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "HF_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(folder)
    return folder
