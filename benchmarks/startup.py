"""Time of the commands that must answer at once, and whether they import PyTorch.

python benchmarks/startup.py
python benchmarks/startup.py --before ../other-checkout/src     (both in alternation)
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from common.measure import Measurement, measure, median
from common.report import print_machine, print_table

COMMANDS = (["--help"], ["--version"], ["split", "--help"], ["models", "list"])
HERE = Path(__file__).parents[1] / "src"


def run(source: Path, arguments: list[str]) -> Measurement:
    """One run of ``vocalsep`` of a source tree."""
    return measure(sys.executable, "-m", "vocalsep", *arguments, env={**os.environ, "PYTHONPATH": str(source)})


def imports_torch(arguments: list[str]) -> bool:
    """Whether ``vocalsep`` with these arguments imports PyTorch, as Python's own log of imports has it."""
    command = [sys.executable, "-X", "importtime", "-m", "vocalsep", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    log = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stderr
    return bool(re.search(r"\| +torch$", log, re.MULTILINE))


def rows(runs: int, before: Path | None) -> Iterator[list[str]]:
    """One row for each command."""
    sources = [HERE] if before is None else [HERE, before]
    for arguments in COMMANDS:
        for source in sources:  # bytecode and disk cache
            run(source, arguments)
        taken: dict[Path, list[Measurement]] = {source: [] for source in sources}
        for _ in range(runs):
            for source in sources:
                taken[source].append(run(source, arguments))
        here, *other = (median(each) for each in taken.values())
        yield [
            f"`vocalsep {' '.join(arguments)}`",
            f"{here.seconds:.3f}",
            f"{here.cpu_seconds:.3f}",
            *(
                text
                for each in other
                for text in (f"{each.cpu_seconds:.3f}", f"{here.cpu_seconds / each.cpu_seconds:.2f}")
            ),
            f"{here.peak_mb:.0f}",
            "yes" if imports_torch(arguments) else "no",
        ]


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--before", type=Path, metavar="SRC", help="source folder of an earlier version")
    options = parser.parse_args()
    compared = ["CPU before (s)", "ratio"] if options.before else []
    print_table(
        ["command", "wall (s)", "CPU (s)", *compared, "peak memory (MB)", "imports torch"],
        rows(options.runs, options.before),
    )
    print_machine(f"Medians of {options.runs} runs.")


if __name__ == "__main__":
    main()
