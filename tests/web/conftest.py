"""A server of the page, and a browser to use it with. Both are skipped where they are not installed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from helpers.web_page import EXAMPLE, Caller, web_server

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


def pytest_collection_modifyitems(items):
    """Warnings of Gradio and its server about themselves are not ours to mend."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore"))


@pytest.fixture(scope="module")
def server() -> Iterator:
    with web_server() as started:
        yield started


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Iterator:
    api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("no chromium")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def caller(server) -> Iterator[Caller]:
    one = Caller(server)
    yield one
    for song in one.songs():
        one.http.delete(f"vocalsep/songs/{song['id']}")
    one.http.close()


@pytest.fixture(scope="session")
def long_song(tmp_path_factory) -> Path:
    """The demo song, repeated for four minutes."""
    from vocalsep.audio.reader import open_audio

    with open_audio(EXAMPLE) as audio:
        samples = np.concatenate(list(audio.blocks()), axis=1)
        rate = audio.info.sample_rate
    path = tmp_path_factory.mktemp("songs") / "long.flac"
    whole = np.tile(samples, (1, -(-240 * rate // samples.shape[1])))[:, : 240 * rate]
    soundfile.write(path, whole.T, rate, subtype="PCM_16")
    return path
