"""What a benchmark prints: a Markdown table and the machine it is about."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a Markdown table, each row as soon as it is there; all columns but the first to the right."""
    print("|", " | ".join(header), "|")
    print("|---|" + "---:|" * (len(header) - 1))
    for row in rows:
        print("|", " | ".join(row), "|", flush=True)


def print_machine(note: str) -> None:
    """Print one line: the machine, and ``note``, how the figures were taken."""
    print(f"\n{machine()} {note}")


def machine() -> str:
    """Processor, cores and versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = f"Python {platform.python_version()}, PyTorch {version('torch')}, {platform.system()}"
    return f"{_processor()}, {cores} cores; {versions}."


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
