"""The examples run: the Space as Hugging Face starts it, and every cell of the notebook."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import soundfile
import yaml

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_header_of_the_space():
    _, header, _ = (EXAMPLES / "space" / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    facts = yaml.safe_load(header)
    assert facts["sdk"] == "gradio"
    assert (EXAMPLES / "space" / facts["app_file"]).is_file()
    assert facts["license"] == "mit"
    assert len(facts["short_description"]) <= 60
    assert (EXAMPLES / "space" / "requirements.txt").read_text().split() == ["vocalsep[web]"]


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.filterwarnings("ignore")  # of Gradio's client about itself
def test_the_space_splits_a_song(tmp_path):
    pytest.importorskip("gradio")
    client = pytest.importorskip("gradio_client")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = {**os.environ, "GRADIO_SERVER_PORT": str(port), "TMPDIR": str(tmp_path)}
    process = subprocess.Popen([sys.executable, EXAMPLES / "space" / "app.py"], env=env)
    try:
        until = time.monotonic() + 60
        while not answers(port):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.2)
        space = client.Client(f"http://127.0.0.1:{port}", verbose=False, download_files=str(tmp_path / "stems"))
        vocals, accompaniment = space.predict(client.handle_file(EXAMPLES / "demo.mp3"), api_name="/split")
        assert soundfile.info(vocals).frames == soundfile.info(accompaniment).frames > 600_000
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_the_notebook_runs(tmp_path):
    for package in ("ipykernel", "matplotlib"):
        pytest.importorskip(package)
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    shutil.copy(EXAMPLES / "demo.mp3", tmp_path)
    notebook = nbformat.read(EXAMPLES / "notebook.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    kinds = [kind for output in outputs for kind in output.get("data", {})]
    assert kinds.count("image/png") == 1
    assert sum("<audio" in output.get("data", {}).get("text/html", "") for output in outputs) == 3
    assert float(outputs[-1]["data"]["text/plain"]) < 1e-5
    assert (tmp_path / "stems" / "demo" / "vocals.wav").is_file()
