"""Splits file after file in one process: ``python soak.py FOLDER COUNT``; prints a line of JSON.

Files of every kind into every format, with the default model; each fifth is cut short.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

from faults.mutations import whole_files
from vocalsep.api import Separator
from vocalsep.audio.formats import OutputFormat
from vocalsep.errors import InputError

CONTAINERS = ("wav", "flac", "mp3", "ogg", "opus", "m4a")


def main(folder: Path, count: int) -> None:
    torch.set_num_threads(1)
    logging.getLogger("vocalsep").setLevel(logging.ERROR)  # without the warnings of what is mended
    contents = whole_files(folder)
    separator = Separator(device="cpu")
    measured: dict[str, list[float]] = {"memory_mb": [], "descriptors": [], "threads": []}
    failed = 0
    for number in range(count):
        name = list(contents)[number % len(contents)]
        data = contents[name]
        path = folder / f"song-{name}"
        path.write_bytes(data[: len(data) // 2] if number % 5 == 4 else data)
        format = OutputFormat(container=CONTAINERS[number % len(CONTAINERS)])
        try:
            separator.separate_file(path, folder / "out", format=format)
        except InputError:
            failed += 1
        shutil.rmtree(folder / "out", ignore_errors=True)
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        measured["memory_mb"].append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
        measured["descriptors"].append(len(list(Path("/proc/self/fd").iterdir())))
        measured["threads"].append(threading.active_count())
    print(json.dumps({"failed": failed, **measured}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
