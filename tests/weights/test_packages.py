"""Weights that other distributions carry: listed, verified and used without their code being run."""

import json

import pytest
import soundfile

from helpers.command_line import vocalsep
from helpers.weights_package import entry_of, install
from vocalsep.errors import CorruptWeightsError, DownloadError
from vocalsep.weights.manifest import load_manifest
from vocalsep.weights.packages import weights_packages
from vocalsep.weights.resolve import fetch_entry, resolve


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed packages, looked at anew."""
    monkeypatch.syspath_prepend(tmp_path / "site")
    (tmp_path / "site").mkdir()
    load_manifest.cache_clear()
    weights_packages.cache_clear()
    yield tmp_path / "site"
    assert not (tmp_path / "site" / "executed").exists()
    load_manifest.cache_clear()
    weights_packages.cache_clear()


@pytest.fixture
def song(tmp_path, tone):
    soundfile.write(tmp_path / "song.wav", tone.T, 44100)
    return tmp_path / "song.wav"


def test_a_package_adds_models(site, song, tmp_path):
    folder = install(site, "Someones_Weights", "choir", "duet")
    found = resolve("choir", offline=True)
    assert found.path == folder / "choir.safetensors"
    assert found.entry.package == "someones-weights"
    rows = {line.split()[0]: line for line in vocalsep("models", "list").out.splitlines() if line}
    assert all(" installed " in f"{rows[name]} " for name in ("choir", "duet"))
    assert vocalsep("models", "path", "duet").out.strip() == str(folder / "duet.safetensors")
    assert "weights package  someones-weights 2.5: choir, duet" in vocalsep("doctor").out
    done = vocalsep("split", song, "--model", "choir", "--offline", "-o", tmp_path / "out")
    assert done.code == 0, done.err
    assert (tmp_path / "out" / "song" / "vocals.wav").exists()


def test_a_file_that_is_not_what_the_package_says(site):
    folder = install(site, "someones-weights", "choir")
    content = bytearray((folder / "choir.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "choir.safetensors").write_bytes(content)
    with pytest.raises(CorruptWeightsError, match=r"is not 'choir': .*sha256.*Install someones-weights again"):
        resolve("choir")
    assert vocalsep("models", "verify").code == 32


def test_a_package_does_not_take_the_name_of_a_listed_model(site):
    before = {entry.id: entry for entry in load_manifest().models}
    load_manifest.cache_clear()
    weights_packages.cache_clear()
    install(site, "someones-weights", "compact-v6", "scnet", "tdsa")
    assert {entry.id: entry for entry in load_manifest().models} == before
    assert "weights package  someones-weights 2.5: no models for this vocalsep" in vocalsep("doctor").out


def test_the_package_that_is_named_for_a_model_brings_its_own_file(site):
    """Converted weights are other bytes than the checkpoint that is downloaded without the package."""
    folder = install(site, "vocalsep-scnet", "scnet")
    found = resolve("scnet", offline=True)
    assert found.path == folder / "scnet.safetensors"
    entry = load_manifest().entry("scnet")
    assert entry.sha256 == found.sha256 == entry_of(found.path, "scnet")["sha256"]
    assert entry.config is None
    assert entry.sources == ()
    assert entry.architecture == "scnet"
    assert "Weinan Tong" in entry.attribution  # what is known of the weights stays


@pytest.mark.parametrize("manifest", ["{", "[]", json.dumps({"schema_version": 1, "models": [{"id": "choir"}]})])
def test_a_broken_package_breaks_nothing_else(site, manifest):
    (install(site, "broken", "choir") / "weights_manifest.json").write_text(manifest)
    install(site, "whole", "duet")
    assert resolve("duet", offline=True).entry.package == "whole"
    assert resolve(None).path.exists()
    report = vocalsep("doctor").out
    assert "weights package  broken 2.5: left out, " in report
    assert "weights package  whole 2.5: duet" in report


@pytest.mark.parametrize("value", ["nowhere", "json.decoder", "sys", "a b", "../.."])
def test_an_entry_point_that_is_no_package(site, value):
    install(site, "odd", "choir")
    (site / "odd-2.5.dist-info" / "entry_points.txt").write_text(f"[vocalsep.weights]\nweights = {value}\n")
    assert [package for package in weights_packages() if package.distribution == "odd"] == []


def test_a_model_without_its_package_says_what_to_install(site, monkeypatch, tmp_path):
    entry = load_manifest().entry("tdsa")
    monkeypatch.setattr("vocalsep.weights.manifest._PACKAGE", tmp_path)  # without the files of a source tree
    with pytest.raises(DownloadError) as caught:
        fetch_entry(entry)
    assert str(caught.value) == (
        "the weights of 'tdsa' are not installed. Run: pip install --upgrade vocalsep-experiment-weights"
    )
