import dataclasses
import hashlib
import importlib.util
import json
from pathlib import Path

import jsonschema
import pytest
import torch

from vocalsep.errors import CorruptWeightsError, UnknownModelError
from vocalsep.models.architectures import ARCHITECTURES, build_graph_model, build_model
from vocalsep.weights import list_models, load_model, manifest
from vocalsep.weights.manifest import load_manifest, read_manifest

PROJECT = Path(__file__).parents[2]
MANIFEST = PROJECT / "weights_manifest.json"
SCHEMA = json.loads(Path(__file__).with_name("weights_manifest.schema.json").read_text())


@pytest.fixture
def values():
    """The manifest as plain JSON, to be changed."""
    return json.loads(MANIFEST.read_text())


def problems(values: object) -> list[str]:
    return [error.json_path for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(values)]


def test_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_manifest_follows_the_schema(values):
    assert problems(values) == []


SOURCE = {"repo": "a/b", "revision": "0" * 40, "file": "c.safetensors"}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"sources": [{**SOURCE, "revision": "main"}]}, "$.models[0].sources[0].revision"),
        ({"sources": [{"repo": "a/b", "file": "c.safetensors"}]}, "$.models[0].sources[0]"),
        ({"sources": [{**SOURCE, "repo": "b"}]}, "$.models[0].sources[0].repo"),
        ({"sha256": "ABC"}, "$.models[0].sha256"),
        ({"sha256": None}, "$.models[0].sha256"),
        ({"bytes": None}, "$.models[0].bytes"),
        ({"licence": None}, "$.models[0].licence"),
        ({"bundled": False}, "$.models[0]"),
        ({"bundled": False, "sources": [{**SOURCE, "published": False}]}, "$.models[0]"),
        ({"sources": [{**SOURCE, "published": True}]}, "$.models[0].sources[0].published"),
        ({"file": "weights.ckpt"}, "$.models[0].file"),
        ({"file": "weights.zip", "config": {"architecture": "tdf"}}, "$.models[0].file"),
        ({"config": {}}, "$.models[0].config"),
        ({"overlap": 0.95}, "$.models[0].overlap"),
        ({"surprise": 1}, "$.models[0]"),
    ],
)
def test_schema_refuses(values, change, where):
    values["models"][0].update(change)
    assert where in problems(values)


@pytest.mark.parametrize("unknown", [{}, {"bytes": None}, {"sources": [{**SOURCE, "revision": None}]}])
def test_schema_takes_a_model_that_is_only_on_the_hub(values, unknown):
    values["models"][0].update({"bundled": False, "sources": [SOURCE], **unknown})
    assert problems(values) == []


def test_ids_are_unique_and_the_default_is_bundled():
    entries = list_models()
    assert len({entry.id for entry in entries}) == len(entries)
    assert load_manifest().entry(load_manifest().default).bundled


def test_own_models_have_a_home_that_is_not_asked_yet():
    """Once the repositories are there, the release notes that in the manifest, and this test."""
    own = [entry for entry in list_models() if entry.bundled_path]
    assert len(own) > 5
    for entry in own:
        (home,) = entry.sources
        assert home.repo == f"{load_manifest().hub_owner}/vocalsep-{entry.id}"
        assert not home.published
        assert entry.published_sources == ()


def test_every_architecture_is_listed():
    assert {entry.architecture for entry in list_models()} == set(ARCHITECTURES)


def test_each_quality_is_better_than_the_one_before_and_larger():
    manifest = load_manifest()
    picked = [manifest.entry(model) for model in dataclasses.astuple(manifest.qualities)]
    assert picked[0].id == manifest.default
    scores, sizes = [entry.metrics[0].value for entry in picked], [entry.parameters for entry in picked]
    assert scores == sorted(set(scores))
    assert sizes == sorted(set(sizes))
    memory = [entry.cost.memory_mb for entry in picked]
    assert memory == sorted(set(memory))


def test_the_pages_have_the_manifests_tables():
    path = PROJECT / "tools/models_table.py"
    spec = importlib.util.spec_from_file_location("models_table", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for page, table in script.TABLES.items():
        text = (PROJECT / page).read_text(encoding="utf-8")
        assert script.BEGIN + table() + script.END in text, f"python {path.relative_to(PROJECT)} --write"


@pytest.mark.parametrize("entry", list_models(), ids=lambda entry: entry.id)
def test_parameters_and_stems_are_those_of_the_model(entry):
    with torch.device("cpu" if entry.bundled_path else "meta"):
        config = entry.config or {"architecture": entry.architecture}
        if not ARCHITECTURES[entry.architecture].build:
            model = build_graph_model(config, lambda codec, n_stems: torch.tanh)
        else:
            model = load_model(entry.id) if entry.bundled_path else build_model(config)
            assert sum(p.numel() for p in model.parameters()) == entry.parameters
    assert model.architecture == entry.architecture
    assert tuple(model.config.stems) == entry.stems


@pytest.mark.parametrize("entry", [e for e in list_models() if e.bundled_path], ids=lambda entry: entry.id)
def test_bundled_files_are_what_the_manifest_says(entry):
    content = entry.bundled_path.read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (entry.bytes, entry.sha256)
    card = (PROJECT / "docs" / "models" / f"{entry.id}.md").read_text()
    assert entry.sha256 in card
    assert f"{entry.parameters:,} parameters; {entry.bytes:,} bytes" in card


def test_nothing_else_is_bundled():
    bundled = PROJECT / "src/vocalsep/weights/bundled"
    assert {p.name for p in bundled.iterdir()} == {entry.file for entry in list_models() if entry.bundled_path}


def test_unknown_ids_name_the_nearest():
    with pytest.raises(UnknownModelError, match=r"no model is called 'tdd'. Did you mean tdt or tdf\?"):
        load_manifest().entry("tdd")
    with pytest.raises(UnknownModelError, match=r"no model is called 'spleeter'. See `vocalsep models list`."):
        load_manifest().entry("spleeter")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"models": [{"id": "x"}]}', '{"models": [], "default": "x", "schema_version": 1, "y": 2}'],
)
def test_what_is_no_manifest_is_refused(tmp_path, text):
    path = tmp_path / "weights_manifest.json"
    path.write_text(text)
    with pytest.raises(CorruptWeightsError, match="is no weights manifest"):
        read_manifest(path)


def test_nested_values_are_read(tmp_path, values):
    values["models"][0]["sources"] = [SOURCE]
    path = tmp_path / "weights_manifest.json"
    path.write_text(json.dumps(values))
    entry = read_manifest(path).models[0]
    assert entry.sources == (manifest.Source(**SOURCE),)
    assert entry.licence.spdx == "MIT"
    assert [(metric.name, metric.value) for metric in entry.metrics] == [
        (metric["name"], metric["value"]) for metric in values["models"][0]["metrics"]
    ]
