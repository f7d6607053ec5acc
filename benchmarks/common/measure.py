"""A measured child process.

The kernel counts the peak memory of a child, for `os.wait4` on Linux and macOS. On Linux the count starts at the
size of the process that starts the child: benchmarks stay small themselves, and leave PyTorch to their children.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What a child process, or the median of several, took.

    Attributes:
        seconds: wall time, from start to end.
        cpu_seconds: time of all its threads on the processor, of the program and of the system for it.
        peak_mb: most resident memory at any time, in 10^6 bytes.
        stdout: what it printed; the last one, of several.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    stdout: str


def measure(*command: str, env: Mapping[str, str] | None = None) -> Measurement:
    """Run ``command`` to its end; its stderr is ours.

    Args:
        command: program and arguments.
        env: its environment; None gives it ours.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    began = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    with child.stdout as pipe:
        stdout = pipe.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    unit = 1 if sys.platform == "darwin" else 1024
    return Measurement(
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_mb=usage.ru_maxrss * unit / 1e6,
        stdout=stdout,
    )


def median(measurements: Sequence[Measurement]) -> Measurement:
    """The median of the times, and that of the peaks."""
    return Measurement(
        seconds=statistics.median(each.seconds for each in measurements),
        cpu_seconds=statistics.median(each.cpu_seconds for each in measurements),
        peak_mb=statistics.median(each.peak_mb for each in measurements),
        stdout=measurements[-1].stdout,
    )
