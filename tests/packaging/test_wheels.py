"""The wheels as users install them, away from the source tree."""

import dataclasses
import importlib.util
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from helpers.hub_server import HubServer
from vocalsep.models.architectures import build_model, config_of
from vocalsep.weights.manifest import load_manifest

PROJECT = Path(__file__).parents[2]
DEMO = PROJECT / "examples" / "demo.mp3"
EXPERIMENT = ("umx", "tdf", "tdsa", "tdt")
SMALL_SCNET = {"architecture": "scnet", "n_fft": 512, "hop_length": 128, "widths": [8, 12, 16], "depth": 4}


def script(name: str):
    """A script of ``tools`` as a module."""
    spec = importlib.util.spec_from_file_location(name, PROJECT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_wheel_has_what_split_needs_and_no_more(wheel):
    assert wheel.stat().st_size < 10_000_000
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    bundled = {entry.file for entry in load_manifest().models if entry.bundled}
    assert {Path(name).name for name in names if name.endswith(".safetensors")} == bundled
    assert "vocalsep/py.typed" in names
    assert "vocalsep/weights_manifest.json" in names
    assert not [name for name in names if name.startswith(("tests", "docs", "benchmarks"))]


def test_links_of_the_page_on_pypi_lead_to_pages_and_files_that_there_are(wheel):
    """Relative ones would lead nowhere there; pictures are those of the documentation's site."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        page = archive.read(name).decode()
    assert "Description-Content-Type: text/markdown" in page
    site, files = "https://vocalsep.github.io/vocalsep/", "https://github.com/vocalsep/vocalsep/blob/main/"
    links = re.findall(r"\]\(([^)\s]+)\)", page)
    assert len(links) > 20
    for link in links:
        assert link.startswith("https://"), link
        if link.startswith(files):
            assert (PROJECT / link.removeprefix(files)).is_file(), link
        elif link.startswith(site):
            path = PROJECT / "docs" / link.removeprefix(site).partition("#")[0].rstrip("/")
            assert path.is_file() or path.with_suffix(".md").is_file() or (path / "index.md").is_file(), link


def test_the_experiments_wheel_has_its_weights_and_cards(experiment_wheel):
    with zipfile.ZipFile(experiment_wheel) as archive:
        names = {Path(name).name for name in archive.namelist()}
    files = {load_manifest().entry(model).file for model in EXPERIMENT}
    assert {name for name in names if name.endswith(".safetensors")} == files
    assert {f"{model}.md" for model in EXPERIMENT} | {"credits.md", "LICENSE"} <= names


def test_both_wheels_split_with_the_experiments_models(wheel, experiment_wheel, site, tmp_path):
    site.install(wheel)
    missing = site.run("split", DEMO, "--model", "tdsa", "-o", tmp_path / "none")
    assert missing.returncode == 33
    assert missing.stderr.strip().splitlines() == [
        "error: the weights of 'tdsa' are not installed. Run: pip install --upgrade vocalsep-experiment-weights"
    ]
    assert not (tmp_path / "none").exists()
    site.install(experiment_wheel)
    listed = json.loads(site.run("models", "list", "--json").stdout)
    assert {entry["weights"] for entry in listed if entry["id"] in EXPERIMENT} == {"installed"}
    assert "vocalsep-experiment-weights 1.0.0: umx, tdf, tdsa, tdt" in site.run("doctor").stdout
    done = site.run("split", DEMO, "--model", "tdt", "--offline", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "demo" / "vocals.wav").stat().st_size > 100_000


def published(site, owner: str) -> None:
    """Make the installed manifest say that the project's repositories are there, and whose they are."""
    path = site.folder / "vocalsep" / "weights_manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["hub_owner"] = owner
    for entry in manifest["models"]:
        for source in entry["sources"]:
            source.pop("published", None)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def test_the_home_on_the_hub_from_push_to_an_offline_split(wheel, site, tmp_path):
    """As a release does it: push all, note it in the manifest; then a wheel without the weights fetches them."""
    site.install(wheel)
    with HubServer() as server:
        quiet = site.run("split", DEMO, "--model", "tdsa", "-o", tmp_path / "none", HF_ENDPOINT=server.url)
        assert (quiet.returncode, server.requests) == (33, [])  # what is not published is not asked for

        settings = {"HF_ENDPOINT": server.url, "HF_TOKEN": "hf_secret", "PYTHONPATH": str(PROJECT / "src")}
        command = [sys.executable, PROJECT / "tools" / "push_models.py"]
        subprocess.run(command, check=True, env=site.environment(**settings))
        pushed = {repo for repo, _ in server.files}
        assert pushed == {f"vocalsep/vocalsep-{model}" for model in (*EXPERIMENT, "compact-v6", "compact-v5")}
        card = server.files["vocalsep/vocalsep-tdsa", "README.md"].content.decode()
        assert card.startswith("---\nlibrary_name: vocalsep\nlicense: mit\n")
        assert "(https://vocalsep.github.io/vocalsep/experiment/)" in card
        assert "(https://vocalsep.github.io/vocalsep/models/credits/)" in card
        assert ".md)" not in card

        published(site, "vocalsep")
        server.requests.clear()
        done = site.run("split", DEMO, "--model", "tdsa", "-o", tmp_path / "first", HF_ENDPOINT=server.url)
        assert done.returncode == 0, done.stderr
        assert {request.repo for request in server.requests} == {"vocalsep/vocalsep-tdsa"}
        n_requests = len(server.requests)
        again = site.run("split", DEMO, "--model", "tdsa", "--offline", "-o", tmp_path / "again")
        assert again.returncode == 0, again.stderr
        assert len(server.requests) == n_requests
    first, second = (tmp_path / name / "demo" / "vocals.wav" for name in ("first", "again"))
    assert first.read_bytes() == second.read_bytes()


def test_another_owner_is_set_in_one_place(wheel, site, tmp_path):
    site.install(wheel)
    published(site, "someone")
    with HubServer() as server:
        site.run("split", DEMO, "--model", "tdsa", "-o", tmp_path / "none", HF_ENDPOINT=server.url)
        assert {request.repo for request in server.requests} == {"someone/vocalsep-tdsa"}


@pytest.fixture
def small_scnet(tmp_path):
    """A checkpoint of a small SCNet with random weights, and the entry that describes it."""
    torch.manual_seed(3)
    model = build_model(SMALL_SCNET)
    path = tmp_path / "scnet_checkpoint.ckpt"
    torch.save({"state": model.state_dict()}, path)
    entry = load_manifest().entry("scnet")
    return dataclasses.replace(entry, config=config_of(model), file=path.name), path


def test_weights_as_a_package(wheel, site, tmp_path, small_scnet):
    """As a release makes vocalsep-scnet: built from a checkpoint, installed, listed, used without a network."""
    entry, checkpoint = small_scnet
    tool = script("weights_package")
    package = tool.build(entry, checkpoint, tmp_path / "index", version="1.0.0", song=DEMO)
    assert package.name == "vocalsep_scnet-1.0.0-py3-none-any.whl"
    site.install(wheel, package)
    listed = {model["id"]: model for model in json.loads(site.run("models", "list", "--json").stdout)}
    assert listed["scnet"]["weights"] == "installed"
    assert site.run("models", "verify", "scnet").stdout.startswith("scnet: good, ")
    done = site.run("split", DEMO, "--model", "scnet", "-o", tmp_path / "out", HF_HUB_OFFLINE="1")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "demo" / "vocals.wav").stat().st_size > 100_000
    balanced = site.run("split", DEMO, "--quality", "balanced", "-o", tmp_path / "balanced", HF_HUB_OFFLINE="1")
    assert balanced.returncode == 0, balanced.stderr
    with zipfile.ZipFile(package) as archive:
        card = archive.read("vocalsep_scnet/README.md").decode()
    assert entry.sha256 in card
    assert entry.licence.statement in card


def test_a_package_is_only_made_where_the_licence_allows_it(tmp_path, small_scnet):
    entry, checkpoint = small_scnet
    tool = script("weights_package")
    unstated = dataclasses.replace(entry, licence=dataclasses.replace(entry.licence, spdx=None))
    for refused in (unstated, dataclasses.replace(entry, package=None)):
        with pytest.raises(SystemExit, match="no licence that allows one"):
            tool.build(refused, checkpoint, tmp_path, version="1.0.0", song=DEMO)
    assert not list(tmp_path.glob("*.whl"))
