"""Many songs through one ``vocalsep split``: the share of the time in which the network computes.

    python benchmarks/many_files.py                  # 20 songs of 25 s, --jobs 1 and --jobs 2, on all cores
    python benchmarks/many_files.py --format mp3     # which take longer to decode
    python benchmarks/many_files.py --cluster        # also two processes of half the cores each, on a local Ray

"Network alone" is the time that the engine takes for as much audio on all cores, once it is warm, from blocks in
memory: STFT, network, inverse and overlap-add, one song after the other. *Efficiency* is that over the wall time
of the whole process, from its start to its end. *Steady* is the same of what is added to a run with as many
songs as jobs: without the start, the imports and the loading. Above 1 means that songs side by side make better
use of the cores than one does. Memory is the peak of the process; of Ray's processes it is not known.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import soundfile
from common.measure import Measurement, measure, median
from common.report import print_machine, print_table
from whole_process import write_song


def write_songs(folder: Path, songs: int, seconds: int, suffix: str) -> list[str]:
    """Excerpts of one minute of music, each from another place."""
    write_song(folder / "whole.wav", 60)
    samples, rate = soundfile.read(folder / "whole.wav", dtype="int16")
    paths = [folder / f"{i:02d}.{suffix}" for i in range(songs)]
    for i, path in enumerate(paths):
        start = i * (len(samples) - seconds * rate) // songs
        soundfile.write(path, samples[start : start + seconds * rate], rate)
    return [str(path) for path in paths]


def network_here(seconds: int) -> None:
    """Print the seconds that the engine takes for one song."""
    from common.steady import real_time_factor

    from vocalsep.separation.ensemble import Ensemble
    from vocalsep.separation.options import SeparationOptions
    from vocalsep.weights.ensemble_spec import parse_ensemble

    (separation,) = Ensemble(parse_ensemble(None), SeparationOptions(device="cpu")).separations
    print(seconds * statistics.median(real_time_factor(separation, seconds) for _ in range(5)))


def rows(options: argparse.Namespace, folder: Path) -> Iterator[list[str]]:
    """One row for each number of jobs."""
    songs = write_songs(folder, options.songs, options.seconds, options.format)
    one_song = float(measure(sys.executable, __file__, "--here", "--seconds", str(options.seconds)).stdout)

    def split(songs: list[str], *arguments: str) -> Measurement:
        command = [sys.executable, "-m", "vocalsep", "split", *songs, "-o", str(folder / "out"), "-d", "cpu"]
        return median([measure(*command, "--overwrite", "-q", *arguments) for _ in range(options.runs)])

    ways = [(f"--jobs {jobs}", jobs) for jobs in options.jobs]
    ways += [("--cluster ray --jobs 2", 2)] if options.cluster else []
    for way, jobs in ways:
        few, all_songs = split(songs[:jobs], *way.split()), split(songs, *way.split())
        added = one_song * (len(songs) - jobs) / (all_songs.seconds - few.seconds)
        yield [
            way,
            f"{all_songs.seconds:.1f}",
            f"{one_song * len(songs):.1f}",
            f"{one_song * len(songs) / all_songs.seconds:.2f}",
            f"{added:.2f}",
            "-" if "--cluster" in way else f"{all_songs.peak_mb:.0f}",
        ]


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=20, help="more than jobs")
    parser.add_argument("--seconds", type=int, default=25, help="of each, below 60")
    parser.add_argument("--format", choices=("wav", "flac", "mp3"), default="wav", help="of the songs")
    parser.add_argument("--jobs", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--cluster", action="store_true", help="also with --cluster ray")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--here", action="store_true", help="time the network in this process")
    options = parser.parse_args()
    if options.here:
        network_here(options.seconds)
        return
    with tempfile.TemporaryDirectory() as folder:
        print_table(
            ["way", "wall (s)", "network alone (s)", "efficiency", "steady", "peak memory (MB)"],
            rows(options, Path(folder)),
        )
    print_machine(
        f"{options.songs} songs of {options.seconds} s, {options.format}; median of {options.runs} runs."
    )


if __name__ == "__main__":
    main()
