import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from helpers.bomb import Bomb, as_pickle, as_torch_file, detonate
from vocalsep.errors import CorruptWeightsError, OutputNotFolderError
from vocalsep.models.architectures import build_model, config_of
from vocalsep.weights.checkpoint import Checkpoint, build_from, load_model_file, read_checkpoint, write_checkpoint

CONFIG = {"architecture": "tdf", "n_bins": 16, "n_fft": 32, "hop_length": 16, "growth": 4, "depth": 2}


@pytest.fixture
def checkpoint():
    """A small model with statistics of batch normalisation that are not the initial ones."""
    torch.manual_seed(3)
    model = build_model(CONFIG)
    for name, buffer in model.named_buffers():
        if name.endswith(("mean", "var")):
            buffer.uniform_(0.5, 2)
    return Checkpoint(config=config_of(model), state=model.state_dict(), metadata={"id": "small", "licence": "ü"})


def weights_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in model.state_dict().items() if "num_batches" not in name}


def assert_same(model, state):
    mine = weights_of(model)
    assert mine.keys() == {name for name in state if "num_batches" not in name}
    assert all(torch.equal(mine[name], state[name]) for name in mine)


def test_round_trip(tmp_path, checkpoint):
    path = tmp_path / "new" / "small.safetensors"
    write_checkpoint(path, checkpoint)
    back = read_checkpoint(path)
    assert (back.config, back.metadata) == (checkpoint.config, checkpoint.metadata)
    assert not [name for name in back.state if "num_batches" in name]
    model = load_model_file(path)
    assert_same(model, checkpoint.state)
    assert not model.training
    assert list(path.parent.iterdir()) == [path]


def test_the_same_checkpoint_gives_the_same_bytes_in_every_process(tmp_path, checkpoint):
    path = tmp_path / "small.safetensors"
    write_checkpoint(path, checkpoint)
    code = (
        "import sys; from pathlib import Path; from vocalsep.weights.checkpoint import *\n"
        "write_checkpoint(Path(sys.argv[2]), read_checkpoint(Path(sys.argv[1])))"
    )
    again = tmp_path / "again.safetensors"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    subprocess.run([sys.executable, "-c", code, path, again], check=True, env=environment)
    assert again.read_bytes() == path.read_bytes()


def test_float16_halves_the_file_and_loads_as_float32(tmp_path, checkpoint):
    path = tmp_path / "half.safetensors"
    write_checkpoint(path, checkpoint, dtype=torch.float16)
    assert {tensor.dtype for tensor in read_checkpoint(path).state.values()} == {torch.float16}
    assert_same(load_model_file(path), {name: tensor.half().float() for name, tensor in checkpoint.state.items()})


def test_values_too_large_for_float16_are_refused(tmp_path, checkpoint):
    checkpoint.state["in_conv.bias"][0] = 1e5
    with pytest.raises(ValueError, match=r"in_conv\.bias has values up to 100000, too large for torch\.float16"):
        write_checkpoint(tmp_path / "half.safetensors", checkpoint, dtype=torch.float16)
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_cannot_be_written(tmp_path, checkpoint):
    (tmp_path / "file").touch()
    with pytest.raises(OutputNotFolderError):
        write_checkpoint(tmp_path / "file" / "small.safetensors", checkpoint)


@pytest.mark.parametrize("name", ["small.json", "config.json"])
def test_config_beside_the_file(tmp_path, checkpoint, name):
    save_file(checkpoint.state, tmp_path / "small.safetensors")
    (tmp_path / name).write_text(json.dumps(checkpoint.config))
    assert_same(load_model_file(tmp_path / "small.safetensors"), checkpoint.state)


@pytest.mark.parametrize("wrap", [lambda s: {"state_dict": s}, lambda s: {"state": {"state_dict": s}, "epoch": 3}])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_torch_files(tmp_path, checkpoint, wrap, prefix):
    content = wrap({prefix + name: tensor for name, tensor in checkpoint.state.items()})
    torch.save({**content, "config": checkpoint.config}, tmp_path / "small.ckpt")
    assert_same(load_model_file(tmp_path / "small.ckpt"), checkpoint.state)


def test_a_file_without_a_config_says_how_to_import_it(tmp_path, checkpoint):
    path = tmp_path / "small.pth"
    torch.save(checkpoint.state, path)
    with pytest.raises(CorruptWeightsError, match=f"vocalsep models import {path} --model NAME"):
        load_model_file(path)


@pytest.mark.parametrize("save", [as_torch_file, as_pickle])
def test_code_in_a_pickle_is_not_executed(tmp_path, save):
    marker, path = tmp_path / "exploded", tmp_path / "bomb.pth"
    save({"state_dict": {"weight": torch.zeros(1), "bomb": Bomb(marker)}}, path)
    with pytest.raises(CorruptWeightsError, match="is no PyTorch checkpoint"):
        load_model_file(path)
    assert not marker.exists()
    detonate(path)
    assert marker.exists(), "the bomb is one"


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".ckpt"])
@pytest.mark.parametrize("content", [b"", b"text, not weights", bytes(range(256)) * 40, b"PK\x03\x04" + bytes(99)])
def test_garbage(tmp_path, suffix, content):
    path = tmp_path / f"garbage{suffix}"
    path.write_bytes(content)
    with pytest.raises(CorruptWeightsError, match=str(path)):
        load_model_file(path)


@pytest.mark.parametrize("part", [0.01, 0.3, 0.999])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_truncated(tmp_path, checkpoint, suffix, part):
    path = tmp_path / f"small{suffix}"
    if suffix == ".pth":
        torch.save({"state": checkpoint.state, "config": checkpoint.config}, path)
    else:
        write_checkpoint(path, checkpoint)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(CorruptWeightsError, match=str(path)):
        load_model_file(path)


def test_a_safetensors_file_without_its_suffix(tmp_path, checkpoint):
    write_checkpoint(tmp_path / "blob", checkpoint)
    assert_same(load_model_file(tmp_path / "blob"), checkpoint.state)


def test_a_missing_file(tmp_path):
    with pytest.raises(CorruptWeightsError, match="No such file"):
        load_model_file(tmp_path / "none.safetensors")


def test_no_tensors(tmp_path):
    torch.save([1, 2, 3], tmp_path / "list.pth")
    with pytest.raises(CorruptWeightsError, match="holds no tensors by name"):
        load_model_file(tmp_path / "list.pth")
    torch.save({"weight": torch.zeros(1), "epoch": 3}, tmp_path / "mixed.pth")
    with pytest.raises(CorruptWeightsError, match="holds more than tensors by name: 'epoch'"):
        load_model_file(tmp_path / "mixed.pth")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda state: state.pop("in_conv.bias"), "in_conv.bias is missing"),
        (lambda state: state.update(extra=torch.zeros(1)), "extra is not in the model"),
        (
            lambda state: state.update({"in_conv.bias": torch.zeros(5)}),
            r"in_conv.bias has shape \(5,\)",
        ),
    ],
)
def test_tensors_that_do_not_fit_are_named(checkpoint, change, says):
    change(checkpoint.state)
    with pytest.raises(CorruptWeightsError, match=f"here does not fit a tdf model: {says}"):
        build_from(checkpoint, "here")


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"architecture": "tdx"}, "unknown architecture 'tdx'"),
        ({"architecture": "tdf", "grwth": 4}, "unknown key 'grwth'"),
        ({"architecture": "tdf", "growth": -4}, ""),
        ({}, "unknown architecture None"),
    ],
)
def test_configs_that_make_no_model(checkpoint, config, says):
    with pytest.raises(CorruptWeightsError, match=f"here: the config .*: .*{says}"):
        build_from(Checkpoint(config=config, state=checkpoint.state), "here")


@pytest.mark.parametrize("config", ["{", "[1]"])
def test_configs_that_are_no_json_object(tmp_path, checkpoint, config):
    save_file(checkpoint.state, tmp_path / "small.safetensors", {"config": config})
    with pytest.raises(CorruptWeightsError, match=r"the config is not JSON|does not say which model"):
        load_model_file(tmp_path / "small.safetensors")


@pytest.mark.parametrize(
    "config",
    [
        {"architecture": "tfc_tdf_v3", "n_fft": 256, "hop_length": 128, "n_bins": 128, "width": 4, "scales": 3},
        {
            "architecture": "mel_band_roformer",
            "n_fft": 256,
            "hop_length": 64,
            "n_bands": 8,
            "width": 16,
            "depth": 1,
        },
    ],
    ids=lambda config: config["architecture"],
)
def test_a_published_file_that_says_nothing_of_its_model(tmp_path, config):
    """The config comes from the manifest; our own file of the same model says it."""
    model = build_model(config)
    torch.save(model.state_dict(), tmp_path / "published.ckpt")
    with pytest.raises(CorruptWeightsError, match="does not say which model"):
        load_model_file(tmp_path / "published.ckpt")
    loaded = load_model_file(tmp_path / "published.ckpt", config)
    write_checkpoint(tmp_path / "own.safetensors", Checkpoint(config=config_of(loaded), state=loaded.state_dict()))
    waveform = torch.randn(1, 2, 4000)
    with torch.inference_mode():
        expected = model(waveform)
        assert torch.equal(loaded(waveform), expected)
        assert torch.equal(load_model_file(tmp_path / "own.safetensors")(waveform), expected)
