"""Songs of held-out singers over held-out bands, to choose weights by: ``vocalsep evaluate --data folders:OUT``.

    python held_out.py REAL OUT [--lo-fi] [--first 40] [--songs 20]

REAL is what ``prepare.py`` wrote. Each song is 20 s of a recording of singing, where it is loud, over 20 s of
music; the voice is 6 dB below the band to 3 dB above it. ``--lo-fi`` makes the same songs mono at 16 kHz (and
needs scipy).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import soundfile
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import resample_poly

from vocalsep.synthesis.draw import stream

SECONDS, RATE, NARROW_RATE = 20, 44_100, 16_000


def stretch(rng: Generator, path: Path) -> NDArray[np.float32]:
    """``(sample, 2)`` of the recording, the loudest of eight places; silence follows one that is too short."""
    samples, _ = soundfile.read(path, dtype="float32", always_2d=True)
    length = SECONDS * RATE
    starts = rng.integers(0, max(1, len(samples) - length), 8)
    start = max(starts, key=lambda first: float(np.square(samples[first : first + length]).sum()))
    part = samples[start : start + length]
    return np.broadcast_to(np.pad(part, ((0, length - len(part)), (0, 0))), (length, 2))


def main() -> None:
    """Read the command line and write the songs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("real", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--lo-fi", action="store_true")
    parser.add_argument("--first", type=int, default=0, help="number of the first song: others, other songs")
    parser.add_argument("--songs", type=int, default=40)
    options = parser.parse_args()
    voices, bands = (sorted((options.real / pool / "valid").glob("*.flac")) for pool in ("voices", "music"))
    for number in range(options.first, options.first + options.songs):
        rng = stream(0, "held out", number)
        voice, band = stretch(rng, voices[number % len(voices)]), stretch(rng, bands[number % len(bands)])
        level = 10 ** (rng.uniform(-6, 3) / 20) * np.sqrt(np.square(band).mean() / np.square(voice).mean())
        gain = 0.9 / max(0.9, float(np.abs(level * voice + band).max()), float(np.abs(level * voice).max()))
        folder = options.out / f"{number:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        for stem, samples in (("vocals", gain * level * voice), ("accompaniment", gain * band)):
            if options.lo_fi:
                narrow = resample_poly(samples.mean(axis=1), NARROW_RATE, RATE)
                soundfile.write(folder / f"{stem}.wav", narrow, NARROW_RATE)
            else:
                soundfile.write(folder / f"{stem}.wav", samples, RATE)


if __name__ == "__main__":
    main()
