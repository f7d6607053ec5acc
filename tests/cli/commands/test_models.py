import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from vocalsep.cli.model_listing import details, table
from vocalsep.models.architectures import build_model
from vocalsep.weights.checkpoint import read_checkpoint
from vocalsep.weights.manifest import load_manifest

DEFAULT = load_manifest().entry(load_manifest().default)


def test_list_shows_size_licence_and_whereabouts(vocalsep):
    lines = vocalsep("models", "list").out.splitlines()
    heads = ["NAME", "QUALITY", "SIZE", "TIME", "MEMORY", "LICENCE", "COMMERCIAL", "WEIGHTS", "SCORE"]
    assert lines[0].split() == heads
    assert lines[1].split()[:3] == [DEFAULT.id, "*", "fast"]
    cost, score = DEFAULT.cost, DEFAULT.metrics[0]
    assert " ".join(lines[1].split()).endswith(
        f"{DEFAULT.bytes / 1e6:.1f} MB {cost.real_time_factor:g} x {cost.memory_mb / 1000:.1f} GB"
        f" {DEFAULT.licence.name} yes bundled {score.name} {score.value:.2f} dB, {score.dataset}"
    )
    rows = {line.split()[0]: line for line in lines[2:] if line}
    assert all(" bundled " in rows[name] for name in ("umx", "tdf", "tdsa", "tdt"))


@pytest.mark.parametrize("width", [80, 100, 140])
def test_a_terminal_breaks_no_line_of_the_list_and_shows_all_of_it(width):
    in_one_line = list(table(load_manifest(), DEFAULT.id))
    lines = list(table(load_manifest(), DEFAULT.id, width))
    assert max(map(len, lines)) <= width
    words = " ".join(lines).replace(",", "").split()
    expected = " ".join(in_one_line).replace(",", "").split()
    assert {word for word in expected if word != "-"} <= {*words}


@pytest.mark.parametrize("width", [80, 100])
def test_a_terminal_breaks_no_hash(width):
    for entry in load_manifest().models:
        lines = list(details(entry, width))
        assert "".join("".join(lines).split()) == "".join("".join(details(entry)).split())
        assert f"sha256          {entry.sha256}" in lines


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("split a.mp3 --model tds", ["tdsa"]),
        ("split a.mp3 -m compact-v5+tds", ["compact-v5+tdsa"]),
        ("split a.mp3 --model ./tds", []),  # files are the shell's to complete
        ("models show mel", ["melband-kim"]),
        ("models show umx+mel", []),
    ],
)
def test_a_shell_completes_names(typed, offered):
    words = f"vocalsep {typed}"
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_VOCALSEP_COMPLETE": "complete_bash"}
    command = [sys.executable, "-c", "import sys; from vocalsep.cli import main; sys.argv = ['vocalsep']; main()"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **asked})
    assert done.stdout.split() == offered, done.stderr


def test_list_as_json(vocalsep):
    entries = json.loads(vocalsep("models", "list", "--json").out)
    assert [entry["id"] for entry in entries] == [entry.id for entry in load_manifest().models]
    assert entries[0]["sha256"] == DEFAULT.sha256
    whereabouts = {entry["id"]: entry["weights"] for entry in entries}
    assert (whereabouts[DEFAULT.id], whereabouts["mdx23c"]) == ("bundled", "on the Hub")


def test_show_path_and_verify(vocalsep):
    shown = vocalsep("models", "show", DEFAULT.id).out
    assert DEFAULT.sha256 in shown
    assert DEFAULT.licence.statement in shown
    assert vocalsep("models", "path", DEFAULT.id).out.strip() == str(DEFAULT.bundled_path)
    verified = vocalsep("models", "verify")
    bundled = [entry for entry in load_manifest().models if entry.bundled_path]
    assert verified.out.splitlines() == [f"{entry.id}: good, {entry.bundled_path}" for entry in bundled]
    assert vocalsep("models", "pull", DEFAULT.id).out.strip() == str(DEFAULT.bundled_path)


@pytest.mark.parametrize("command", ["show", "path", "pull", "verify"])
def test_unknown_names(vocalsep, command):
    done = vocalsep("models", command, f"{DEFAULT.id}x")
    assert done.code == 30
    assert f"Did you mean {DEFAULT.id}" in done.error_line


def test_verify_finds_a_changed_file(vocalsep, tmp_path, monkeypatch):
    changed = bytearray(DEFAULT.bundled_path.read_bytes())
    changed[-1] ^= 1
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "bundled").mkdir()
    (tmp_path / "weights" / "bundled" / DEFAULT.file).write_bytes(changed)
    monkeypatch.setattr("vocalsep.weights.manifest._PACKAGE", tmp_path)
    done = vocalsep("models", "verify")
    assert done.code == 32
    assert "sha256" in done.err


def published(architecture, path):
    """A checkpoint as `torch.save` of a data-parallel model leaves it."""
    model = build_model({"architecture": architecture})
    torch.save({f"module.{name}": tensor for name, tensor in model.state_dict().items()}, path)
    return model


def test_import_and_split_with_it(vocalsep, song, tmp_path):
    model = published("umx", tmp_path / "vocals.pth")
    out = tmp_path / "umx.safetensors"
    imported = vocalsep("models", "import", tmp_path / "vocals.pth", "--model", "umx", "-o", out)
    assert imported.code == 0, imported.err
    assert imported.out.strip() == str(out)
    assert build_model(read_checkpoint(out).config).config == model.config
    again = vocalsep("models", "import", tmp_path / "vocals.pth", "--model", "umx", "-o", out)
    assert again.code == 23
    done = vocalsep("split", song, "-o", tmp_path / "out", "--model", out, "--json")
    assert json.loads(done.out)["model"] == "umx"


def test_import_of_what_is_no_checkpoint(vocalsep, song, tmp_path):
    done = vocalsep("models", "import", song, "--model", "tdt", "-o", tmp_path / "x.safetensors")
    assert done.code == 32
    assert not (tmp_path / "x.safetensors").exists()


def test_export_and_split_with_it(vocalsep, song, tmp_path):
    out = tmp_path / "new" / "large.safetensors"
    done = vocalsep("models", "export", DEFAULT.id, "-o", out, "--dtype", "float32")
    assert done.code == 0, done.err
    assert done.out.strip() == str(out)
    assert f"--model {out}" in done.error_line
    state = read_checkpoint(out).state
    assert {tensor.dtype for tensor in state.values()} == {torch.float32}
    assert all(
        torch.equal(state[name], tensor.float())
        for name, tensor in read_checkpoint(DEFAULT.bundled_path).state.items()
    )
    assert vocalsep("models", "export", DEFAULT.id, "-o", out).code == 23
    assert vocalsep("models", "export", DEFAULT.id, "-o", out, "--overwrite").code == 0
    assert {tensor.dtype for tensor in read_checkpoint(out).state.values()} == {torch.float16}
    done = vocalsep("split", song, "-o", tmp_path / "out", "--model", out, "--json")
    assert json.loads(done.out)["model"] == "large"


def test_export_to_onnx_and_split_with_it(vocalsep, song, tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    out = tmp_path / "net.onnx"
    done = vocalsep("models", "export", DEFAULT.id, "-o", out, "--format", "onnx")
    assert done.code == 0, done.err
    assert done.out.strip() == str(out)
    assert f"--model {out}" in done.error_line
    assert vocalsep("models", "export", DEFAULT.id, "-o", out).code == 23
    done = vocalsep("split", song, "-o", tmp_path / "out", "--model", out, "--json", "--quiet")
    assert (done.code, done.err) == (0, "")
    result = json.loads(done.out)
    assert (result["model"], result["precision"]) == ("net", "fp32")
    vocalsep("split", song, "-o", tmp_path / "torch", "--precision", "fp32")
    exported, own = (soundfile.read(tmp_path / folder / "song" / "vocals.wav")[0] for folder in ("out", "torch"))
    np.testing.assert_allclose(exported, own, atol=1e-4)
    refused = vocalsep("split", song, "-o", tmp_path / "out", "--model", out, "--precision", "bf16")
    assert refused.code == 2
    assert "types of its own" in refused.error_line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-o", "net.safetensors", "--format", "onnx"], "Use -o net.onnx"),
        (["-o", "net.onnx", "--format", "safetensors"], "Use -o net.safetensors"),
        (["-o", "net.onnx", "--dtype", "float16"], "written as float32"),
    ],
)
def test_export_to_a_name_or_type_of_the_other_format(vocalsep, tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    done = vocalsep("models", "export", DEFAULT.id, *arguments)
    assert done.code == 2
    assert says in done.error_line
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_for_onnx(vocalsep, song, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    (tmp_path / "net.onnx").write_bytes(b"graph")
    for command in (
        ["models", "export", DEFAULT.id, "-o", tmp_path / "new.onnx"],
        ["split", song, "--model", tmp_path / "net.onnx", "-o", tmp_path / "out"],
    ):
        done = vocalsep(*command)
        assert done.code == 64
        assert "pip install 'vocalsep[onnx]'" in done.error_line


def test_what_is_not_known_of_weights_is_not_shown(vocalsep):
    """Neither the size of one nor the commit of another is known."""
    shown = vocalsep("models", "show", "mdx-voc-ft").out
    assert "bytes" not in shown
    assert "edgetools/umx-hq@main/vocals.onnx" in vocalsep("models", "show", "umxhq").out


def test_export_of_a_run(vocalsep, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text("{}")
    done = vocalsep("models", "export", tmp_path / "run", "-o", tmp_path / "out.safetensors")
    assert done.code == 62
    assert "best.safetensors" in done.error_line
    (tmp_path / "run" / "best.safetensors").write_bytes(DEFAULT.bundled_path.read_bytes())
    done = vocalsep("models", "export", tmp_path / "run", "-o", tmp_path / "out.safetensors")
    assert done.code == 0, done.err
    state = read_checkpoint(DEFAULT.bundled_path).state
    assert all(
        torch.equal(tensor, state[name])
        for name, tensor in read_checkpoint(tmp_path / "out.safetensors").state.items()
    )


def test_export_of_nothing(vocalsep, tmp_path):
    assert vocalsep("models", "export", tmp_path / "nothing", "-o", tmp_path / "out.safetensors").code == 30
    (tmp_path / "torn.safetensors").write_bytes(DEFAULT.bundled_path.read_bytes()[:10_000])
    assert (
        vocalsep("models", "export", tmp_path / "torn.safetensors", "-o", tmp_path / "out.safetensors").code == 32
    )
    assert not (tmp_path / "out.safetensors").exists()


def test_push_is_told(vocalsep, monkeypatch):
    """The push itself is tested with the real client, in tests/weights."""
    calls = []
    monkeypatch.setattr(
        "vocalsep.weights.push.push",
        lambda *args, **options: calls.append((args, options)) or "https://hub/a/b",
    )
    done = vocalsep("models", "push", "run", "a/b", "--private", "--message", "first", "--card", "c.md")
    assert (done.code, done.out) == (0, "hf:a/b\n")
    assert "https://hub/a/b" in done.error_line
    told = {"card": Path("c.md"), "private": True, "message": "first", "dtype": None}
    assert calls == [(("run", "a/b"), told)]
    assert vocalsep("models", "push", "run", "a/b", "--dtype", "float16").code == 0
    assert calls[1][1]["dtype"] is torch.float16


def test_push_without_a_token(vocalsep, monkeypatch):
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    done = vocalsep("models", "push", DEFAULT.bundled_path, "someone/voices")
    assert done.code == 34
    assert "hf auth login" in done.error_line
    assert vocalsep("models", "push", DEFAULT.bundled_path, "voices").code == 2


def test_the_published_checkpoint_imports_and_splits(vocalsep, reference_data, song, tmp_path):
    source = reference_data / "reference" / "vocals_transformer_0511.pth"
    out = tmp_path / "tdt.safetensors"
    assert vocalsep("models", "import", source, "--model", "tdt", "-o", out).code == 0
    assert vocalsep("split", song, "-o", tmp_path / "out", "--model", out).code == 0


def test_doctor_names_what_would_be_used(vocalsep):
    done = vocalsep("doctor")
    facts = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert torch.__version__.startswith(facts["torch"])
    assert facts["default"].startswith(f"model    {DEFAULT.id}") or DEFAULT.id in facts["default"]
    assert "MISSING" not in done.out
