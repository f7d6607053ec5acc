"""Fill a stream with synthesised songs, without end: ``python songs.py OUT --voices SPEAKERS --seed 1``.

Every song is written as two files, which are faster to read than the stems of a band. Three songs of five lose
their lead instrument: a network that hears a lead in nearly every song learns to doubt every voice. Half of the
leads that stay go through the vocoder that the voices come from: the vocoder's sound must not tell a voice from an
instrument.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from vocalsep.synthesis import synthesise_stream
from vocalsep.synthesis.draw import stream

sys.path.insert(0, str(Path(__file__).parents[2] / "research" / "training-log"))
from vocode import vocoded

LEADS_KEPT, LEADS_VOCODED = 0.4, 0.5


def pair(folder: Path, seed: int) -> None:
    """Replace the stems of a song by ``vocals.wav`` and ``accompaniment.wav``."""
    rng = stream(seed, "lead", folder.name)
    mixture, rate = soundfile.read(folder / "mixture.flac")
    vocals, _ = soundfile.read(folder / "vocals.flac")
    accompaniment = mixture - vocals
    lead_file = folder / "lead.flac"
    kept, through_vocoder = rng.random() < LEADS_KEPT, rng.random() < LEADS_VOCODED
    if lead_file.exists() and not (kept and not through_vocoder):
        lead, _ = soundfile.read(lead_file)
        accompaniment = accompaniment - lead + (vocoded(lead, rate) if kept else 0)
    for file in folder.glob("*.flac"):
        file.unlink()
    soundfile.write(folder / "vocals.wav", vocals, rate)
    soundfile.write(folder / "accompaniment.wav", np.clip(accompaniment, -1, 1), rate)


def main() -> None:
    """Read the command line and make songs until the process is told to end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--voices", type=Path, help="folder of recorded speakers")
    parser.add_argument("--keep", type=int, default=96, help="songs that may wait")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    synthesise_stream(
        options.out,
        keep=options.keep,
        seed=options.seed,
        voices=options.voices,
        finish=partial(pair, seed=options.seed),
        on_song=lambda song: print(song.name, flush=True),
    )


if __name__ == "__main__":
    main()
