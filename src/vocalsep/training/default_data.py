"""What a run is trained on when nothing is said: MUSDB18-HQ where it is, else songs that are synthesised once."""

from __future__ import annotations

import logging
from collections.abc import Callable

from vocalsep.datasets.sources import Dataset, Folders, Musdb18hq, data_folder, open_dataset

log = logging.getLogger("vocalsep")

SYNTH_MINUTES = 12.0
_SYNTH_SEED = 0
_SYNTH_SONG_SECONDS = 60.0


def training_dataset(spec: str | None, progress: Callable[[float, float], None] | None = None) -> Dataset:
    """Open the data set of a spec, see `vocalsep.datasets.sources.open_dataset`, or the default one.

    Args:
        spec: None takes MUSDB18-HQ where ``vocalsep data fetch`` put it, else ``synth``: `SYNTH_MINUTES` of songs,
            which are made the first time and kept in the folder for data.
        progress: called with the seconds of song that are made and those there will be.

    Raises:
        OptionError: no such data set.
        DatasetError: nothing is there.
        MissingToolError: songs have to be made, and a program for it is missing.
    """
    fetched = data_folder() / "musdb18hq"
    if spec is None and (fetched / "train").is_dir():
        return Musdb18hq(fetched)
    if spec not in (None, "synth"):
        return open_dataset(spec)
    folder = data_folder() / "synth"
    if spec is None:
        log.warning(
            "no MUSDB18-HQ in %s: training on %.0f minutes of synthesised songs in %s",
            fetched,
            SYNTH_MINUTES,
            folder,
        )
    from vocalsep.training.synthesis import synthesise

    # songs that are there already are kept
    synthesise(
        folder, minutes=SYNTH_MINUTES, seed=_SYNTH_SEED, song_seconds=_SYNTH_SONG_SECONDS, progress=progress
    )
    return Folders("synth", folder)
