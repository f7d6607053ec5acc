import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

from vocalsep.cli import stderr

settings.register_profile("default", deadline=None)
settings.load_profile("default")


PROJECT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Small models run hundreds of times faster so than on threads that wait for each other."""
    torch.set_num_threads(1)  # before each test: some ask the program for more, which is for the whole process


@pytest.fixture(autouse=True)
def _nothing_is_quiet() -> Iterator[None]:
    """A command that a test runs in this process leaves its -v or -q to no other test."""
    yield
    stderr.reset()


@pytest.fixture(autouse=True)
def _nobody_chose_a_model(monkeypatch, tmp_path_factory) -> None:
    """The folders for settings of whoever runs the tests are neither read nor written."""
    home = tmp_path_factory.mktemp("settings")
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.delenv("VOCALSEP_MODEL", raising=False)


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Reference tensors and real clips that are not part of the project; tests that need them skip without."""
    folder = Path(os.environ.get("VOCALSEP_REFERENCE_DATA", PROJECT.parent / "shared"))
    if not (folder / "reference" / "index.json").exists():
        pytest.skip("no reference data beside the project (VOCALSEP_REFERENCE_DATA)")
    return folder


@pytest.fixture
def tone() -> np.ndarray:
    """Two seconds of a stereo chord with a little noise, float32 (channel, sample) at 44.1 kHz."""
    time = np.arange(2 * 44100) / 44100
    rng = np.random.default_rng(7)
    chord = sum(np.sin(2 * np.pi * hz * time + phase) for hz, phase in ((220, 0), (277.2, 1), (330, 2)))
    return (0.15 * np.stack([chord, 0.7 * chord]) + 0.01 * rng.standard_normal((2, time.size))).astype(np.float32)
