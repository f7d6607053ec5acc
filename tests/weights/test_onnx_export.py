"""Exported networks against PyTorch's, from waveform to waveform."""

import json
import pickle
import sys

import numpy as np
import pytest
import torch

from vocalsep import Separator
from vocalsep.errors import MissingExtraError, ModelError, OptionError
from vocalsep.models.architectures import build_model, config_of
from vocalsep.weights import onnx_export
from vocalsep.weights.checkpoint import Checkpoint, write_checkpoint
from vocalsep.weights.manifest import load_manifest
from vocalsep.weights.onnx_export import export_onnx

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SMALL = {"n_fft": 256, "hop_length": 64}
UNET = {"n_fft": 128, "hop_length": 64, "n_bins": 64, "growth": 4, "depth": 2}
CONFIGS = [
    {"architecture": "tdf", **UNET},
    {"architecture": "tdf", **UNET, "layers": 2, "bottleneck": 16, "head": "mask"},
    {"architecture": "tdsa", **UNET},
    {"architecture": "tdsa", **UNET, "attention": "frame", "n_heads": 2},
    {"architecture": "tdt", **UNET},
    {"architecture": "tdf_mask", "n_fft": 128, "hop_length": 64, "n_bins": 64, "width": 4, "growth": 4},
    {
        "architecture": "sparse_tdf",
        **SMALL,
        "band_bins": [32, 64],
        "band_strides": [1, 4],
        "width": 4,
        "growth": 4,
    },
    {"architecture": "umx", "n_fft": 128, "hop_length": 32, "hidden_size": 8, "max_bin": 40},
    {"architecture": "tfc_tdf_v3", **SMALL, "n_bins": 64, "width": 4, "growth": 4, "scales": 2},
    {"architecture": "scnet", **SMALL, "widths": [8, 8, 16], "depth": 4},
]


def checkpoint_of(config, path):
    """Weights of a model whose statistics of batch normalisation are not the initial ones."""
    torch.manual_seed(0)
    model = build_model(config)
    for name, buffer in model.named_buffers():
        if name.endswith(("mean", "var")):
            buffer.uniform_(0.5, 2)
    metadata = {"licence": "CC0-1.0"}
    write_checkpoint(path, Checkpoint(config=config_of(model), state=model.state_dict(), metadata=metadata))
    return path


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: "-".join(map(str, config.values())))
def test_estimates_are_those_of_pytorch(tmp_path, tone, capfd, config):
    weights = checkpoint_of(config, tmp_path / "net.safetensors")
    export_onnx(str(weights), tmp_path / "net.onnx")
    assert capfd.readouterr() == ("", "")
    assert {path.name for path in tmp_path.iterdir()} == {"net.safetensors", "net.onnx"}
    tone = tone[:, :30_000]
    options = {"device": "cpu", "precision": "fp32", "segment_seconds": 0.3, "batch_size": 2}
    exported = Separator(tmp_path / "net.onnx", **options)
    expected = Separator(weights, **options).separate(tone, 44100)
    found = exported.separate(tone, 44100)
    tolerance = 1e-4 * np.abs(expected["vocals"]).max()
    for stem, samples in expected.items():
        np.testing.assert_allclose(found[stem], samples, rtol=0, atol=tolerance)
    again = pickle.loads(pickle.dumps(exported)).separate(tone, 44100)
    np.testing.assert_array_equal(again["vocals"], found["vocals"])


@pytest.fixture
def weights(tmp_path):
    return checkpoint_of(CONFIGS[0], tmp_path / "net.safetensors")


def test_the_file_is_one_that_says_what_it_is(tmp_path, weights):
    path = tmp_path / "new" / "net.onnx"
    export_onnx(str(weights), path)
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load_model(path, load_external_data=False)
    assert model.producer_name == "vocalsep"
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(metadata.pop("config")) == config_of(build_model(CONFIGS[0]))
    assert metadata == {"licence": "CC0-1.0"}
    sizes = [dim.dim_param or dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    assert sizes == ["batch", 4, "frame", 64]
    assert list(path.parent.iterdir()) == [path]


def test_what_differs_is_not_written(tmp_path, weights, monkeypatch):
    loaded = onnx_export.load_onnx

    def doubled(path):
        model = loaded(path)
        graph = model.graph
        model.graph = lambda x: graph(x) * 1.001
        return model

    monkeypatch.setattr(onnx_export, "load_onnx", doubled)
    with pytest.raises(ModelError, match=r"differ from PyTorch's by 1\.0e-03 of their peak. Nothing was written"):
        export_onnx(str(weights), tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == [weights]


@pytest.mark.parametrize(
    "config",
    [
        {"architecture": "mel_band_roformer", **SMALL, "n_bands": 8, "width": 8, "depth": 1},
        {"architecture": "bs_roformer", "width": 8, "depth": 1},
    ],
    ids=lambda config: config["architecture"],
)
def test_networks_that_cannot_be_exported(tmp_path, config):
    weights = checkpoint_of(config, tmp_path / "net.safetensors")
    with pytest.raises(OptionError, match="turns complex numbers, which cannot be exported"):
        export_onnx(str(weights), tmp_path / "net.onnx")
    (tmp_path / "own.onnx").write_bytes(b"")
    with pytest.raises(OptionError, match="is a graph"):
        export_onnx(str(tmp_path / "own.onnx"), tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()


def test_without_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'vocalsep\[onnx\]'"):
        export_onnx(load_manifest().default, tmp_path / "net.onnx")
