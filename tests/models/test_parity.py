"""The reference tensors define 'implemented'."""

import json

import pytest
import torch
from safetensors.torch import load_file

from vocalsep.models.architectures import build_model
from vocalsep.models.unet import UNet
from vocalsep.weights.published import import_published, rename_published


def relative_error(got, expected):
    return ((got - expected).norm() / expected.norm()).item()


def fixture(reference_data, name):
    tensors = load_file(reference_data / "reference" / f"{name}.safetensors")
    index = json.loads((reference_data / "reference" / "index.json").read_text())
    state = {key.removeprefix("state."): value for key, value in tensors.items() if key.startswith("state.")}
    return tensors, state, index[name]["config"]


@pytest.mark.parametrize(
    "name",
    [
        "tdf_small_l1",
        "tdf_small_l2",
        "tdf_small_odd_frames",
        "tdsa_small_l1",
        "tdsa_small_l2",
        "tdsa_small_multihead",
        "tdt_small_l1",
        "tdt_small_l2",
    ],
)
def test_unet_reproduces_the_published_network(reference_data, name):
    tensors, state, config = fixture(reference_data, name)
    architecture = name.split("_")[0]
    model = build_model(
        {
            "architecture": architecture,
            "n_fft": 2 * config["frequency_bins"],
            "hop_length": config["frequency_bins"],
            "n_bins": config["frequency_bins"],
            "depth": config["unet_depth"],
            "growth": config["growth_rate"],
            "kernel_size": config["kernel_size"],
            "layers": config["layers"],
            "bottleneck": config.get("bottleneck", 128),
            "n_heads": config.get("num_attention_heads", 1),
        }
    )
    model.load_state_dict(rename_published(state, architecture))
    with torch.inference_mode():
        output = model.network(tensors["input"])
    assert output.shape == tensors["output"].shape
    assert relative_error(output, tensors["output"]) < 1e-5


def test_open_unmix_reproduces_the_public_network(reference_data):
    tensors, state, config = fixture(reference_data, "umx_small")
    model = build_model(
        {
            "architecture": "umx",
            "n_fft": 2 * (config["nb_bins"] - 1),
            "hidden_size": config["hidden_size"],
            "max_bin": config["max_bin"],
        }
    )
    model.load_state_dict(rename_published(state, "umx"))
    with torch.inference_mode():
        output = model.network(tensors["input"])
    assert relative_error(output, tensors["output"]) < 1e-5


def test_published_tdt_checkpoint_from_waveform_to_waveform(reference_data):
    expected = load_file(reference_data / "reference" / "tdt_published_io.safetensors")
    checkpoint = import_published(reference_data / "reference" / "vocals_transformer_0511.pth", "tdt")
    model = build_model(checkpoint.config)
    model.load_state_dict(checkpoint.state)
    assert isinstance(model, UNet)
    with torch.inference_mode():
        packed = model.network(expected["spectrogram"])
        vocals = model(expected["waveform"])
    assert relative_error(packed, expected["output_spectrogram"]) < 1e-5
    assert relative_error(vocals[:, 0], expected["output_waveform"]) < 1e-5


def test_first_tdf_mask_weights(reference_data):
    weights = reference_data / "weights"
    state = load_file(weights / "first_tdf_mask.safetensors")
    # trained with the axes (bin, frame); the model's are (frame, bin)
    state = {key: value.transpose(-1, -2) if value.ndim == 4 else value for key, value in state.items()}
    model = build_model(json.loads((weights / "first_tdf_mask.json").read_text()))
    model.load_state_dict(state)
    expected = load_file(weights / "first_tdf_mask_io.safetensors")
    with torch.inference_mode():
        vocals = model(expected["waveform"])
    assert relative_error(vocals[:, 0], expected["vocals"]) < 1e-5
