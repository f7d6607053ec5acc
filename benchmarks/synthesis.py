"""How fast songs are synthesised: speech, its analysis, singing, FluidSynth, production and files, all counted.

python benchmarks/synthesis.py                         # 10 minutes from nothing, then 10 of the same speakers
python benchmarks/synthesis.py --minutes 60 --jobs 16
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import soundfile
from common.report import print_machine, print_table

from vocalsep.synthesis import synthesise


def cpu_seconds() -> float:
    """What this process and all of its children, and theirs, that ended have used."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def row(name: str, folder: Path, options: argparse.Namespace) -> list[str]:
    """Make the songs, and say what it took."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    songs = synthesise(folder, minutes=options.minutes, seed=options.seed, jobs=options.jobs)
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    seconds = sum(soundfile.info(song / "mixture.flac").duration for song in songs)
    megabytes = sum(file.stat().st_size for song in songs for file in song.iterdir()) / 1e6
    return [
        name,
        f"{len(songs)}",
        f"{seconds / 60:.1f}",
        f"{wall:.0f}",
        f"{cpu:.0f}",
        f"{seconds / cpu:.1f}",
        f"{megabytes / (seconds / 60):.0f}",
    ]


def rows(options: argparse.Namespace, folder: Path) -> Iterator[list[str]]:
    """From nothing, and again with the speakers that are analysed by then."""
    yield row("from nothing", folder, options)
    for song in folder.glob("song-*"):
        song.rename(folder / f".done-{song.name}")
    yield row("speakers known", folder, options)


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, help="default: one for each processor")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        header = ["", "songs", "minutes", "wall (s)", "CPU (s)", "minutes of music per CPU minute", "MB a minute"]
        print_table(header, rows(options, Path(folder)))
    print_machine("CPU time is that of all processes, started ones included.")


if __name__ == "__main__":
    main()
