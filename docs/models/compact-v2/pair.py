"""Write songs of ``vocalsep data synth`` as two wav files each: faster to read than the flac files of all stems.

python pair.py SYNTH OUT
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import soundfile


def main() -> None:
    """Read the command line and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("synth", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    for song in sorted(options.synth.glob("song-*")):
        folder = options.out / f"{options.synth.name}-{song.name}"
        folder.mkdir(parents=True, exist_ok=True)
        mixture, rate = soundfile.read(song / "mixture.flac", dtype="int16")
        vocals, _ = soundfile.read(song / "vocals.flac", dtype="int16")
        accompaniment = np.clip(mixture.astype(np.int32) - vocals, -(2**15), 2**15 - 1).astype(np.int16)
        soundfile.write(folder / "vocals.wav", vocals, rate)
        soundfile.write(folder / "accompaniment.wav", accompaniment, rate)


if __name__ == "__main__":
    main()
