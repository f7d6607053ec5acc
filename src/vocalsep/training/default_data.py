"""What a run is trained on when nothing is said: MUSDB18-HQ where it is, else songs that are synthesised once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from vocalsep.datasets.dataset import CombinedDataset, Dataset, data_folder, open_dataset
from vocalsep.datasets.folders import Folders
from vocalsep.datasets.musdb18hq import Musdb18hq

log = logging.getLogger("vocalsep")

SYNTH_MINUTES = 12.0
_SYNTH_SEED = 0
_SYNTH_SONG_SECONDS = 60.0


def training_dataset(specs: Sequence[str], progress: Callable[[float, float], None] | None = None) -> Dataset:
    """Open the data sets of specs, see `vocalsep.datasets.dataset.open_dataset`, or the default one.

    Args:
        specs: names of data sets that are taken together. ``synth`` is `SYNTH_MINUTES` of songs, which are made
            the first time and kept in the folder for data. None takes MUSDB18-HQ where ``vocalsep data fetch``
            put it, else ``synth``.
        progress: called with the seconds of song that are made and those there will be.

    Raises:
        OptionError: no such data set.
        DatasetError: nothing is there.
        MissingToolError: songs have to be made, and a program for it is missing.
    """
    if not specs:
        return _default(progress)
    opened = [_synthesised(progress) if spec == "synth" else open_dataset(spec) for spec in specs]
    return opened[0] if len(opened) == 1 else CombinedDataset(tuple(opened))


def _default(progress: Callable[[float, float], None] | None) -> Dataset:
    fetched = data_folder() / "musdb18hq"
    if (fetched / "train").is_dir():
        return Musdb18hq(fetched)
    log.warning(
        "no MUSDB18-HQ in %s: training on %.0f minutes of synthesised songs in %s",
        fetched,
        SYNTH_MINUTES,
        _synth_folder(),
    )
    return _synthesised(progress)


def _synth_folder() -> Path:
    return data_folder() / "synth"


def _synthesised(progress: Callable[[float, float], None] | None) -> Dataset:
    """The songs that are made once: those that are there already are kept."""
    from vocalsep.synthesis import synthesise

    folder = _synth_folder()
    synthesise(
        folder, minutes=SYNTH_MINUTES, seed=_SYNTH_SEED, song_seconds=_SYNTH_SONG_SECONDS, progress=progress
    )
    return Folders("synth", folder)
