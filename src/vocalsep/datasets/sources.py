"""Where tracks come from: MUSDB18-HQ, folders of stems, pools of unpaired files, synthesised songs, or several."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeVar, get_args

from platformdirs import user_data_path

from vocalsep.datasets.folders import TrackFolder, audio_files, find_track_folders
from vocalsep.datasets.track import ACCOMPANIMENT, VOCALS, Track, open_track
from vocalsep.errors import NoTracksError, OptionError

_Named = TypeVar("_Named", TrackFolder, Path)

Split = Literal["train", "valid", "test", "all"]

MUSDB18HQ_VALIDATION = frozenset(
    [
        "ANiMAL - Rockshow",
        "Actions - One Minute Smile",
        "Alexander Ross - Goodbye Bolero",
        "Clara Berry And Wooldog - Waltz For My Victims",
        "Fergessen - Nos Palpitants",
        "James May - On The Line",
        "Johnny Lokke - Promises & Lies",
        "Leaf - Summerghost",
        "Meaxic - Take A Step",
        "Patrick Talbot - A Reason To Leave",
        "Skelpolu - Human Mistakes",
        "Traffic Experiment - Sirens",
        "Triviul - Angelsaint",
        "Young Griffo - Pennies",
    ]
)
"""The 14 songs of the train part that the field validates on."""

_VALIDATION_SHARE = 0.1
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
    """Where data sets lie unless something else is said: ``VOCALSEP_DATA``, or the user's folder for data.

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
            ``pools:VOCALS,ACCOMPANIMENT``, or a folder, which is MUSDB18-HQ where it has its parts and names;
            or several of these with `` + `` between them.

    Raises:
        OptionError: the spec is none of these.
        NoTracksError: the folder is not there.

    Example:
        >>> open_dataset("pools:voices")
        Traceback (most recent call last):
        vocalsep.errors.OptionError: 'pools:voices' needs two folders. Write pools:VOCALS,ACCOMPANIMENT.
    """
    if _AND in spec:
        return Several(tuple(open_dataset(each) for each in spec.split(_AND)))
    kind, colon, rest = spec.partition(":")
    if not colon and kind == "musdb18hq":
        return Musdb18hq(_folder(data_folder() / "musdb18hq"))
    if kind == "musdb18hq" and rest:
        return Musdb18hq(_folder(Path(rest)))
    if kind in ("folders", "synth") and rest:
        return Folders(kind, _folder(Path(rest)))
    if kind == "pools":
        folders = rest.split(",")
        if len(folders) != 2 or not all(folders):
            raise OptionError(f"'{spec}' needs two folders", "Write pools:VOCALS,ACCOMPANIMENT.")
        return Pools(_folder(Path(folders[0])), _folder(Path(folders[1])))
    if not spec or not Path(spec).is_dir():
        raise OptionError(
            f"no data set is called '{spec}', and no folder",
            "Give a folder, musdb18hq:ROOT, folders:ROOT, synth:ROOT or pools:VOCALS,ACCOMPANIMENT.",
        )
    if any((Path(spec) / "train" / name).is_dir() for name in MUSDB18HQ_VALIDATION):
        return Musdb18hq(Path(spec))
    return Folders("folders", Path(spec))


@dataclass(frozen=True, slots=True)
class Musdb18hq:
    """MUSDB18-HQ: 100 songs in ``train``, of which 14 validate, and 50 in ``test``.

    Reference: Rafii et al. 2019, "MUSDB18-HQ - an uncompressed version of MUSDB18", doi:10.5281/zenodo.3338373.
    """

    root: Path
    has_test = True

    @property
    def spec(self) -> str:
        """What `open_dataset` makes it of."""
        return f"musdb18hq:{self.root}"

    def tracks(self, split: Split) -> list[Track]:
        """The tracks of a part; see `Dataset.tracks`."""
        _check_split(split)
        parts = {"all": ("train", "test"), "test": ("test",)}.get(split, ("train",))
        found = [folder for part in parts for folder in find_track_folders(self.root / part)]
        if split in ("train", "valid"):
            found = [folder for folder in found if (folder.name in MUSDB18HQ_VALIDATION) == (split == "valid")]
        return _opened(found, self.spec, split)


@dataclass(frozen=True, slots=True)
class Folders:
    """Track folders below a root, in its ``train``, ``valid`` and ``test`` where it has them.

    Without ``valid`` a tenth of the tracks, chosen by a hash of their names, validates.
    """

    kind: str
    root: Path

    @property
    def spec(self) -> str:
        """What `open_dataset` makes it of."""
        return f"{self.kind}:{self.root}"

    @property
    def has_test(self) -> bool:
        """Whether the root has a folder ``test``."""
        return (self.root / "test").is_dir()

    def tracks(self, split: Split) -> list[Track]:
        """The tracks of a part; see `Dataset.tracks`."""
        _check_split(split)
        if split == "test" and not self.has_test:
            raise NoTracksError(f"{self.spec} has no folder 'test'", "Use --split all.")
        return _opened(self._folders(split), self.spec, split)

    def _folders(self, split: Split) -> list[TrackFolder]:
        if split == "all":
            return find_track_folders(self.root)
        if split == "test":
            return find_track_folders(self.root / split)
        train, valid = self.root / "train", self.root / "valid"
        if split == "valid" and valid.is_dir():
            return find_track_folders(valid)
        found = find_track_folders(train if train.is_dir() else self.root)
        if not train.is_dir():
            found = [folder for folder in found if folder.name.partition("/")[0] not in ("valid", "test")]
        return found if valid.is_dir() else _divided(found, split, self.spec)


@dataclass(frozen=True, slots=True)
class Pools:
    """A folder of vocals and a folder of accompaniments that do not belong together.

    The files lie right in them, or in their ``train`` and ``valid``; without ``valid`` a tenth of each validates.
    """

    vocals: Path
    accompaniment: Path
    has_test = False

    @property
    def spec(self) -> str:
        """What `open_dataset` makes it of."""
        return f"pools:{self.vocals},{self.accompaniment}"

    def tracks(self, split: Split) -> list[Track]:
        """The tracks of a part, each with one stem; see `Dataset.tracks`."""
        _check_split(split)
        if split == "test":
            raise NoTracksError("pools have no songs to test on", "Give track folders: --data folders:ROOT")
        tracks = []
        for stem, pool in ((VOCALS, self.vocals), (ACCOMPANIMENT, self.accompaniment)):
            chosen = self._files(pool, split)
            if not chosen:
                raise NoTracksError(f"no audio files in {pool}", "Put wav, flac, ogg, opus or mp3 files there.")
            tracks += [open_track(f"{stem}/{file.name}", {stem: [file]}) for file in chosen]
        return tracks

    def _files(self, pool: Path, split: Split) -> list[Path]:
        train, valid = pool / "train", pool / "valid"
        files = audio_files(train if train.is_dir() else pool)
        if valid.is_dir():
            validating = audio_files(valid)
            return {"train": files, "valid": validating}.get(split, files + validating)
        return files if split == "all" else _divided(files, split, str(pool))


@dataclass(frozen=True, slots=True)
class Several:
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


def _check_split(split: str) -> None:
    if split not in get_args(Split):
        raise OptionError(f"no part of a data set is called '{split}'", f"Choose {', '.join(get_args(Split))}.")


def _opened(folders: Sequence[TrackFolder], spec: str, split: str) -> list[Track]:
    if not folders:
        raise NoTracksError(
            f"{spec} has no tracks in '{split}'", "A track is a folder with vocals.wav and its other stems."
        )
    return [folder.open() for folder in folders]


def _divided(found: Sequence[_Named], split: str, spec: str) -> list[_Named]:
    """The part of ``found`` that trains or validates; adding a track moves few of the others."""
    if len(found) == 1:
        raise NoTracksError(f"{spec} has one track, and needs one to train and one to validate on", "Add tracks.")
    ordered = sorted(found, key=lambda each: hashlib.sha256(each.name.encode()).digest())
    n_valid = max(1, round(_VALIDATION_SHARE * len(found)))
    chosen = ordered[:n_valid] if split == "valid" else ordered[n_valid:]
    return sorted(chosen, key=lambda each: each.name)
