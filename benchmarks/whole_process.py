"""Time and peak memory of ``vocalsep split``, from the start of the process to its end.

    python benchmarks/whole_process.py                                     # 3 minutes, every model in the package
    python benchmarks/whole_process.py --minutes 3 60 --models compact-v6  # does memory grow with the song?

Real-time factor: of the time that the song lasts.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from common.measure import measure, median
from common.report import print_machine, print_table

RATE = 44_100
BLOCK_SECONDS = 10
CHORDS_HZ = ((131, 165, 196), (98, 123, 147), (110, 131, 165), (87, 110, 131))


def write_song(path: Path, seconds: int, rate: int = RATE) -> None:
    """Chords under a beat of noise, stereo, of whole blocks of 10 s, in the format of the suffix; stays small."""
    rng = np.random.default_rng(0)
    time = np.arange(BLOCK_SECONDS * rate) / rate
    beat = 0.1 * np.exp(-8 * (time % 0.5))
    chords = itertools.islice(itertools.cycle(CHORDS_HZ), seconds // BLOCK_SECONDS)
    with soundfile.SoundFile(path, "w", rate, 2) as file:
        for chord in chords:
            tones = sum(0.1 * np.sin(2 * np.pi * hertz * time) for hertz in chord)
            file.write(tones[:, None] + beat[:, None] * rng.normal(size=(len(time), 2)))


def rows(options: argparse.Namespace, folder: Path) -> Iterator[list[str]]:
    """One row for each model and length."""
    for minutes in options.minutes:
        song = folder / f"{minutes}.{options.format}"
        write_song(song, 60 * minutes)
        for model in options.models:
            split = [sys.executable, "-m", "vocalsep", "split", str(song), "-o", str(folder), "--model", model]
            took = median([measure(*split, "--json", "--quiet", "--overwrite") for _ in range(options.runs)])
            said = json.loads(took.stdout)
            yield [
                model,
                said["precision"],
                f"{minutes} min {options.format}",
                f"{took.seconds:.1f}",
                f"{took.seconds / (60 * minutes):.4f}",
                f"{took.peak_mb:.0f}",
            ]


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["compact-v6", "compact-v5", "umx", "tdf", "tdsa", "tdt"])
    parser.add_argument("--minutes", nargs="+", type=int, default=[3])
    parser.add_argument("--format", choices=("wav", "flac", "mp3"), default="wav", help="of the song")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print_table(
            ["model", "precision", "song", "wall (s)", "real-time factor", "peak memory (MB)"],
            rows(options, Path(folder)),
        )
    print_machine(f"Whole process, median of {options.runs} runs.")


if __name__ == "__main__":
    main()
