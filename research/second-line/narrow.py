"""Write the same songs mono at 16 kHz: ``python narrow.py SONGS OUT``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import soundfile
from scipy.signal import resample_poly

sys.path.insert(0, str(Path(__file__).parents[1] / "training-log"))
from held_out import NARROW_RATE


def main() -> None:
    """Read the command line and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("songs", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    for file in sorted(options.songs.glob("*/*.wav")):
        samples, rate = soundfile.read(file, always_2d=True)
        folder = options.out / file.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / file.name, resample_poly(samples.mean(axis=1), NARROW_RATE, rate), NARROW_RATE)


if __name__ == "__main__":
    main()
