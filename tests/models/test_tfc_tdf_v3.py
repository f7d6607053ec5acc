import json

import pytest
import torch
from safetensors.torch import load_file

from vocalsep.errors import OptionError
from vocalsep.models.architectures import build_model
from vocalsep.models.tfc_tdf_v3 import norm_gelu
from vocalsep.weights.checkpoint import Checkpoint, build_from, read_tensors

SMALL = {
    "architecture": "tfc_tdf_v3",
    "n_fft": 512,
    "hop_length": 64,
    "n_bins": 128,
    "width": 8,
    "growth": 8,
    "scales": 2,
}


def small():
    torch.manual_seed(1)
    return build_model(SMALL)


def full_size():
    with torch.device("meta"):
        return build_model({"architecture": "tfc_tdf_v3"})


def test_reproduces_the_public_network(reference_data):
    tensors = load_file(reference_data / "reference" / "tdf_v3_small.safetensors")
    state = {key.removeprefix("state."): value for key, value in tensors.items() if key.startswith("state.")}
    model = build_from(Checkpoint(config=SMALL, state=state), "the reference")
    with torch.inference_mode():
        output = model(tensors["input"])
    assert output.shape == tensors["output"].shape
    assert (output - tensors["output"]).norm() / tensors["output"].norm() < 1e-5


def test_public_checkpoints_have_these_keys_and_shapes(reference_data):
    expected = json.loads((reference_data / "reference" / "index.json").read_text())["tdf_v3_keys"]["shapes"]
    assert {key: list(tensor.shape) for key, tensor in full_size().state_dict().items()} == expected


def test_parameter_count_is_the_public_one():
    assert sum(p.numel() for p in full_size().parameters()) == 111_990_272


def test_a_segment_is_what_the_public_weights_were_trained_on():
    """The statistics of the normalisation are taken over the segment: 256 frames, none of them padding."""
    model = full_size()
    segment = round(model.hints.segment_seconds * model.config.sample_rate)
    assert segment == 261_120
    assert model.codec.transform(torch.zeros(2, segment)).shape[-1] == 256


def test_a_published_file_loads_and_gives_the_same(tmp_path):
    model, waveform = small(), torch.randn(1, 2, 2000)
    torch.save({"state_dict": model.state_dict()}, tmp_path / "model.ckpt")
    state, _ = read_tensors(tmp_path / "model.ckpt")
    again = build_from(Checkpoint(config=SMALL, state=state), "model.ckpt")
    with torch.inference_mode():
        assert torch.equal(again(waveform), model(waveform))


def test_normalisation_is_that_of_each_channel_of_each_item():
    ours, theirs = norm_gelu(6, torch.nn.Identity()), torch.nn.InstanceNorm2d(6, affine=True)
    torch.nn.init.normal_(ours[0].weight)
    torch.nn.init.normal_(ours[0].bias)
    theirs.load_state_dict(ours[0].state_dict())
    x = 3 + 5 * torch.randn(2, 6, 7, 8)
    torch.testing.assert_close(ours(x), torch.nn.functional.gelu(theirs(x)), rtol=1e-5, atol=1e-5)


def test_maps_are_channel_then_part_then_band(monkeypatch):
    model = small()
    spectrogram = torch.randn(2, 2, 257, 5, dtype=torch.complex64)
    seen = []

    def doubled(x):
        seen.append(x)
        return torch.cat([x, 2 * x], dim=1)

    monkeypatch.setattr(model, "network", doubled)
    estimates = model.estimate(spectrogram)
    assert seen[0].shape == (2, 16, 8, 32)  # five frames, padded to a multiple of four
    for channel in range(2):
        for part, values in enumerate((spectrogram.real, spectrogram.imag)):
            for band in range(4):
                expected = values[:, channel, 32 * band : 32 * (band + 1)].transpose(1, 2)
                torch.testing.assert_close(seen[0][:, 8 * channel + 4 * part + band, :5], expected)
    torch.testing.assert_close(estimates[:, 0, :, :128], spectrogram[:, :, :128])
    torch.testing.assert_close(estimates[:, 1, :, :128], 2 * spectrogram[:, :, :128])
    assert estimates[:, :, :, 128:].eq(0).all()


def test_silence_gives_silence():
    with torch.inference_mode():
        assert small()(torch.zeros(1, 2, 4000)).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [("n_bins", 100, "does not divide"), ("n_bins", 512, "no 512 bins"), ("stems", [], "one stem or more")],
)
def test_sizes_that_make_no_network_are_refused(field, value, message):
    with pytest.raises(OptionError, match=message):
        build_model({**SMALL, field: value})


def test_bfloat16_leaves_the_first_scales_exact():
    torch.manual_seed(0)
    model = build_model({"architecture": "tfc_tdf_v3", "width": 16, "growth": 16})  # of the public depth
    waveform = 0.1 * torch.randn(1, 2, 44_100)
    with torch.inference_mode():
        exact = model(waveform)[:, 0]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            reduced = model(waveform)[:, 0].float()
    difference = 10 * torch.log10((reduced - exact).square().sum() / exact.square().sum())
    assert -50 < difference < -32  # noise is harder than music; -24 dB where all scales are reduced
