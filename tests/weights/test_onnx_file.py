import json
import sys

import numpy as np
import pytest
import torch

from helpers.onnx_graphs import node, save_graph
from vocalsep import Separator, load_model
from vocalsep.errors import CorruptWeightsError, MissingExtraError, OptionError, OutOfMemoryError
from vocalsep.models.architectures import build_model, config_of
from vocalsep.separation.ensemble import Ensemble
from vocalsep.separation.options import SeparationOptions
from vocalsep.training.initial_weights import initial_state
from vocalsep.weights.checkpoint import Checkpoint, load_model_file, read_checkpoint, write_checkpoint
from vocalsep.weights.ensemble_spec import parse_ensemble
from vocalsep.weights.onnx_export import Network, network_input

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

CONFIG = {"architecture": "umx", "n_fft": 256, "hop_length": 64, "hidden_size": 8}
"""Of a network that maps magnitudes to magnitudes: a graph that does nothing gives the mixture back."""
SHAPE = ["batch", 2, 129, "frame"]


def nothing(path, shape=SHAPE, **options):
    return save_graph(path, [node("Identity", ["x"])], shape, **options)


@pytest.fixture
def waveform():
    return torch.randn(2, 2, 3000, generator=torch.Generator().manual_seed(0))


def test_the_config_inside_beside_or_given(tmp_path, waveform):
    inside = nothing(tmp_path / "inside.onnx", metadata={"config": json.dumps(CONFIG)})
    beside = nothing(tmp_path / "beside.onnx")
    (tmp_path / "beside.json").write_text(json.dumps(CONFIG))
    given = nothing(tmp_path / "given.onnx", metadata={"config": "{"})
    for model in (load_model(str(inside)), load_model(str(beside)), load_model_file(given, CONFIG)):
        assert config_of(model)["hidden_size"] == 8
        assert not list(model.parameters())
        torch.testing.assert_close(model(waveform)[:, 0], waveform, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (None, "does not say which model it is for"),
        ("{", "the config is not JSON"),
        ('{"architecture": "umy"}', "the config is wrong: unknown architecture 'umy'"),
    ],
)
def test_configs_of_no_use(tmp_path, config, says):
    path = nothing(tmp_path / "net.onnx", metadata={"config": config} if config else {})
    with pytest.raises(CorruptWeightsError, match=says):
        load_model_file(path)


def test_segments_are_no_longer_than_the_graph_takes(tmp_path, tone):
    path = nothing(tmp_path / "net.onnx", ["batch", 2, 129, 400], metadata={"config": json.dumps(CONFIG)})
    (separation,) = Ensemble(parse_ensemble(path), SeparationOptions()).separations
    assert separation.segment == 399 * 64
    separator = Separator(path)
    np.testing.assert_allclose(separator.separate(tone, 44100)["vocals"], tone, atol=1e-5)
    with pytest.raises(OptionError, match=r"Use segment_seconds=0\.57 or less"):
        Separator(path, segment_seconds=1).separate(tone, 44100)
    Separator(path, segment_seconds=0.57).separate(tone, 44100)


@pytest.mark.filterwarnings("ignore")  # of the exporter's age and of LSTMs, as in onnx_export
def test_scnet_as_the_public_graph_has_it(tmp_path):
    """One item of 476 frames, four stems; a song of several segments comes out as the native network has it."""
    torch.manual_seed(0)
    model = build_model({"architecture": "scnet", "widths": [4, 8, 8], "depth": 2})
    weights, path = tmp_path / "native.safetensors", tmp_path / "graph.onnx"
    write_checkpoint(weights, Checkpoint(config=config_of(model), state=model.state_dict()))
    segment = torch.zeros(1, 2, 485_100)
    torch.onnx.export(Network(model), (network_input(model, segment),), path, opset_version=17, dynamo=False)
    (tmp_path / "graph.json").write_text(json.dumps(config_of(model)))
    shape = onnx.load(path).graph.input[0].type.tensor_type.shape
    assert [size.dim_value for size in shape.dim] == [1, 4, 2049, 476]
    song = 0.1 * np.random.default_rng(0).standard_normal((2, 800_000), np.float32) + 0.01
    options = {"device": "cpu", "precision": "fp32", "batch_size": 2}
    expected = Separator(weights, **options).separate(song, 44100)["vocals"]
    found = Separator(path, **options).separate(song, 44100)["vocals"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("n_frames", [20, 21])
def test_the_longest_segment_of_a_graph_for_scnet(n_frames):
    codec = build_model({"architecture": "scnet", "n_fft": 256, "hop_length": 64}).codec
    longest = round(codec.seconds_of(n_frames) * codec.sample_rate)
    assert codec.transform(torch.zeros(longest)).shape[-1] == 20
    assert codec.transform(torch.zeros(longest + 1)).shape[-1] == 22


@pytest.mark.parametrize("frames", [-1, 0, "frames"])
def test_a_frame_axis_of_any_length(tmp_path, frames):
    path = nothing(tmp_path / "net.onnx", ["batch", 2, 129, frames], metadata={"config": json.dumps(CONFIG)})
    (separation,) = Ensemble(parse_ensemble(path), SeparationOptions()).separations
    assert separation.segment == round(separation.model.hints.segment_seconds * 44100) > 44100


def test_a_graph_of_too_few_frames_for_any_segment(tmp_path):
    path = nothing(tmp_path / "net.onnx", ["batch", 2, 129, 2], metadata={"config": json.dumps(CONFIG)})
    with pytest.raises(CorruptWeightsError, match=r"takes 2 frames at once, 0\.00 s, too few"):
        load_model_file(path)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("std::bad_alloc")])
def test_a_graph_that_finds_no_memory_is_not_called_damaged(tmp_path, monkeypatch, error):
    def full(content):
        raise error

    path = nothing(tmp_path / "net.onnx", metadata={"config": json.dumps(CONFIG)})
    monkeypatch.setattr("onnx.load_model_from_string", full)
    with pytest.raises(OutOfMemoryError, match="while reading"):
        load_model_file(path)


def test_other_precisions_are_refused(tmp_path):
    path = nothing(tmp_path / "net.onnx", metadata={"config": json.dumps(CONFIG)})
    assert {Separator(path, precision=precision).precision for precision in ("auto", "fp32")} == {"fp32"}
    for precision in ("bf16", "fp16"):
        with pytest.raises(OptionError, match=f"types of its own, not in {precision}"):
            Separator(path, precision=precision)
    with pytest.raises(OptionError, match="unknown precision 'int8'"):
        Separator(path, precision="int8")


def test_tensors_are_not_to_be_had(tmp_path):
    path = nothing(tmp_path / "net.onnx", metadata={"config": json.dumps(CONFIG)})
    with pytest.raises(OptionError, match="is a graph"):
        read_checkpoint(path)


def test_no_training_starts_from_a_graph(tmp_path):
    path = nothing(tmp_path / "net.onnx", metadata={"config": json.dumps(CONFIG)})
    with pytest.raises(OptionError, match=r"net\.onnx is a graph, which is not trained"):
        initial_state(str(path), build_model(CONFIG))


def test_networks_of_other_layouts(tmp_path):
    """A graph for each way in which shapes of input and output differ."""
    two = {"starts": np.array([0, 0]), "ends": np.array([16, 2**31]), "axes": np.array([1, 3])}
    mask = save_graph(tmp_path / "mask.onnx", [node("Slice", ["x", *two])], ["n", 24, "f", 8], weights=two)
    config = {"architecture": "tdf_mask", "n_fft": 64, "hop_length": 32, "n_bins": 32, "scales": 1}
    assert load_model_file(mask, config)(torch.randn(3, 2, 500)).shape == (3, 1, 2, 500)
    stems = save_graph(
        tmp_path / "stems.onnx",
        [node("Unsqueeze", ["x", "axis"])],
        ["n", "f", "v"],
        weights={"axis": np.array([1])},
    )
    config = {"architecture": "mel_band_roformer", "n_fft": 256, "hop_length": 64, "n_bands": 8}
    model = load_model_file(stems, config)
    assert model(torch.randn(3, 2, 500)).shape == (3, 1, 2, 500)
    with pytest.raises(CorruptWeightsError, match="gives"):
        load_model_file(stems, {**config, "stems": ["vocals", "accompaniment"]})(torch.randn(3, 2, 500))


@pytest.mark.parametrize("content", [b"", b"text, not a graph", bytes(range(256)) * 40, b"PK\x03\x04" + bytes(99)])
def test_garbage(tmp_path, content):
    path = tmp_path / "garbage.onnx"
    path.write_bytes(content)
    with pytest.raises(CorruptWeightsError, match=r"garbage\.onnx is not a whole ONNX file"):
        load_model_file(path, CONFIG)


def test_a_missing_file(tmp_path):
    with pytest.raises(CorruptWeightsError, match="No such file"):
        load_model_file(tmp_path / "none.onnx", CONFIG)


@pytest.fixture
def convolution(tmp_path):
    """A graph with weights, that bytes may be missing from."""
    weights = {"w": np.random.default_rng(0).standard_normal((2, 2, 3, 3)).astype(np.float32)}
    nodes = [node("Conv", ["x", "w"], "z", pads=[1, 1, 1, 1]), node("Relu", ["z"])]
    return save_graph(tmp_path / "conv.onnx", nodes, SHAPE, weights=weights)


@pytest.mark.parametrize("part", [0.01, 0.3, 0.6, 0.999])
def test_truncated(convolution, waveform, part):
    content = convolution.read_bytes()
    convolution.write_bytes(content[: int(part * len(content))])
    with pytest.raises(CorruptWeightsError, match=r"conv\.onnx"):
        load_model_file(convolution, CONFIG)(waveform)


def test_changed_bytes_are_refused_or_run(convolution, waveform, capfd):
    """Nothing but the named error comes of them."""
    content, refused = convolution.read_bytes(), 0
    for position in range(0, len(content), 3):
        changed = bytearray(content)
        changed[position] ^= 0xFF
        convolution.write_bytes(changed)
        try:
            load_model_file(convolution, CONFIG)(waveform)
        except CorruptWeightsError:
            refused += 1
    assert 10 < refused < len(content) / 3
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("where", ["weight", "constant", "branch", "function"])
@pytest.mark.parametrize("location", ["secret.bin", "../secret.bin", "/etc/hostname", "*/_ORT_MEM_ADDR_/*"])
def test_other_files_are_not_read(tmp_path, where, location):
    from onnx import TensorProto, helper, load_model

    secret = TensorProto(name="secret", data_type=1, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", "16")):
        secret.external_data.add(key=key, value=value)
    np.arange(4, dtype=np.float32).tofile(tmp_path / "secret.bin")
    path = nothing(tmp_path / "net.onnx")
    model = load_model(path)
    constant = helper.make_node("Constant", [], ["c"], value=secret)
    if where == "weight":
        model.graph.initializer.append(secret)
    elif where == "constant":
        model.graph.node.append(constant)
    elif where == "branch":
        branch = helper.make_graph([constant], "branch", [], [helper.make_tensor_value_info("c", 1, [4])])
        model.graph.node.append(helper.make_node("If", ["x"], ["d"], then_branch=branch, else_branch=branch))
    else:
        model.functions.append(helper.make_function("own", "f", [], ["c"], [constant], model.opset_import))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(CorruptWeightsError, match="keeps weights in other files"):
        load_model_file(path, CONFIG)


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_without_the_extra(tmp_path, monkeypatch, package):
    path = nothing(tmp_path / "net.onnx", metadata={"config": json.dumps(CONFIG)})
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"this needs {package}, .*pip install 'vocalsep\[onnx\]'"):
        Separator(path)
