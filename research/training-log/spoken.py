"""Songs that are spoken: people as they were recorded, and disguised, over real music, mono at 16 kHz.

    python spoken.py RECORDINGS REAL OUT [--seed 7]

RECORDINGS is as `prepare.py` takes it, REAL what that wrote. Most speech ends at 8 kHz: so does the music here, or
the end of the band would tell the voice. A song is a minute of several people, each alone for some seconds, 6 dB
below the music to 9 dB above it.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import soundfile
from disguise import disguise
from held_out import NARROW_RATE
from numpy.typing import NDArray
from prepare import HELD_OUT_SPEAKERS, RATE, decoded
from scipy.signal import resample_poly

from vocalsep.synthesis.draw import stream

SECONDS = 60
LEAST_SECONDS = 2


def narrowed(path: Path) -> NDArray[np.float32]:
    """``(sample,)`` of the recording at 44.1 kHz, without what is above 8 kHz."""
    narrow = resample_poly(decoded(path, RATE).mean(axis=0), NARROW_RATE, RATE)
    return resample_poly(narrow, RATE, NARROW_RATE).astype(np.float32)


def level(samples: NDArray[np.float32]) -> float:
    """Root mean square."""
    return float(np.sqrt(np.square(samples).mean())) + 1e-6


def song(seed: int, number: int, people: list[Path], music: Path, out: Path) -> None:
    """Write one: the people one after the other, each at a level of its own, until the minute is full."""
    rng = stream(seed, "spoken", number)
    band = narrowed(music)
    band = np.resize(band, max(len(band), SECONDS * RATE))
    start = int(rng.integers(len(band) - SECONDS * RATE + 1))
    band = band[start : start + SECONDS * RATE]
    voices = np.concatenate(
        [voice / level(voice) * np.float32(10 ** (rng.uniform(-6, 9) / 20)) for voice in map(narrowed, people)]
    )
    voices = np.resize(voices, len(band)) * level(band)
    gain = 0.9 / max(0.9, float(np.abs(voices + band).max()), float(np.abs(voices).max()))
    folder = out / f"{number:03d}"
    folder.mkdir(parents=True, exist_ok=True)
    for stem, samples in (("vocals", voices), ("accompaniment", band)):
        soundfile.write(folder / f"{stem}.wav", gain * np.stack([samples, samples], axis=1), RATE)


def main() -> None:
    """Read the command line, disguise, and write the songs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("real", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0, help="others disguise the people and mix them otherwise")
    options = parser.parse_args()
    people = options.out / "people"
    people.mkdir(parents=True, exist_ok=True)
    paths = []
    for entry in json.loads((options.recordings / "index.json").read_text(encoding="utf-8")):
        if entry["kind"] == "speech" and entry["speaker"] not in HELD_OUT_SPEAKERS:
            samples = decoded(options.recordings / entry["file"], RATE)
            if samples.shape[1] >= LEAST_SECONDS * RATE:
                paths.append(people / f"{entry['id']}.flac")
                soundfile.write(paths[-1], samples.T, RATE)
    bands = sorted((options.real / "music" / "train").glob("*.flac"))
    with Pool() as pool:
        pool.map(partial(disguise, seed=options.seed), paths, chunksize=1)
        everyone = sorted(people.glob("*.flac"))
        order = [everyone[i] for i in stream(options.seed, "spoken").permutation(len(everyone))]
        groups = np.array_split(np.array(order), sum(soundfile.info(p).duration for p in order) // SECONDS + 1)
        tasks = [
            (options.seed, number, list(group), bands[number % len(bands)], options.out / "songs")
            for number, group in enumerate(groups)
        ]
        pool.starmap(song, tasks, chunksize=1)


if __name__ == "__main__":
    main()
