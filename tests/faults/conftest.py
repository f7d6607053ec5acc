from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from faults.quick_separator import quick_separator
from helpers import command_line


@pytest.fixture
def vocalsep() -> Callable[..., command_line.Done]:
    """Run the command in this process; a traceback is a failed test."""
    return command_line.vocalsep


@pytest.fixture(scope="session")
def separator():
    """A separator that has no network to wait for."""
    return quick_separator()


@pytest.fixture
def songs(tmp_path) -> Path:
    """A folder with three short stereo songs, ``a`` to ``c``, 16-bit wav at 44.1 kHz."""
    folder = tmp_path / "songs"
    folder.mkdir()
    for number, name in enumerate("abc"):
        noise = 0.1 * np.random.default_rng(number).standard_normal((22050, 2))
        soundfile.write(folder / f"{name}.wav", noise, 44100, subtype="PCM_16")
    return folder
