"""Write songs as they are harder: ``python versions.py SONGS OUT lo-fi|soft|faint``.

lo-fi is mono at 16 kHz. soft is that too, with the low partials of the vocals raised, as in soft singing close to
the microphone. faint has the vocals 10 dB lower.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from scipy.signal import resample_poly

from vocalsep.training.augmentation import Augmentation

sys.path.insert(0, str(Path(__file__).parents[1] / "training-log"))
from held_out import NARROW_RATE

FAINT_DB = -10


def softened(vocals: NDArray[np.float32], rate: int, seed: int) -> NDArray[np.float32]:
    """``(sample, channel)``, with a slope and a frequency that the seed draws."""
    torch.manual_seed(seed)
    stems = torch.from_numpy(vocals.T.copy())[None, None]
    return Augmentation(soften=1)(stems, stems.shape[-1], rate)[0, 0].numpy().T


def main() -> None:
    """Read the command line and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("version", choices=("lo-fi", "soft", "faint"))
    options = parser.parse_args()
    for number, song in enumerate(sorted(path for path in options.songs.iterdir() if path.is_dir())):
        folder = options.out / song.name
        folder.mkdir(parents=True, exist_ok=True)
        for stem in ("vocals", "accompaniment"):
            samples, rate = soundfile.read(song / f"{stem}.wav", dtype="float32", always_2d=True)
            if stem == "vocals" and options.version == "faint":
                samples = samples * 10 ** (FAINT_DB / 20)
            if stem == "vocals" and options.version == "soft":
                samples = softened(samples, rate, number)
            if options.version != "faint":
                samples, rate = resample_poly(samples.mean(axis=1), NARROW_RATE, rate), NARROW_RATE
            soundfile.write(folder / f"{stem}.wav", samples, rate, subtype="FLOAT")


if __name__ == "__main__":
    main()
