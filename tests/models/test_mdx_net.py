"""The layout of the published graphs, with small ones in their place."""

import dataclasses

import numpy as np
import pytest
import torch

from helpers.onnx_graphs import node, save_graph
from vocalsep import Separator
from vocalsep.errors import CorruptWeightsError, OptionError
from vocalsep.models.architectures import build_graph_model, build_model
from vocalsep.separation.ensemble import Ensemble
from vocalsep.separation.options import SeparationOptions
from vocalsep.weights.checkpoint import load_model_file
from vocalsep.weights.ensemble_spec import parse_ensemble
from vocalsep.weights.manifest import load_manifest
from vocalsep.weights.resolve import ResolvedWeights

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

CONFIG = {"architecture": "mdx_net", "n_fft": 480, "hop_length": 64, "n_bins": 192, "compensation": 1.02}
N_SAMPLES = 255 * 64  # of one segment


@pytest.fixture
def conv():
    torch.manual_seed(0)
    return torch.nn.Conv2d(4, 4, 3, padding=1).requires_grad_(False)


@pytest.fixture
def path(tmp_path, conv):
    """A convolution in the layout of the published graphs: (batch, 4, bin, 256 frames)."""
    weights = {"weight": conv.weight.numpy(), "bias": conv.bias.numpy()}
    nodes = [node("Conv", ["x", "weight", "bias"], pads=[1, 1, 1, 1])]
    return save_graph(tmp_path / "net.onnx", nodes, ["batch", 4, 192, 256], weights=weights)


def by_hand(waveform, conv):
    """Both channels' spectrograms, real and imaginary parts by turns, through the convolution and back."""
    window = torch.hann_window(480)
    left, right = (torch.stft(channel, 480, 64, window=window, return_complex=True) for channel in waveform)
    maps = torch.stack([left.real, left.imag, right.real, right.imag])[:, :192]
    maps = 1.02 * conv(maps[None])[0]
    maps = torch.cat([maps, torch.zeros(4, 241 - 192, 256)], dim=1)
    spectrograms = torch.stack([torch.complex(maps[0], maps[1]), torch.complex(maps[2], maps[3])])
    return torch.istft(spectrograms, 480, 64, window=window, length=waveform.shape[-1])


def test_layout_bins_and_compensation(path, conv):
    waveforms = torch.randn(3, 2, N_SAMPLES, generator=torch.Generator().manual_seed(1))
    estimates = load_model_file(path, CONFIG)(waveforms)
    assert estimates.shape == (3, 1, 2, N_SAMPLES)
    for waveform, estimate in zip(waveforms, estimates, strict=True):
        torch.testing.assert_close(estimate[0], by_hand(waveform, conv), rtol=0, atol=1e-5)


@pytest.mark.parametrize("n_samples", [1, 1000, N_SAMPLES - 1])
def test_shorter_waveforms_keep_their_length(path, n_samples):
    estimate = load_model_file(path, CONFIG)(torch.randn(1, 2, n_samples))
    assert estimate.shape == (1, 1, 2, n_samples)
    assert estimate.isfinite().all()


@pytest.fixture
def known(monkeypatch, path):
    """A `Separator` of the graph as one of the manifest, which says the config."""

    def make(**config):
        config = {**CONFIG, **config}
        stems = tuple(config.get("stems", ("vocals",)))
        manifest_entry = dataclasses.replace(
            load_manifest().entry("mdx-kim2"), id="mdx-small", stems=stems, config=config, overlap=0.25
        )
        weights = ResolvedWeights(id="mdx-small", path=path, sha256="", entry=manifest_entry)
        monkeypatch.setattr("vocalsep.separation.ensemble.resolve", lambda *_, **__: weights)
        return Separator("mdx-small")

    return make


def test_segments_are_as_long_as_the_graph_takes(known, tone):
    separator = known()
    (separation,) = Ensemble(parse_ensemble("mdx-small"), SeparationOptions()).separations
    assert separation.segment == N_SAMPLES
    assert separator.precision == "fp32"
    stems = separator.separate(tone, 44100)
    np.testing.assert_allclose(stems["vocals"] + stems["accompaniment"], tone, atol=1e-6)


def test_the_vocals_of_an_instrumental_model_are_the_rest(known, tone):
    """One graph, said to give one stem or the other: the stems change places."""
    vocal = known().separate(tone, 44100)
    instrumental = known(stems=["accompaniment"]).separate(tone, 44100)
    np.testing.assert_array_equal(instrumental["accompaniment"], vocal["vocals"])
    np.testing.assert_array_equal(instrumental["vocals"], vocal["accompaniment"])
    np.testing.assert_allclose(instrumental["vocals"], tone - instrumental["accompaniment"], atol=1e-6)


def test_longer_segments_say_the_longest(path):
    model = load_model_file(path, CONFIG)
    with pytest.raises(OptionError, match=r"256 frames at once, not 257. Use segment_seconds=0\.37 or less"):
        model(torch.zeros(1, 2, N_SAMPLES + 1))


def test_a_config_of_other_bins(path):
    with pytest.raises(CorruptWeightsError, match="takes tensor"):
        load_model_file(path, {**CONFIG, "n_bins": 128})(torch.zeros(1, 2, 1000))


@pytest.mark.parametrize("change", [{"stems": ["vocals", "accompaniment"]}, {"stems": ["drums"]}, {"n_bins": 242}])
def test_configs_that_make_no_model(change):
    with pytest.raises(OptionError):
        build_model({**CONFIG, **change})


def test_without_a_graph():
    with pytest.raises(OptionError, match="vocalsep models list"):
        build_model(CONFIG)


def test_the_published_graphs_are_run_on_all_of_their_frames():
    entries = [entry for entry in load_manifest().models if entry.architecture == "mdx_net"]
    assert [entry.id for entry in entries] == ["mdx-kim2", "mdx-voc-ft", "mdx-inst-hq3"]
    for entry in entries:
        model = build_graph_model(entry.config, lambda codec, n_stems: torch.tanh)
        n_samples = round((entry.segment_seconds or model.hints.segment_seconds) * 44100)
        spectrogram = model.codec.transform(torch.zeros(1, 2, n_samples))
        assert model.codec.encode(spectrogram).shape == (1, 4, 3072, 256)
