"""Splits mutated files in this process: ``python mutated_inputs.py FOLDER SEED COUNT``.

Prints the number and the name of each file before it is split, so that the last line is the culprit of a crash,
and at the end a line of JSON.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import resource
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import soundfile

from faults.mutations import mutated, whole_files
from faults.quick_separator import quick_separator
from vocalsep.errors import VocalsepError

CPU_SECONDS = 20  # for one file of a quarter of a second
WALL_SECONDS = 600  # waiting for nothing; a busy machine is no fault
MEMORY_BYTES = 3 * 2**30  # beyond what there is at the start
SALVAGED = 0.3


def memory_mb() -> float:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def limit_memory() -> None:
    size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY_BYTES, resource.RLIM_INFINITY))


def limit_time() -> None:
    """Let the next file end this process if it takes too long, also in C."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))
    faulthandler.dump_traceback_later(WALL_SECONDS, exit=True)


def split(separator, path: Path, out: Path, salvage: bool) -> str:
    """What comes of a file, whose outputs are checked and removed."""
    try:
        result = separator.separate_file(path, out, salvage=salvage)
    except VocalsepError as error:
        if left := [str(path) for path in out.rglob("*")]:
            raise AssertionError(f"left {left}") from error
        return type(error).__name__
    for output in result.outputs.values():
        assert soundfile.info(output).frames == round(result.seconds * result.sample_rate)
        output.unlink()
    for folder in sorted(out.rglob("*"), reverse=True):
        folder.rmdir()  # which fails if anything else is in it
    return "done"


def main(folder: Path, seed: int, count: int) -> None:
    logging.disable()  # vocalsep's own warnings of damage: what is left on stderr is a codec's
    contents = whole_files(folder)
    separator = quick_separator()
    out = folder / "out"
    out.mkdir()
    outcomes: Counter[str] = Counter()
    memory, slowest, unexpected = [], (0.0, 0), []
    limit_memory()
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        name, data = mutated(contents, rng)
        print(number, name, flush=True)
        path = folder / f"mutated-{name}"
        path.write_bytes(data)
        limit_time()
        began = time.process_time()
        try:
            outcomes[split(separator, path, out, salvage=rng.random() < SALVAGED)] += 1
        except BaseException:
            unexpected.append({"number": number, "name": name, "traceback": traceback.format_exc()})
        slowest = max(slowest, (time.process_time() - began, number))
        path.unlink()
        memory.append(memory_mb())
    faulthandler.cancel_dump_traceback_later()
    facts = {"kinds": len(contents), "outcomes": outcomes, "slowest": slowest, "unexpected": unexpected}
    print(json.dumps({**facts, "memory_mb": memory}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
