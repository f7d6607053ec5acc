"""Real-time factor and peak memory of a model run by PyTorch and, exported, by onnxruntime; without files, warm.

    python benchmarks/onnx_speed.py
    python benchmarks/onnx_speed.py --model tdf.safetensors --seconds 60

Each run is a process of its own, whose memory includes Python and PyTorch.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from measure import measure
from report import print_machine, print_table


def run_here(model: str, precision: str, seconds: int, threads: int) -> None:
    """Print the real-time factor of one model."""
    from steady import real_time_factor

    from vocalsep import Separator

    separator = Separator(model, device="cpu", precision=precision, threads=threads)
    print(real_time_factor(separator.separation, seconds))


def rows(options: argparse.Namespace, graph: Path) -> Iterator[list[str]]:
    """One row for each way to run the model."""
    ways = [("PyTorch", options.model, "fp32"), ("PyTorch", options.model, "auto"), ("onnxruntime", graph, "fp32")]
    for name, model, precision in ways:
        command = [sys.executable, __file__, "--here", "--model", str(model), "--precision", precision]
        sizes = ["--seconds", str(options.seconds), "--threads", str(options.threads)]
        runs = [measure(*command, *sizes) for _ in range(options.runs)]
        factor = statistics.median(float(run.stdout) for run in runs)
        peak_mb = statistics.median(run.peak_mb for run in runs)
        yield [name, precision, f"{factor:.4f}", f"{1 / factor:.1f}", f"{peak_mb:.0f}"]


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="compact-v2", help="one that can be exported")
    parser.add_argument("--seconds", type=int, default=180, help="of audio")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--precision", default="fp32", help=argparse.SUPPRESS)
    parser.add_argument("--here", action="store_true", help="run the model once, in this process")
    options = parser.parse_args()
    if options.here:
        run_here(options.model, options.precision, options.seconds, options.threads)
        return
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "net.onnx"
        export = [sys.executable, "-m", "vocalsep", "models", "export", options.model, "-o", str(graph)]
        subprocess.run(export, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        print_table(
            ["network run by", "precision", "real-time factor", "times real time", "peak memory (MB)"],
            rows(options, graph),
        )
    about = f"{options.threads} threads, {options.seconds} s of stereo noise at 44.1 kHz"
    print_machine(f"onnxruntime {version('onnxruntime')}; CPU, {about}, median of {options.runs} runs.")


if __name__ == "__main__":
    main()
