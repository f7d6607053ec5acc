"""Songs of people who speak, and whose speech is sung: ``python chanted_songs.py RECORDINGS REAL BANDS OUT``.

RECORDINGS and REAL are as ``spoken.py`` takes them. BANDS is a folder of synthesised songs, whose bands play in
half of the songs; real music plays in the others. Every person of RECORDINGS, and every speaker in REAL/speakers
that a neural network made, speaks, speaks in disguise, and sings two melodies.

The vocoder of ``vocalsep data synth`` makes a voice anew from its spectrum. Here Praat moves the periods of the
recorded voice itself to other places in time (PSOLA: Moulines and Charpentier 1990), so that the network hears
singing that no vocoder has touched. The disguises are made by the vocoder. OUT/songs gets mono songs of a minute
at 16 kHz, as ``spoken.py`` makes them.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import sys
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import parselmouth
import soundfile
from numpy.typing import NDArray
from parselmouth.praat import call

from vocalsep.synthesis.draw import stream

sys.path.insert(0, str(Path(__file__).parents[2] / "research" / "training-log"))
from disguise import disguise
from prepare import HELD_OUT_SPEAKERS, RATE, decoded
from spoken import LEAST_SECONDS, SECONDS, song

FLOOR_HZ, CEILING_HZ = 65.0, 600.0
HIGHEST_HZ = 900.0
MELODIES = 2
HELD_OUT_PART = 20  # one person of so many validates
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 7, 10))
LEAST_NOTE, LONGEST_SYLLABLE = 0.06, 0.28
"""Seconds of a voiced stretch: a shorter one keeps its pitch, a longer one is sung as several notes."""


def notes(pitch: parselmouth.Pitch) -> list[tuple[float, float]]:
    """Beginnings and ends of what is sung on one note, in seconds."""
    times, frequencies = pitch.xs(), pitch.selected_array["frequency"]
    voiced = np.concatenate([[False], frequencies > 0, [False]])
    edges = np.flatnonzero(voiced[1:] != voiced[:-1]).reshape(-1, 2)
    found = []
    for first, last in edges:
        begin, end = times[first], times[last - 1]
        if end - begin >= LEAST_NOTE:
            parts = np.linspace(begin, end, int((end - begin) / LONGEST_SYLLABLE) + 2)
            found += list(itertools.pairwise(parts))
    return found


def sung(samples: NDArray[np.float64], rate: int, rng: np.random.Generator) -> NDArray[np.float64] | None:
    """The speech ``(sample,)`` on a melody, its vowels held; None where nothing in it is voiced."""
    sound = parselmouth.Sound(samples, rate)
    pitch = sound.to_pitch(0.01, FLOOR_HZ, CEILING_HZ)
    syllables = notes(pitch)
    if not syllables:
        return None
    frequencies = pitch.selected_array["frequency"]
    spoken_hz = float(np.median(frequencies[frequencies > 0]))
    home, highest = spoken_hz * 2 ** (rng.uniform(-2, 7) / 12), min(spoken_hz * 3, HIGHEST_HZ)
    scale = SCALES[int(rng.integers(len(SCALES)))]
    degree, previous, out_time = int(rng.integers(len(scale))), home, 0.0
    melody = call("Create PitchTier", "melody", 0, sound.duration)
    lengths = call("Create DurationTier", "lengths", 0, sound.duration)
    pace, vibrato_hz, vibrato_cents = rng.uniform(0.8, 1.6), rng.uniform(4.5, 6.8), rng.uniform(0, 70)
    for begin, end in syllables:
        degree = int(np.clip(degree + rng.integers(-2, 3), -4, len(scale) + 2))
        octave, step = divmod(degree, len(scale))
        hz = float(np.clip(home * 2 ** (octave + scale[step] / 12), FLOOR_HZ * 1.1, highest))
        held = pace * float(rng.choice([0.16, 0.24, 0.32, 0.48, 0.7], p=[0.25, 0.3, 0.25, 0.13, 0.07]))
        stretch = float(np.clip(held / (end - begin), 0.8, 4.0))
        for moment, factor in ((begin, 1.0), (begin + 0.01, stretch), (end - 0.01, stretch), (end, 1.0)):
            call(lengths, "Add point", moment, factor)
        glide, out_of_tune = rng.uniform(0.03, 0.12), rng.normal(0, 12)
        for moment in np.arange(begin, end, 0.005):
            since = (moment - begin) * stretch
            share = float(np.clip(since / glide, 0, 1))
            swing = vibrato_cents * np.clip((since - 0.15) / 0.2, 0, 1)
            cents = out_of_tune + swing * np.sin(2 * np.pi * vibrato_hz * (out_time + since)) + rng.normal(0, 3)
            call(melody, "Add point", moment, previous ** (1 - share) * hz**share * 2 ** (cents / 1200))
        previous, out_time = hz, out_time + (end - begin) * stretch
    manipulation = call(sound, "To Manipulation", 0.01, FLOOR_HZ, CEILING_HZ)
    call([manipulation, melody], "Replace pitch tier")
    call([manipulation, lengths], "Replace duration tier")
    voice: NDArray[np.float64] = call(manipulation, "Get resynthesis (overlap-add)").values[0]
    return voice


def speaker(path: Path) -> str:
    """Whose voice a file has."""
    return re.sub(r"-(longer|shorter|sung\d)$", "", path.stem)


def sing(path: Path, seed: int) -> None:
    """Write the melodies of a speaker next to the recording."""
    samples, rate = soundfile.read(path, always_2d=True)
    for number in range(MELODIES):
        voice = sung(samples.mean(axis=1), rate, stream(seed, path.stem, "melody", number))
        if voice is not None:
            soundfile.write(path.with_stem(f"{path.stem}-sung{number}"), voice / max(1, np.abs(voice).max()), rate)


def make_singers(path: Path, seed: int) -> None:
    """Write the disguises and the melodies of a speaker next to the recording."""
    disguise(path, seed)
    sing(path, seed)


def main() -> None:
    """Read the command line, let everyone sing, and write the songs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("real", type=Path)
    parser.add_argument("bands", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0, help="others disguise, sing and mix otherwise")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    people = options.out / "people"
    people.mkdir(parents=True, exist_ok=True)
    speech = {
        entry["id"]: options.recordings / entry["file"]
        for entry in json.loads((options.recordings / "index.json").read_text(encoding="utf-8"))
        if entry["kind"] == "speech" and entry["speaker"] not in HELD_OUT_SPEAKERS
    }
    speech |= {path.stem: path for path in sorted((options.real / "speakers").glob("kokoro_*.flac"))}
    paths = []
    for name, file in speech.items():
        samples = decoded(file, RATE)
        if samples.shape[1] >= LEAST_SECONDS * RATE:
            paths.append(people / f"{name}.flac")
            soundfile.write(paths[-1], samples.T, RATE)
    music = sorted((options.real / "music" / "train").glob("*.flac"))
    synthesised = sorted(options.bands.glob("song-*/accompaniment.wav"))
    with Pool(options.processes) as pool:
        pool.map(partial(make_singers, seed=options.seed), paths, chunksize=1)
        rng = stream(options.seed, "chanted")
        n_held_out = max(1, len(paths) // HELD_OUT_PART)
        # with every seed the same people validate
        chosen = stream(0, "chanted").choice(np.array(paths), n_held_out, replace=False)
        held_out = {path.stem for path in chosen}
        everyone = sorted(people.glob("*.flac"))
        for part in ("train", "valid"):
            theirs = [path for path in everyone if (speaker(path) in held_out) == (part == "valid")]
            order = [theirs[i] for i in rng.permutation(len(theirs))]
            n_songs = int(sum(soundfile.info(path).duration for path in order) / SECONDS) + 1
            tasks = []
            for number, group in enumerate(np.array_split(np.array(order), n_songs)):
                bands = music if number % 2 or not synthesised else synthesised
                band = bands[int(rng.integers(len(bands)))]
                tasks.append((options.seed, number, list(group), band, options.out / "songs" / part))
            pool.starmap(song, tasks, chunksize=1)


if __name__ == "__main__":
    main()
