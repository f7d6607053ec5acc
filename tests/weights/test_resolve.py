import dataclasses
import hashlib
import subprocess
import sys

import pytest

from vocalsep.errors import CorruptWeightsError, UnknownModelError
from vocalsep.weights import hub, load_model, resolve
from vocalsep.weights.manifest import Entry, load_manifest
from vocalsep.weights.resolve import ResolvedWeights, fetch_entry, local_path
from vocalsep.weights.verify import verify

DEFAULT = load_manifest().entry(load_manifest().default)


@pytest.mark.parametrize("spec", [None, DEFAULT.id])
def test_the_default_is_in_the_package(spec):
    found = resolve.resolve(spec, offline=True)
    assert found == ResolvedWeights(id=DEFAULT.id, path=DEFAULT.bundled_path, sha256=DEFAULT.sha256, entry=DEFAULT)
    assert local_path(DEFAULT) == DEFAULT.bundled_path


@pytest.mark.parametrize("spec", ["umx", "tdf", "tdsa", "tdt"])
def test_the_four_of_the_experiment_are_in_the_package(spec):
    assert load_model(spec, offline=True).architecture == spec


def test_a_path(tmp_path):
    path = tmp_path / "mine.safetensors"
    path.write_bytes(DEFAULT.bundled_path.read_bytes())
    assert resolve.resolve(str(path)) == ResolvedWeights(id="mine", path=path, sha256=DEFAULT.sha256)
    assert load_model(str(path)).architecture == DEFAULT.architecture


def test_a_file_named_like_a_model_does_not_hide_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / DEFAULT.id).write_bytes(b"something else")
    assert resolve.resolve(DEFAULT.id).path == DEFAULT.bundled_path


def test_the_id_is_known_before_the_weights(tmp_path, monkeypatch):
    """One function for it: with ``{model}`` in the template, a track is looked for where it is written."""
    (tmp_path / "run" / "sub").mkdir(parents=True)
    weights = DEFAULT.bundled_path.read_bytes()
    for path in (tmp_path / "mine.v2.safetensors", tmp_path / "run" / "best.safetensors"):
        path.write_bytes(weights)
    monkeypatch.setattr(hub, "fetch_repo", lambda *_, **__: tmp_path / "mine.v2.safetensors")
    specs = [
        None,
        DEFAULT.id,
        "hf:a/b@c",
        tmp_path / "mine.v2.safetensors",
        tmp_path / "run",
        tmp_path / "run/sub/..",
    ]
    ids = [resolve.model_id(spec and str(spec)) for spec in specs]
    assert ids == [DEFAULT.id, DEFAULT.id, "hf:a/b@c", "mine.v2", "run", "run"]
    assert ids == [resolve.resolve(spec and str(spec)).id for spec in specs]
    assert resolve.model_id("tdt") == "tdt"
    assert resolve.model_id("nope") == "nope"


def test_a_path_that_cannot_be_looked_at(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for function in (resolve.resolve, resolve.model_id):
        with pytest.raises(CorruptWeightsError, match=r"cannot read .*loop.a\.safetensors"):
            function(str(tmp_path / "loop" / "a.safetensors"))


@pytest.mark.parametrize("spec", ["none.safetensors", f"{'a' * 300}.pth", "folder/none", "none.pth", "C:\\none"])
def test_a_path_where_nothing_is(spec):
    with pytest.raises(UnknownModelError, match="no weights file is at"):
        resolve.resolve(spec)


def test_a_misspelt_name():
    with pytest.raises(UnknownModelError, match=rf"Did you mean {DEFAULT.id}"):
        resolve.resolve(f"{DEFAULT.id}x")


def test_a_repository(tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"weights")
    asked = []
    monkeypatch.setattr(hub, "fetch_repo", lambda spec, **options: asked.append((spec, options)) or path)
    sha256 = hashlib.sha256(b"weights").hexdigest()
    assert resolve.resolve("hf:a/b", offline=True) == ResolvedWeights(id="hf:a/b", path=path, sha256=sha256)
    assert asked == [("hf:a/b", {"offline": True, "progress": None})]


@pytest.mark.parametrize(("change", "says"), [({"bytes": 3}, "bytes, not 3"), ({"sha256": "0" * 64}, "not 0000")])
def test_bundled_weights_that_are_not_what_the_manifest_says(change, says):
    wrong: Entry = dataclasses.replace(DEFAULT, **change)
    with pytest.raises(CorruptWeightsError, match=f"is not '{DEFAULT.id}': .*{says}.*Install vocalsep again"):
        fetch_entry(wrong)


def test_verify_reads_a_changed_file(tmp_path):
    path = tmp_path / "copy.safetensors"
    content = DEFAULT.bundled_path.read_bytes()
    path.write_bytes(content)
    verify(DEFAULT, path, fresh=True)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(CorruptWeightsError, match=f"{path} is not '{DEFAULT.id}': its sha256 is"):
        verify(DEFAULT, path, fresh=True)


def test_nothing_of_this_needs_torch_or_the_hub_client():
    code = (
        "import sys; from vocalsep.weights.resolve import resolve; resolve(None)\n"
        "print(sorted({'torch', 'numpy', 'huggingface_hub', 'safetensors'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
