"""A network that is an ONNX graph, run by onnxruntime, which the extra ``onnx`` brings."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from vocalsep.errors import CorruptWeightsError, OptionError, is_out_of_memory
from vocalsep.system.extras import needs_extra

log = logging.getLogger("vocalsep")

_DTYPES = {"tensor(float)": torch.float32, "tensor(float16)": torch.float16, "tensor(double)": torch.float64}
_NO_OUTPUT = 4  # onnxruntime's severity "fatal": what fails is raised, and said once
_CUDA = "CUDAExecutionProvider"


def fixed_size(size: object) -> int | None:
    """The size of an axis as ONNX has it, None where any will do: a name, nothing, 0 or less."""
    return size if isinstance(size, int) and size > 0 else None


class _Graph(NamedTuple):
    """A session, and what it says of the graph's input and output."""

    session: Any
    input: str
    kind: str
    shape: tuple[int | str | None, ...]
    output: str

    @property
    def sizes(self) -> tuple[int | None, ...]:
        """Of the input, None where any will do."""
        return tuple(fixed_size(size) for size in self.shape)


class OnnxNetwork:
    """A function of tensors that runs a graph of one input, and gives the graph's first output.

    It computes in the types of the graph, on the device of its input: on CUDA where onnxruntime can, else on the
    CPU, with as many threads as PyTorch has. The session is made when it is first needed. Where the graph has a
    fixed number of frames, fewer are filled up with zeros at the end and cut off again; a fixed number of items
    is filled up alike, and more than that go through one after another.

    Args:
        path: path of the file, which holds all of the graph.
        frame_axis: axis of the frames of the input.
        seconds_of: the longest time in seconds that makes no more than a number of frames.
        output_shape: the shape of the output for that of an input.
    """

    def __init__(
        self,
        path: Path,
        *,
        frame_axis: int,
        seconds_of: Callable[[int], float],
        output_shape: Callable[[tuple[int, ...]], tuple[int, ...]],
    ) -> None:
        self.path = path
        self._frame_axis, self._seconds_of = frame_axis, seconds_of
        self._output_shape = output_shape
        self._graph: _Graph | None = None
        self._made_for: tuple[torch.device, int] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """All but the session, which cannot be pickled."""
        return {**self.__dict__, "_graph": None}

    def __call__(self, x: Tensor) -> Tensor:
        """Map a real tensor; the output is float32, on the same device.

        Raises:
            OptionError: more frames than the graph takes.
            CorruptWeightsError: the file is no graph that onnxruntime can run, or one of other shapes.
            MissingExtraError: onnxruntime is not installed.
        """
        made_for = (x.device, torch.get_num_threads())
        if self._graph is None or made_for != self._made_for:
            self._graph, self._made_for = self._new_graph(x.device), made_for
        graph = self._graph
        self._check(graph, tuple(x.shape))
        return torch.cat([self._run(graph, part) for part in x.split(graph.sizes[0] or len(x))])

    def _new_graph(self, device: torch.device) -> _Graph:
        with needs_extra("onnx"):
            import onnxruntime
        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = torch.get_num_threads(), 1
        options.log_severity_level = _NO_OUTPUT
        providers: list[Any] = ["CPUExecutionProvider"]
        if device.type == "cuda" and _CUDA in onnxruntime.get_available_providers():
            providers.insert(0, (_CUDA, {"device_id": device.index or 0}))
        try:
            session = onnxruntime.InferenceSession(str(self.path), options, providers, enable_fallback=0)
            inputs, outputs = session.get_inputs(), session.get_outputs()
            graph = _Graph(session, inputs[0].name, inputs[0].type, tuple(inputs[0].shape), outputs[0].name)
        except Exception as error:  # onnxruntime's exceptions have no class in common
            raise self._failure(error) from error
        if len(inputs) > 1:
            raise self._unfit(f"has {len(inputs)} inputs, not one")
        if device.type == "cuda" and _CUDA not in session.get_providers():
            log.warning("this onnxruntime cannot use CUDA, the network runs on the CPU: see onnxruntime-gpu")
        return graph

    def _check(self, graph: _Graph, shape: tuple[int, ...]) -> None:
        """Check that an input of ``shape`` is one for the graph."""
        fits = graph.kind in _DTYPES and len(graph.shape) == len(shape)
        if not fits or any(
            size not in (None, shape[axis])
            for axis, size in enumerate(graph.sizes)
            if axis not in (0, self._frame_axis)
        ):
            wanted = f"{graph.kind} of shape {list(graph.shape)}"
            raise self._unfit(f"takes {wanted}, and its config makes {list(shape)}")
        most = graph.sizes[self._frame_axis]
        if most is not None and shape[self._frame_axis] > most:
            seconds = math.floor(100 * self._seconds_of(most)) / 100
            raise OptionError(
                f"{self.path} takes {most} frames at once, not {shape[self._frame_axis]}",
                f"Use segment_seconds={seconds:.2f} or less.",
            )

    def _run(self, graph: _Graph, x: Tensor) -> Tensor:
        shape = tuple(x.shape)
        whole = tuple(size or length for size, length in zip(graph.sizes, shape, strict=True))
        filled = x.new_zeros(whole, dtype=_DTYPES[graph.kind], device="cpu")
        filled[tuple(map(slice, shape))] = x.detach()
        try:
            (output,) = graph.session.run([graph.output], {graph.input: filled.numpy()})
        except Exception as error:  # see above
            raise self._failure(error) from error
        wanted = self._output_shape(whole)
        if not isinstance(output, np.ndarray) or output.dtype.kind != "f" or output.shape != wanted:
            found = getattr(output, "shape", type(output).__name__)
            raise self._unfit(f"gives {found} for an input of shape {whole}, not {wanted}")
        return torch.from_numpy(output)[tuple(map(slice, self._output_shape(shape)))].float().to(x.device)

    def _failure(self, error: Exception) -> Exception:
        if is_out_of_memory(error):
            return torch.OutOfMemoryError(str(error))
        return self._unfit(f"cannot be run: {str(error).partition(chr(10))[0]}")

    def _unfit(self, problem: str) -> CorruptWeightsError:
        return CorruptWeightsError(
            f"{self.path} {problem}", "Get the file again; `vocalsep models list` shows the models there are."
        )
