"""Make singers of the singers there are: each recording again, in other keys, by throats of other lengths.

    python disguise.py VOICES [--seed 7]

VOICES holds flac files; each without ``-group`` in its name gets two more beside it, by WORLD, others with another
seed. A throat that is shorter by a tenth moves every formant up by a tenth (Fant 1960, "Acoustic Theory of Speech
Production").
"""

from __future__ import annotations

import argparse
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import pyworld
import soundfile
from numpy.typing import NDArray

from vocalsep.synthesis.draw import stream

FRAME_MS = 5
SINGERS = {"longer": (0.80, 0.92), "shorter": (1.09, 1.25)}
"""Ranges of the factor that formants are moved by."""
KEYS = {"longer": (-5, 0), "shorter": (0, 5)}
"""Ranges of the shift in semitones: longer throats tend to lower voices."""


def moved(envelope: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """``(frame, bin)`` with every formant at ``factor`` times its frequency."""
    bins = np.arange(envelope.shape[1])
    logarithm = np.log(envelope)
    return np.exp(np.stack([np.interp(bins / factor, bins, frame) for frame in logarithm]))


def disguise(path: Path, seed: int) -> None:
    """Write both singers of a recording."""
    samples, rate = soundfile.read(path, always_2d=True)
    mono = np.ascontiguousarray(samples.mean(axis=1))
    f0, times = pyworld.dio(mono, rate, f0_floor=65, f0_ceil=1000, frame_period=FRAME_MS)
    f0 = pyworld.stonemask(mono, f0, times, rate)
    envelope = pyworld.cheaptrick(mono, f0, times, rate)
    aperiodicity = pyworld.d4c(mono, f0, times, rate)
    for name, factors in SINGERS.items():
        rng = stream(seed, path.stem, name)
        factor, semitones = rng.uniform(*factors), rng.uniform(*KEYS[name])
        sung = pyworld.synthesize(
            f0 * 2 ** (semitones / 12), moved(envelope, factor), aperiodicity, rate, FRAME_MS
        )
        sung *= np.sqrt((mono**2).mean() / max(1e-12, (sung**2).mean()))
        partial_file = path.with_name(f".{path.stem}-{name}.flac")  # hidden from a trainer that reads the folder
        soundfile.write(partial_file, sung / max(1.0, np.abs(sung).max() / 0.99), rate)
        partial_file.replace(path.with_stem(f"{path.stem}-{name}"))


def main() -> None:
    """Read the command line and disguise every recording."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("voices", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    made = ("-group", *(f"-{name}" for name in SINGERS))
    paths = [path for path in sorted(options.voices.glob("*.flac")) if not path.stem.endswith(made)]
    with Pool() as pool:
        pool.map(partial(disguise, seed=options.seed), paths, chunksize=1)


if __name__ == "__main__":
    main()
