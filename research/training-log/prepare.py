"""Sort recordings into what is trained and validated on.

    python prepare.py RECORDINGS OUT

RECORDINGS holds ``index.json``, a list of ``{"id", "pool", "file", "kind", "author", "speaker", "seconds",
"source_sample_rate"}``, and the files it names, in any format that FFmpeg reads. The kind is ``singing``,
``speech`` or ``instrumental``. An entry without a file is ``POOL/ID.opus``, and one without a rate is at 44.1 kHz.
A song whose guitar is apart (``X_backing``, ``X_guitar``) is written whole too.

OUT gets ``speakers`` (at the rate they were recorded at, for ``vocalsep data synth --voices``), ``voices`` and
``music`` (at 44.1 kHz, for ``pools:``), the latter two in ``train`` and ``valid``: what validates, trains nothing,
though other songs of one of its singers do.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import pyworld
import soundfile
from numpy.typing import NDArray

from vocalsep.synthesis.draw import stream
from vocalsep.synthesis.mixing.reverb import draw_room, impulse_response, reverberated
from vocalsep.synthesis.waveform import RATE, add_at, panned

HELD_OUT_SPEAKERS = {"vocadito_1", "crazy_toho", "choir_choir_01"}
HELD_OUT_SINGING = {"eif_caesium_lead", "eif_sodium_lead"}
HELD_OUT_AUTHORS = (
    "TAD",
    "Zane Little Music",
    "Victor Seven",
    "Hyde",
    "Ted Kerr",
    "cynicmusic",
    "Aila Scott",
)
# instrumental versions of songs, in which compact-v1 finds half minutes of voice
LEFT_OUT = {"eif_hydrogen_instrumental", "eif_francium_instrumental"}
SPEAKER_SECONDS = 20
SHORTEST_SECONDS = 5
HARMONIES = ((3, 7), (4, -5), (-3, 5), (7, -12), (12, 4), (-5, 3))


def decoded(path: Path, rate: int) -> NDArray[np.float32]:
    """``(channel, sample)`` at ``rate``, mono where both channels are the same."""
    command = ["ffmpeg", "-v", "error", "-i", path, "-f", "f32le", "-ac", "2", "-ar", str(rate), "-"]
    samples = np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32)
    stereo = samples.reshape(-1, 2).T
    return stereo[:1] if np.abs(stereo[0] - stereo[1]).max() < 1e-4 else stereo


def write(path: Path, samples: NDArray[np.float32], rate: int) -> None:
    """Write flac, without clipping."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples.T / max(1.0, np.abs(samples).max() / 0.99), rate)


def ensemble(name: str, voice: NDArray[np.float32]) -> NDArray[np.float32]:
    """The voice with itself in doubles and harmonies, by WORLD, in a room: a group of singers ``(2, sample)``."""
    rng = stream(0, name)
    mono = voice.mean(axis=0).astype(np.float64)
    f0, times = pyworld.dio(mono, RATE, f0_floor=70, f0_ceil=900, frame_period=10)
    f0 = pyworld.stonemask(mono, f0, times, RATE)
    power = pyworld.cheaptrick(mono, f0, times, RATE)
    aperiodicity = pyworld.d4c(mono, f0, times, RATE)
    group = np.zeros((2, len(mono)), np.float32)
    add_at(group, panned(mono.astype(np.float32), 0.0), 0)
    intervals = HARMONIES[int(rng.integers(len(HARMONIES)))]
    for semitones, level in ((0, 0.6), (0, 0.6), (intervals[0], 0.5), (intervals[1], 0.4)):
        wander = np.cumsum(rng.normal(0, 0.8, len(f0)))
        wander -= np.linspace(wander[0], wander[-1], len(f0))
        cents = 100 * semitones + rng.normal(0, 8) + np.clip(wander, -25, 25)
        sung = pyworld.synthesize(f0 * 2 ** (cents / 1200), power, aperiodicity, RATE, 10).astype(np.float32)
        position = float(rng.uniform(-0.9, 0.9))
        add_at(group, panned(np.float32(level) * sung, position), int(rng.integers(200, 1500)))
    response = impulse_response(rng, draw_room(rng, 0.4, 2.4))
    return group + np.float32(rng.uniform(0.05, 0.4)) * reverberated(group.mean(axis=0), response)


def write_ensemble(voice: Path) -> None:
    """Write the group of a recorded voice next to it."""
    samples, _ = soundfile.read(voice, dtype="float32", always_2d=True)
    write(voice.with_stem(f"{voice.stem}-group"), ensemble(voice.stem, samples.T), RATE)


def main() -> None:
    """Read the command line and sort."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    entries = json.loads((options.recordings / "index.json").read_text(encoding="utf-8"))
    entries = [
        entry
        for entry in entries
        if entry["id"] not in LEFT_OUT and (entry["seconds"] >= SHORTEST_SECONDS or entry["kind"] == "speech")
    ]
    soloists: list[Path] = []
    for entry in entries:
        name = entry["id"]
        file = options.recordings / (entry.get("file") or f"{entry['pool']}/{name}.opus")
        if entry["kind"] == "instrumental":
            part = "valid" if entry["author"].startswith(HELD_OUT_AUTHORS) else "train"
            write(options.out / "music" / part / f"{name}.flac", decoded(file, RATE), RATE)
            continue
        held_out = entry["speaker"] in HELD_OUT_SPEAKERS or name in HELD_OUT_SINGING
        if entry["kind"] == "singing":
            samples = decoded(file, RATE)
            voice = options.out / "voices" / ("valid" if held_out else "train") / f"{name}.flac"
            write(voice, samples, RATE)
            if not held_out:
                soloists.append(voice)
        if not held_out:
            rate = min(entry.get("source_sample_rate", RATE), RATE)
            spoken = decoded(file, rate).mean(axis=0, keepdims=True)
            longest = SPEAKER_SECONDS * rate
            for number, start in enumerate(range(0, max(spoken.shape[1] - longest // 4, 1), longest)):
                path = options.out / "speakers" / f"{name}-{number}.flac"
                write(path, spoken[:, start : start + longest], rate)
    for backing in sorted((options.out / "music" / "train").glob("*_backing.flac")):
        stem = backing.name.removesuffix("_backing.flac")
        both = [decoded(backing.with_name(f"{stem}_{part}.flac"), RATE) for part in ("backing", "guitar")]
        length = min(part.shape[1] for part in both)
        write(backing.with_name(f"{stem}_whole.flac"), both[0][:, :length] + both[1][:, :length], RATE)
    with Pool() as pool:
        pool.map(write_ensemble, soloists, chunksize=1)


if __name__ == "__main__":
    main()
