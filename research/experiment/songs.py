"""The data of the experiment, evenly spaced picks of what `research/training-log/make.sh` makes.

    python research/experiment/songs.py WORK/train WORK/real OUT

OUT/songs has synthesised songs in ``train`` (72), ``valid`` (12) and ``test`` (6), and there five mixtures of
real voices and real bands that are in no other part; OUT/pool has 33 real voices and 33 real bands that train, and
four of each that validate.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import soundfile

T = TypeVar("T")
LEVEL = 0.08
BAND_SECONDS = 10
"""What is skipped of a band: it may begin with silence."""


def spaced(items: Sequence[T], n: int, first: int = 0) -> list[T]:
    """So many of them, from one on."""
    return [items[i * len(items) // n + first] for i in range(n)]


def link(sources: Sequence[Path], folder: Path) -> None:
    """Put files or folders into a folder without a copy of what is in them."""
    folder.mkdir(parents=True)
    for source in sources:
        if source.is_dir():
            shutil.copytree(source, folder / source.name, copy_function=os.link)
        else:
            os.link(source, folder / source.name)


def choose_songs(songs: Path, out: Path) -> None:
    """The synthesised songs of each part."""
    folders = sorted(path for path in songs.iterdir() if path.is_dir())
    for part, n, first in (("train", 72, 0), ("valid", 12, 2), ("test", 6, 3)):
        link(spaced(folders, n, first), out / part)


def choose_pool(real: Path, out: Path) -> None:
    """The real voices and bands that train and validate; they meet at random."""
    for kind in ("voices", "music"):
        files = sorted((real / kind / "train").iterdir())
        valid = spaced(files, 4, 3)
        link(spaced([file for file in files if file not in valid], 33), out / kind / "train")
        link(valid, out / kind / "valid")


def mix(real: Path, out: Path) -> None:
    """Each held-out voice over a held-out band as loud as it is."""
    voices = sorted((real / "voices" / "valid").iterdir())
    bands = spaced(sorted((real / "music" / "valid").iterdir()), len(voices), 1)
    for voice, band in zip(voices, bands, strict=True):
        vocals, rate = soundfile.read(voice, always_2d=True)
        start = BAND_SECONDS * rate
        accompaniment, _ = soundfile.read(band, start=start, frames=len(vocals), always_2d=True)
        vocals = vocals[: len(accompaniment)] * np.ones(2)  # mono to stereo
        folder = out / f"real-{voice.stem}"
        folder.mkdir()
        for stem, samples in (("vocals", vocals), ("accompaniment", accompaniment)):
            loud = LEVEL * samples / np.sqrt(np.mean(samples**2))
            soundfile.write(folder / f"{stem}.wav", loud, rate, subtype="FLOAT")


def main() -> None:
    """Read the command line and make the folders."""
    songs, real, out = map(Path, sys.argv[1:])
    choose_songs(songs, out / "songs")
    choose_pool(real, out / "pool")
    mix(real, out / "songs" / "test")


if __name__ == "__main__":
    main()
