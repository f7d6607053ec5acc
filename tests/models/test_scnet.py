import json

import pytest
import torch
from safetensors.torch import load_file

from vocalsep.errors import OptionError
from vocalsep.models.architectures import build_model
from vocalsep.models.scnet import Fusion
from vocalsep.weights.checkpoint import Checkpoint, build_from

SMALL = {"architecture": "scnet", "n_fft": 512, "hop_length": 128, "widths": [8, 12, 16], "depth": 4}
LARGE = {"architecture": "scnet", "widths": [64, 128, 256], "band_shares": [0.225, 0.372, 0.403]}


def small(**fields):
    torch.manual_seed(1)
    return build_model({**SMALL, **fields})


def full_size(config):
    with torch.device("meta"):
        return build_model(config)


def relative_error(got, expected):
    return ((got - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_reproduces_the_public_network(reference_data, memory_format):
    tensors = load_file(reference_data / "reference" / "scnet_small.safetensors")
    state = {key.removeprefix("state."): value for key, value in tensors.items() if key.startswith("state.")}
    model = build_from(Checkpoint(config=SMALL, state=state), "the reference").to(memory_format=memory_format)
    with torch.inference_mode():
        bottleneck = model.separation_net(tensors["bottleneck_in"])
        output = model(tensors["waveform"])
    assert relative_error(bottleneck, tensors["bottleneck_out"]) < 1e-5
    assert relative_error(output, tensors["output_waveform"]) < 1e-5


@pytest.mark.parametrize(("size", "config"), [("small", {"architecture": "scnet"}), ("large", LARGE)])
def test_public_checkpoints_have_these_keys_and_shapes(reference_data, size, config):
    index = json.loads((reference_data / "reference" / "index.json").read_text())
    expected = index["scnet_keys"]["models"][size]["state"]
    assert {key: list(tensor.shape) for key, tensor in full_size(config).state_dict().items()} == expected


@pytest.mark.parametrize(("config", "count"), [({"architecture": "scnet"}, 10_578_768), (LARGE, 42_181_232)])
def test_parameter_counts_are_the_public_ones(config, count):
    assert sum(p.numel() for p in full_size(config).parameters()) == count


def test_a_segment_is_what_the_public_weights_were_trained_on():
    model = full_size({"architecture": "scnet"})
    segment = round(model.hints.segment_seconds * model.config.sample_rate)
    assert segment == 485_100
    assert model.codec.transform(torch.zeros(2, segment)).shape[-1] == 476


@pytest.mark.parametrize("length", [1, 100, 255, 256, 383, 384, 512, 1000, 4096, 5000])
def test_the_transform_of_any_length_has_an_even_number_of_frames_and_comes_back(length):
    model, waveform = small(), torch.randn(2, length)
    spectrogram = model.codec.transform(waveform)
    assert spectrogram.shape[-1] % 2 == 0
    torch.testing.assert_close(model.codec.invert(spectrogram, length), waveform, rtol=1e-4, atol=1e-5)


def test_the_window_is_rectangular_and_the_transform_keeps_the_power():
    """A sine on bin 16 has all of a frame in it: half the amplitude times the root of the window's length."""
    time = torch.arange(4096)
    spectrogram = small().codec.transform(torch.sin(2 * torch.pi * 16 * time / 512)[None])[0, :, 10].abs()
    assert spectrogram[16] == pytest.approx(0.5 * 512**0.5, rel=1e-4)
    assert spectrogram[[15, 17]].max() < 1e-3


def test_maps_are_channel_then_part_and_stem_after_stem(monkeypatch):
    model = small()
    spectrogram = torch.randn(2, 2, 257, 4, dtype=torch.complex64)
    seen = []

    def weighted(x):
        seen.append(x)
        return torch.cat([n * x for n in range(4)], dim=1)

    monkeypatch.setattr(model, "network", weighted)
    estimates = model.estimate(spectrogram)
    torch.testing.assert_close(seen[0][:, 1], spectrogram[:, 0].imag)
    torch.testing.assert_close(seen[0][:, 2], spectrogram[:, 1].real)
    for n in range(4):
        torch.testing.assert_close(estimates[:, n], n * spectrogram)


def test_a_fusion_is_the_convolution_of_its_input_twice_over():
    fusion, x = Fusion(6), torch.randn(2, 6, 9, 10)
    twice = fusion.conv(torch.cat([x, x], dim=1))
    torch.testing.assert_close(fusion(x), torch.nn.functional.glu(twice, dim=1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n_bins", [257, 300, 513])
def test_bands_cover_all_bins_and_grow_back_to_them(n_bins):
    model = small()
    encoder, (_, up) = model.encoder[0], model.decoder[-1]
    sizes = encoder.SDlayer.sizes(n_bins)
    assert sum(sizes) == n_bins
    with torch.inference_mode():
        bands = encoder.SDlayer(torch.randn(1, 4, n_bins, 6))
        lengths = [band.shape[2] for band in bands]
        assert lengths == [sizes[0], -(-sizes[1] // 4), -(-sizes[2] // 16)]
        assert up(torch.randn(1, 8, sum(lengths), 6), lengths, sizes).shape[2] == n_bins


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("depth", 3, "odd"),
        ("kernel_size", 4, "no middle"),
        ("band_kernels", [3, 2, 16], "leave bins out"),
        ("band_depths", [1, 1], "three bands"),
    ],
)
def test_sizes_that_make_no_network_are_refused(field, value, message):
    with pytest.raises(OptionError, match=message):
        small(**{field: value})
