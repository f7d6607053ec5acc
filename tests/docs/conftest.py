import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from helpers.song_folders import write_tracks
from vocalsep.models.architectures import build_model, config_of
from vocalsep.weights.checkpoint import Checkpoint, write_checkpoint

SMALL_UNET = {"n_fft": 512, "hop_length": 256, "n_bins": 256, "depth": 2, "growth": 4}
SMALL_UMX = {"architecture": "umx", "n_fft": 512, "hop_length": 256, "hidden_size": 16}


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    """A folder with all files that the pages speak of, small."""
    root = tmp_path_factory.mktemp("pages")
    rng = np.random.default_rng(5)
    time = np.arange(2 * 44100) / 44100
    tone = 0.3 * np.sin(2 * np.pi * 330 * time + 3 * np.sin(2 * np.pi * 5 * time))
    samples = np.stack([tone, 0.8 * tone], axis=1) + 0.02 * rng.standard_normal((len(time), 2))
    for name in ("song.mp3", "one.flac", "album/first.mp3", "album/live/second.flac", "archive/a.wav", "archive/b.wav"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, samples, 44100)
    (root / "cut.mp3").write_bytes((root / "song.mp3").read_bytes()[:-3000])
    for name in ("my/stems", "my/test", "validation"):
        write_tracks(root / name, n_tracks=2, seconds=1.0)
    torch.manual_seed(0)
    unet = build_model({"architecture": "tdf", **SMALL_UNET})
    for name in ("runs/a", "runs/mine"):
        write_checkpoint(root / name / "best.safetensors", Checkpoint(config=config_of(unet), state=unet.state_dict()))
    umx = build_model(SMALL_UMX)
    write_checkpoint(root / "umx.safetensors", Checkpoint(config=config_of(umx), state=umx.state_dict()))
    write_checkpoint(root / "tdt.safetensors", Checkpoint(config=config_of(unet), state=unet.state_dict()))
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


@pytest.fixture
def checkpoints(kitchen) -> Callable[[], None]:
    """Write published checkpoints, large ones, for the commands that import them."""

    def write() -> None:
        torch.save(build_model({"architecture": "umx"}).state_dict(), kitchen / "vocals.pth")

    return write
