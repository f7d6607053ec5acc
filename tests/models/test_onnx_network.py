import pickle

import numpy as np
import pytest
import torch

from helpers.onnx_graphs import node, save_graph
from vocalsep.errors import CorruptWeightsError, OptionError
from vocalsep.models.onnx_network import OnnxNetwork

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


FREE = ["batch", 2, "frame", 4]


def same_shape(shape):
    return shape


def seconds_of(n_frames):
    return 0.1 * (n_frames - 1)


def network(path, output_shape=same_shape):
    """Of spectrograms (batch, map, frame, bin) with ten frames a second."""
    return OnnxNetwork(path, frame_axis=2, seconds_of=seconds_of, output_shape=output_shape)


def reversal(path, shape, **options):
    """A graph that turns the order of all frames round, the zeros that fill it up included."""
    ends = {"start": [-1], "end": [-(2**31)], "axes": [2], "step": [-1]}
    weights = {name: np.array(value, np.int64) for name, value in ends.items()}
    return save_graph(path, [node("Slice", ["x", *ends])], shape, weights=weights, **options)


@pytest.fixture
def x():
    return torch.randn(3, 2, 5, 4, generator=torch.Generator().manual_seed(0))


def test_free_sizes(tmp_path, x):
    reverse = network(reversal(tmp_path / "n.onnx", FREE))
    for part in (x, x[:1], x[:, :, :2]):
        torch.testing.assert_close(reverse(part), part.flip(2), rtol=0, atol=0)


def test_fewer_frames_than_fixed_are_filled_up_with_zeros_at_the_end(tmp_path, x):
    reverse = network(reversal(tmp_path / "n.onnx", ["batch", 2, 8, 4]))
    y = reverse(x)
    assert y.shape == x.shape
    # in the graph the frames are 0 1 2 3 4 - - -, turned round - - - 4 3 2 1 0
    assert not y[:, :, :3].any()
    torch.testing.assert_close(y[:, :, 3:], x[:, :, [4, 3]], rtol=0, atol=0)


def test_more_frames_than_fixed_say_the_longest_segment(tmp_path, x):
    reverse = network(reversal(tmp_path / "n.onnx", ["batch", 2, 4, 4]))
    with pytest.raises(OptionError, match=r"takes 4 frames at once, not 5. Use segment_seconds=0\.30 or less"):
        reverse(x)


@pytest.mark.parametrize("n_items", [1, 2, 4])
def test_a_fixed_number_of_items(tmp_path, x, n_items):
    reverse = network(reversal(tmp_path / "n.onnx", [n_items, 2, "frame", 4]))
    torch.testing.assert_close(reverse(x), x.flip(2), rtol=0, atol=0)


@pytest.mark.parametrize(("kind", "dtype"), [(10, torch.float16), (11, torch.float64)])
def test_the_types_of_the_graph(tmp_path, x, kind, dtype):
    y = network(reversal(tmp_path / "n.onnx", ["batch", 2, 8, 4], kind=kind))(x)
    assert y.dtype == torch.float32
    torch.testing.assert_close(y[:, :, 3:], x[:, :, [4, 3]].to(dtype).float(), rtol=0, atol=0)


def test_gradients_and_inference_mode_do_not_matter(tmp_path, x):
    reverse = network(reversal(tmp_path / "n.onnx", FREE))
    assert not reverse(x.requires_grad_()).requires_grad
    with torch.inference_mode():
        assert torch.equal(reverse(x + 0), x.flip(2))


def test_threads_follow_pytorch(tmp_path, x, monkeypatch):
    import onnxruntime

    asked = []

    class Session(onnxruntime.InferenceSession):
        def __init__(self, path, options, providers, **kwargs):
            asked.append((options.intra_op_num_threads, providers))
            super().__init__(path, options, providers, **kwargs)

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    reverse = network(reversal(tmp_path / "n.onnx", FREE))
    assert asked == []  # until it is needed
    for threads in (1, 1, 2):
        torch.set_num_threads(threads)
        reverse(x)
    assert asked == [(1, ["CPUExecutionProvider"]), (2, ["CPUExecutionProvider"])]


def test_pickled_without_its_session(tmp_path, x):
    reverse = network(reversal(tmp_path / "n.onnx", FREE))
    expected = reverse(x)
    assert torch.equal(pickle.loads(pickle.dumps(reverse))(x), expected)


def constant(path, *shape):
    """A graph that gives zeros of one shape whatever comes."""
    return save_graph(path, [node("Identity", ["zero"])], FREE, weights={"zero": np.zeros(shape, np.float32)})


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda path: reversal(path, ["batch", 2, "frame", 3]),
            r"takes tensor\(float\) .*, 3.*makes \[3, 2",
        ),
        (lambda path: reversal(path, ["batch", 2, "frame"]), "takes .* of shape"),
        (lambda path: reversal(path, FREE, kind=7), r"takes tensor\(int64\)"),
        (lambda path: constant(path, 3, 2, 5, 3), r"gives \(3, 2, 5, 3\) for .*, not \(3, 2, 5, 4"),
        (lambda path: constant(path, 3), r"gives \(3,\)"),
        (lambda path: save_graph(path, [node("NoSuchOperator", ["x"])], FREE), "cannot be run"),
        (lambda path: save_graph(path, [node("Relu", ["z"])], FREE), "cannot be run"),
        (
            lambda path: save_graph(path, [node("Reshape", ["x", "to"])], FREE, weights={"to": np.array([7, -1])}),
            "cannot be run",
        ),
    ],
    ids=["bins", "axes", "type", "output", "output axes", "operator", "name", "run"],
)
def test_graphs_that_do_not_fit(tmp_path, x, capfd, make, says):
    path = make(tmp_path / "n.onnx")
    with pytest.raises(CorruptWeightsError, match=rf"n\.onnx {says}") as caught:
        network(path)(x)
    assert "\n" not in caught.value.message
    assert capfd.readouterr() == ("", "")


def test_two_inputs(tmp_path, x):
    from onnx import helper, load_model, save_model

    path = reversal(tmp_path / "n.onnx", FREE)
    model = load_model(path)
    model.graph.input.append(helper.make_tensor_value_info("level", 1, [1]))
    save_model(model, path)
    with pytest.raises(CorruptWeightsError, match="has 2 inputs, not one"):
        network(path)(x)


def test_out_of_memory_is_said_as_pytorch_says_it(tmp_path, x):
    """So that the engine takes less at once."""
    nodes = [
        node("Shape", ["x"], "shape"),
        node("Mul", ["shape", "many"], "size"),
        node("ConstantOfShape", ["size"]),
    ]
    weights = {"many": np.array([2**20, 2**20, 1, 1])}
    path = save_graph(tmp_path / "n.onnx", nodes, FREE, weights=weights)
    with pytest.raises(torch.OutOfMemoryError):
        network(path)(x)
