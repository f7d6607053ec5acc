"""What a data set is, and how one is opened by its spec."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from platformdirs import user_data_path

from vocalsep.datasets.folders import Folders
from vocalsep.datasets.musdb18hq import MUSDB18HQ_VALIDATION, Musdb18hq
from vocalsep.datasets.parts import Split
from vocalsep.datasets.pools import Pools
from vocalsep.datasets.stream import Stream
from vocalsep.datasets.track import Track
from vocalsep.errors import NoTracksError, OptionError

_AND = " + "


class Dataset(Protocol):
    """Tracks in parts: ``train``, ``valid``, ``test``, and ``all`` of them."""

    @property
    def spec(self) -> str:
        """What `open_dataset` makes it of."""
        ...

    @property
    def has_test(self) -> bool:
        """Whether there is a part that is neither trained nor validated on."""
        ...

    def tracks(self, split: Split) -> list[Track]:
        """The tracks of a part, whose headers are read.

        Raises:
            NoTracksError: there are none.
            UnfitTrackError: the files of one do not go together.
            InputError: a file is damaged.
        """
        ...


def data_folder() -> Path:
    """The folder of data sets that are named without one: ``VOCALSEP_DATA``, or the user's folder for data.

    Raises:
        OptionError: neither is there.
    """
    chosen = os.environ.get("VOCALSEP_DATA")
    if chosen:
        return Path(chosen)
    folder = user_data_path("vocalsep")
    if not folder.is_absolute():
        raise OptionError("there is no home folder to keep data sets in", "Set VOCALSEP_DATA to a folder.")
    return folder / "data"


def open_dataset(spec: str) -> Dataset:
    """Open a data set; nothing of it is read yet.

    Args:
        spec: ``musdb18hq:ROOT`` (or ``musdb18hq``, in `data_folder`), ``folders:ROOT``, ``synth:ROOT``,
            ``stream:ROOT``, ``pools:VOCALS,ACCOMPANIMENT``, or a folder, which is MUSDB18-HQ where it has its
            parts and names; or several of these with `` + `` between them.

    Raises:
        OptionError: the spec names no data set.
        NoTracksError: the folder is not there.

    Example:
        >>> open_dataset("pools:voices")
        Traceback (most recent call last):
        vocalsep.errors.OptionError: 'pools:voices' needs two folders. Write pools:VOCALS,ACCOMPANIMENT.
    """
    if _AND in spec:
        return CombinedDataset(tuple(open_dataset(each) for each in spec.split(_AND)))
    kind, colon, rest = spec.partition(":")
    if not colon and kind == "musdb18hq":
        return Musdb18hq(_folder(data_folder() / "musdb18hq"))
    if kind == "musdb18hq" and rest:
        return Musdb18hq(_folder(Path(rest)))
    if kind in ("folders", "synth") and rest:
        return Folders(kind, _folder(Path(rest)))
    if kind == "stream" and rest:
        return Stream(_folder(Path(rest)))
    if kind == "pools":
        folders = rest.split(",")
        if len(folders) != 2 or not all(folders):
            raise OptionError(f"'{spec}' needs two folders", "Write pools:VOCALS,ACCOMPANIMENT.")
        return Pools(_folder(Path(folders[0])), _folder(Path(folders[1])))
    if not spec or not Path(spec).is_dir():
        raise OptionError(
            f"no data set is called '{spec}', and no folder",
            "Give a folder, musdb18hq:ROOT, folders:ROOT, synth:ROOT, stream:ROOT or pools:VOCALS,ACCOMPANIMENT.",
        )
    if any((Path(spec) / "train" / name).is_dir() for name in MUSDB18HQ_VALIDATION):
        return Musdb18hq(Path(spec))
    return Folders("folders", Path(spec))


@dataclass(frozen=True, slots=True)
class CombinedDataset:
    """Data sets taken together, track by track."""

    datasets: tuple[Dataset, ...]

    @property
    def spec(self) -> str:
        """What `open_dataset` makes it of."""
        return _AND.join(dataset.spec for dataset in self.datasets)

    @property
    def has_test(self) -> bool:
        """Whether any has a part to test on."""
        return any(dataset.has_test for dataset in self.datasets)

    def tracks(self, split: Split) -> list[Track]:
        """The tracks of a part of each, their names behind its number; see `Dataset.tracks`.

        Of ``test``, those that have no such part give none, where others do.
        """
        return [
            dataclasses.replace(track, name=f"{number}/{track.name}")
            for number, dataset in enumerate(self.datasets, start=1)
            if split != "test" or dataset.has_test or not self.has_test
            for track in dataset.tracks(split)
        ]


def parts_of(dataset: Dataset) -> tuple[Dataset, ...]:
    """The data sets that were put together, in their order; of one that was not, itself."""
    return dataset.datasets if isinstance(dataset, CombinedDataset) else (dataset,)


def without_folders(spec: str) -> str:
    """A spec with folders by their last names alone: what is shared names nobody's folders.

    Example:
        >>> without_folders("synth:/home/ann/songs + pools:/data/voices,/data/music")
        'synth:songs + pools:voices,music'
    """
    named = []
    for each in spec.split(_AND):
        kind, _, folders = each.partition(":")
        named.append(f"{kind}:{','.join(Path(folder).name for folder in folders.split(','))}")
    return _AND.join(named)


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise NoTracksError(f"{path} is not a folder", "Check the path; 'vocalsep data fetch' gets MUSDB18-HQ.")
    return path
