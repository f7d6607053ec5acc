"""Seconds that the network alone takes for a segment, by PyTorch and by OpenVINO.

    pip install openvino && python benchmarks/openvino_speed.py

PyTorch in the layout that the engine takes, OpenVINO with as many segments side by side as it finds fastest.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import openvino
import torch
from common.report import print_machine, print_table
from torch import Tensor

from vocalsep.models.base import SpectrogramModel
from vocalsep.weights.checkpoint import build_from, read_checkpoint
from vocalsep.weights.onnx_export import Network, network_input
from vocalsep.weights.source import weights_of

SECONDS, RUNS = 6, 5


def median_seconds(work: Callable[[], object]) -> float:
    """Of a few runs, after one that does not count."""
    work()
    took = []
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def by_pytorch(model: SpectrogramModel, dtype: torch.dtype, x: Tensor) -> float:
    """Seconds a segment, in the layout that the engine takes."""
    layout = torch.contiguous_format if dtype in model.hints.contiguous_in else torch.channels_last
    model.to(memory_format=layout)
    x = x.to(memory_format=layout)
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        return median_seconds(lambda: model.network(x))


def by_openvino(graph: openvino.Model, precision: str, x: Tensor) -> float:
    """Seconds a segment, of as many side by side as it takes for the fastest."""
    wanted = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "THROUGHPUT"}
    compiled = openvino.Core().compile_model(graph, "CPU", wanted)
    queue = openvino.AsyncInferQueue(compiled)
    n = 2 * len(queue)

    def work() -> None:
        for _ in range(n):
            queue.start_async({0: x.numpy()})
        queue.wait_all()

    return median_seconds(work) / n


@torch.inference_mode()
def row(name: str) -> list[str]:
    """One network."""
    path, config = weights_of(name)
    model = build_from(read_checkpoint(path, config), path)
    noise = 0.1 * torch.randn(1, 2, SECONDS * model.config.sample_rate)
    x = network_input(model, noise).float().contiguous()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing
        graph = openvino.convert_model(Network(model), example_input=x)

    found = [
        by_pytorch(model, torch.float32, x),
        by_openvino(graph, "f32", x),
        by_pytorch(model, torch.bfloat16, x),
        by_openvino(graph, "bf16", x),
    ]
    return [name, *(f"{seconds:.3f}" for seconds in found)]


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["tdf", "compact-v6"])
    engines = ("PyTorch float32", "OpenVINO float32", "PyTorch bfloat16", "OpenVINO bfloat16")
    print_table(["network", *engines], map(row, parser.parse_args().models))
    print_machine(f"OpenVINO {openvino.__version__}; {SECONDS} s, median of {RUNS}.")


if __name__ == "__main__":
    main()
