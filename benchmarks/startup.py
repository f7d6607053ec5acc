"""Wall time of the commands that must answer at once, and whether they import PyTorch.

python benchmarks/startup.py
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator

from measure import measure, median
from report import print_machine, print_table

COMMANDS = (["--help"], ["models", "list"])


def imports_torch(arguments: list[str]) -> bool:
    """Whether ``vocalsep`` with these arguments imports PyTorch, as Python's own log of imports has it."""
    command = [sys.executable, "-X", "importtime", "-m", "vocalsep", *arguments]
    log = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    return bool(re.search(r"\| +torch$", log, re.MULTILINE))


def rows(runs: int) -> Iterator[list[str]]:
    """One row for each command."""
    for arguments in COMMANDS:
        has_torch = imports_torch(arguments)  # also warms the disk cache
        took = median([measure(sys.executable, "-m", "vocalsep", *arguments) for _ in range(runs)])
        yield [
            f"`vocalsep {' '.join(arguments)}`",
            f"{took.seconds:.3f}",
            f"{took.peak_mb:.0f}",
            "yes" if has_torch else "no",
        ]


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    options = parser.parse_args()
    print_table(["command", "wall (s)", "peak memory (MB)", "imports torch"], rows(options.runs))
    print_machine(f"Median of {options.runs} runs.")


if __name__ == "__main__":
    main()
