"""Put half of the lead instruments that `pair.py` kept through the vocoder that the voices come from.

    python vocode.py SYNTH SONGS

Whatever WORLD does to a sound must not tell a voice from an instrument. SYNTH is the folder of ``vocalsep data
synth``, SONGS the one that ``pair.py`` wrote.
"""

from __future__ import annotations

import argparse
import hashlib
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import pyworld
import soundfile
from numpy.typing import NDArray
from pair import LEADS_KEPT

SHARE = 0.5


def vocoded(lead: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """``(sample, channel)``, each channel as loud as it was."""
    mono = lead.mean(axis=1)
    f0, times = pyworld.dio(mono, rate, f0_floor=65, f0_ceil=1000, frame_period=5)
    f0 = pyworld.stonemask(mono, f0, times, rate)
    power = pyworld.cheaptrick(mono, f0, times, rate)
    aperiodicity = pyworld.d4c(mono, f0, times, rate)
    played = pyworld.synthesize(f0, power, aperiodicity, rate, 5)[: len(mono)]
    played = np.pad(played, (0, len(mono) - len(played)))
    gains = np.sqrt((lead**2).mean(axis=0) / max(1e-18, (played**2).mean()))
    return played[:, None] * gains


def replace(task: tuple[Path, Path]) -> None:
    """Take the lead of a song of SYNTH out of the accompaniment, and put the vocoded one in."""
    song, folder = task
    lead, rate = soundfile.read(song / "lead.flac")
    accompaniment, _ = soundfile.read(folder / "accompaniment.wav")
    changed = np.clip(accompaniment - lead + vocoded(lead, rate), -1, 1)
    soundfile.write(folder / "accompaniment.wav", (changed * 32767).astype(np.int16), rate)


def main() -> None:
    """Read the command line and replace."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("synth", type=Path)
    parser.add_argument("songs", type=Path)
    options = parser.parse_args()
    tasks = []
    for song in sorted(options.synth.glob("song-*")):
        name = f"{options.synth.name}-{song.name}"
        kept, chosen = hashlib.sha256(name.encode()).digest()[:2]
        if (song / "lead.flac").exists() and kept < 256 * LEADS_KEPT and chosen < 256 * SHARE:
            tasks.append((song, options.songs / name))
    with Pool() as pool:
        pool.map(replace, tasks)


if __name__ == "__main__":
    main()
