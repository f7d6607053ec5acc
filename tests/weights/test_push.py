"""What is written and pushed: with the real Hub client, in processes of its own, to a server on loopback."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from helpers.hub_server import HubServer
from vocalsep.errors import CorruptWeightsError, OptionError, RunError, UnknownModelError
from vocalsep.models.architectures import build_model, config_of
from vocalsep.weights.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from vocalsep.weights.export import export
from vocalsep.weights.manifest import load_manifest
from vocalsep.weights.push import push
from vocalsep.weights.source import weights_of

CLIENT = Path(__file__).with_name("push_client.py")
SOURCE_TREE = Path(__file__).parents[2] / "src"
CONFIG = {"architecture": "tdf", "n_bins": 16, "n_fft": 32, "hop_length": 16, "growth": 4, "depth": 2}
CARD = "---\nlibrary_name: vocalsep\n---\n\n# Mine\n\nTrained on ü.\n"


@pytest.fixture
def run_folder(tmp_path):
    """A training run with best and last weights that differ, and a card."""
    folder = tmp_path / "runs" / "mine"
    for seed, name in enumerate(["best", "last"]):
        torch.manual_seed(seed)
        model = build_model(CONFIG)
        checkpoint = Checkpoint(config=config_of(model), state=model.state_dict(), metadata={"licence": "CC0-1.0"})
        write_checkpoint(folder / f"{name}.safetensors", checkpoint)
    (folder / "config.json").write_text("{}")
    (folder / "MODEL_CARD.md").write_text(CARD, encoding="utf-8")
    return folder


@pytest.fixture
def server():
    with HubServer() as server:
        yield server


@pytest.fixture
def environment(tmp_path, server):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    return {
        **kept,
        "HF_ENDPOINT": server.url,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",  # its transfers need servers of their own
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(SOURCE_TREE),
    }


def pushed(environment, *orders):
    done = subprocess.run(
        [sys.executable, CLIENT, json.dumps(orders)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def assert_same_weights(one, other):
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_pushed_run_comes_back_and_splits(server, environment, run_folder, tmp_path, tone):
    soundfile = pytest.importorskip("soundfile")
    order = {"source": str(run_folder), "repo": "someone/voices", "message": "first", "token": "hf_secret"}
    assert pushed(environment, order) == [{"address": f"{server.url}/someone/voices"}]
    assert server.commits == ["first"]
    assert {request.token for request in server.requests} == {"Bearer hf_secret"}
    assert {file for _, file in server.files} == {"model.safetensors", "config.json", "README.md"}
    assert server.files["someone/voices", "README.md"].content.decode() == CARD
    assert json.loads(server.files["someone/voices", "config.json"].content)["growth"] == 4

    soundfile.write(tmp_path / "song.wav", tone.T, 44100)
    code = (
        "import sys; from vocalsep.weights.resolve import resolve; from vocalsep.cli import main\n"
        "print(resolve('hf:someone/voices').path, flush=True)\n"
        "sys.argv[1:] = ['split', 'song.wav', '-o', 'out', '--model', 'hf:someone/voices']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    path, *stems = done.stdout.splitlines()
    assert stems == ["out/song/vocals.wav", "out/song/accompaniment.wav"]
    back, best = read_checkpoint(Path(path)), read_checkpoint(run_folder / "best.safetensors")
    assert (back.config, back.metadata) == (best.config, best.metadata)
    assert_same_weights(back.state, best.state)


def test_pushed_again_smaller_and_without_a_card(server, environment, run_folder):
    weights = str(run_folder / "last.safetensors")
    code = (
        "import sys, torch; from vocalsep.weights.push import push\n"
        "push(sys.argv[1], 'someone/voices'); push(sys.argv[1], 'someone/voices', dtype=torch.float16)"
    )
    subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code, weights],
        env={**environment, "HF_TOKEN": "hf_secret"},
        check=True,
        timeout=120,
    )
    assert len(server.commits) == 2
    (run_folder / "pushed.safetensors").write_bytes(server.files["someone/voices", "model.safetensors"].content)
    back, last = read_checkpoint(run_folder / "pushed.safetensors"), read_checkpoint(Path(weights))
    assert_same_weights(back.state, {name: tensor.half() for name, tensor in last.state.items()})
    card = server.files["someone/voices", "README.md"].content.decode()
    head = yaml.safe_load(card.split("---\n")[1])
    assert (head["library_name"], head["license"]) == ("vocalsep", "cc0-1.0")
    n_values = sum(parameter.numel() for parameter in build_model(CONFIG).parameters())
    assert f"`tdf`, {n_values:,} parameters" in card
    assert "--model hf:someone/voices" in card
    assert "CC0-1.0" in card


def test_private_repositories(server, environment, run_folder):
    server.private["someone/public"] = False
    order = {"source": str(run_folder), "private": True}
    first, again, public = pushed(
        environment,
        {**order, "repo": "someone/secret", "token": "hf_secret"},
        {**order, "repo": "someone/secret"},
        {**order, "repo": "someone/public"},
    )
    assert server.private == {"someone/secret": True, "someone/public": False}
    assert first == again == {"address": f"{server.url}/someone/secret"}
    assert public["error"] == "UploadError"
    assert public["message"] == "someone/public is there and public, so nothing was pushed"
    assert {repo for repo, _ in server.files} == {"someone/secret"}


def test_refusals_say_what_to_do(server, environment, run_folder):
    refused = {401: "someone/unknown", 403: "other/voices", 404: "someone/gone", 500: "someone/ill"}
    server.refused = {repo: (status, "") for status, repo in refused.items()}
    server.refused["objects"] = (403, "")
    order = {"source": str(run_folder)}
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}"
        no_token, unknown, forbidden, gone, ill, expired, lonely = pushed(
            environment,
            {**order, "repo": "someone/voices"},
            {**order, "repo": refused[401], "token": "hf_secret"},
            *({**order, "repo": refused[status]} for status in (403, 404, 500)),
            {**order, "repo": "someone/voices"},
            {**order, "repo": "someone/voices", "endpoint": nowhere},
        )
    assert {each["error"] for each in (no_token, unknown, gone, ill, expired, lonely)} == {"UploadError"}
    assert no_token["message"] == "pushing to someone/voices needs a token"
    for each in (no_token, unknown):
        assert "hf auth login" in each["hint"]
        assert "HF_TOKEN" in each["hint"]
    assert forbidden["message"] == "the token may not write to other/voices (403)"
    assert "other" in forbidden["hint"]
    assert "someone/gone" in gone["message"]
    assert "500" in ill["message"]
    assert expired["message"] == "the token may not write to someone/voices (403)"
    assert lonely["message"].startswith(f"no connection to {nowhere}: ")
    assert "HF_ENDPOINT" in lonely["hint"]
    assert server.files == {}


@pytest.mark.parametrize("repo", ["voices", "a/b/c", "../etc", "hf:a/b", "a/"])
def test_malformed_repositories(run_folder, repo):
    with pytest.raises(OptionError, match="OWNER/REPO"):
        push(str(run_folder), repo)


def test_export_of_a_run_is_its_best(run_folder, tmp_path):
    export(str(run_folder), tmp_path / "new" / "mine.safetensors")
    out = read_checkpoint(tmp_path / "new" / "mine.safetensors")
    best, last = (read_checkpoint(run_folder / f"{name}.safetensors") for name in ("best", "last"))
    assert (out.config, out.metadata) == (best.config, best.metadata)
    assert_same_weights(out.state, best.state)
    assert not torch.equal(out.state["in_conv.weight"], last.state["in_conv.weight"])


def test_export_to_another_type(run_folder, tmp_path):
    small, large = tmp_path / "small.safetensors", tmp_path / "large.safetensors"
    export(str(run_folder / "last.safetensors"), small, dtype=torch.float16)
    export(str(small), large, dtype=torch.float32)
    assert {tensor.dtype for tensor in read_checkpoint(small).state.values()} == {torch.float16}
    back = read_checkpoint(large).state
    for name, tensor in read_checkpoint(run_folder / "last.safetensors").state.items():
        torch.testing.assert_close(back[name], tensor, rtol=2**-11, atol=1e-7)


def test_weights_too_large_for_the_type(run_folder, tmp_path):
    checkpoint = read_checkpoint(run_folder / "best.safetensors")
    checkpoint.state["in_conv.weight"][0] = 1e6
    write_checkpoint(run_folder / "best.safetensors", checkpoint)
    with pytest.raises(OptionError, match=r"in_conv.weight has values up to 1e\+06.*dtype=float32"):
        export(str(run_folder), tmp_path / "small.safetensors", dtype=torch.float16)
    assert not (tmp_path / "small.safetensors").exists()


def test_what_is_no_weights(run_folder, tmp_path):
    default = load_manifest().entry(load_manifest().default)
    assert weights_of(default.id) == (default.bundled_path, None)
    (run_folder / "best.safetensors").unlink()
    with pytest.raises(RunError, match=r"mine has no best.safetensors yet"):
        weights_of(str(run_folder))
    with pytest.raises(UnknownModelError):
        weights_of(str(tmp_path / "nothing"))
    whole = (run_folder / "last.safetensors").read_bytes()
    (tmp_path / "torn.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorruptWeightsError):
        export(str(tmp_path / "torn.safetensors"), tmp_path / "out.safetensors")
