"""Real-time factor and peak memory of each model in the engine, without files, warm.

    python benchmarks/model_alone.py
    python benchmarks/model_alone.py --models compact-v6 tdt --precisions bf16
    python benchmarks/model_alone.py --models umx --wiener 1

Each run is a process of its own, whose memory includes Python and PyTorch.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator

from common.measure import measure
from common.report import print_machine, print_table


def run_here(model: str, precision: str, seconds: int, wiener: int) -> None:
    """Print the real-time factor of one model."""
    from common.steady import real_time_factor

    from vocalsep.separation.ensemble import Ensemble
    from vocalsep.separation.options import SeparationOptions
    from vocalsep.weights.ensemble_spec import parse_ensemble

    options = SeparationOptions(device="cpu", precision=precision, wiener=wiener)
    (separation,) = Ensemble(parse_ensemble(model), options).separations
    print(real_time_factor(separation, seconds))


def rows(options: argparse.Namespace) -> Iterator[list[str]]:
    """One row for each model and precision."""
    for model in options.models:
        for precision in options.precisions:
            command = [sys.executable, __file__, "--here", "--models", model, "--precisions", precision]
            command += ["--seconds", str(options.seconds), "--wiener", str(options.wiener)]
            runs = [measure(*command) for _ in range(options.runs)]
            factor = statistics.median(float(run.stdout) for run in runs)
            peak_mb = statistics.median(run.peak_mb for run in runs)
            yield [model, precision, f"{factor:.4f}", f"{1 / factor:.1f}", f"{peak_mb:.0f}"]


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["compact-v6", "compact-v5", "umx", "tdf", "tdsa", "tdt"])
    parser.add_argument("--precisions", nargs="+", choices=("fp32", "bf16"), default=["fp32", "bf16"])
    parser.add_argument("--seconds", type=int, default=180, help="of audio")
    parser.add_argument("--wiener", type=int, default=0, help="iterations of the Wiener filter")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--here", action="store_true", help="run the one model once, in this process")
    options = parser.parse_args()
    if options.here:
        run_here(options.models[0], options.precisions[0], options.seconds, options.wiener)
        return
    print_table(
        ["model", "precision", "real-time factor", "times real time", "peak memory (MB)"],
        rows(options),
    )
    print_machine(f"CPU, {options.seconds} s of stereo noise at 44.1 kHz, median of {options.runs} runs.")


if __name__ == "__main__":
    main()
