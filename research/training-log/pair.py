"""Write songs of ``vocalsep data synth`` as two wav files each, three of four without their lead instrument.

    python pair.py SYNTH OUT

Two files are faster to read than the stems of a band. A lead instrument plays in nine of ten synthesised songs:
with it in all of them a network learns to doubt every voice, real ones first.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import soundfile

LEADS_KEPT = 0.25


def main() -> None:
    """Read the command line and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("synth", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    for song in sorted(options.synth.glob("song-*")):
        name = f"{options.synth.name}-{song.name}"
        folder = options.out / name
        folder.mkdir(parents=True, exist_ok=True)
        mixture, rate = soundfile.read(song / "mixture.flac", dtype="int16")
        vocals, _ = soundfile.read(song / "vocals.flac", dtype="int16")
        accompaniment = mixture.astype(np.int32) - vocals
        lead = song / "lead.flac"
        if lead.exists() and hashlib.sha256(name.encode()).digest()[0] >= 256 * LEADS_KEPT:
            accompaniment -= soundfile.read(lead, dtype="int16")[0]
        soundfile.write(folder / "vocals.wav", vocals, rate)
        clipped = np.clip(accompaniment, -(2**15), 2**15 - 1).astype(np.int16)
        soundfile.write(folder / "accompaniment.wav", clipped, rate)


if __name__ == "__main__":
    main()
