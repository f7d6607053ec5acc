"""Small ONNX graphs, made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def save_graph(
    path: Path,
    nodes: list[Any],
    shape: list[int | str],
    *,
    weights: dict[str, np.ndarray] | None = None,
    kind: int = 1,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write a graph from ``x`` of a shape to ``y``; ``kind`` is the type of both, 1 float and 10 float16."""
    from onnx import helper, numpy_helper

    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", kind, None)],
        [numpy_helper.from_array(value, name) for name, value in (weights or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata or {})
    path.write_bytes(model.SerializeToString())
    return path


def node(kind: str, inputs: list[str], output: str = "y", **attributes: Any) -> Any:
    from onnx import helper

    return helper.make_node(kind, inputs, [output], **attributes)
