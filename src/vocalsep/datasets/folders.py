"""Folders of stems: any ``TRACK/{vocals,<anything else>}.wav|flac|...``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vocalsep.audio.excerpt import audio_files
from vocalsep.datasets.parts import Split, check_split, divided
from vocalsep.datasets.track import Track, open_track
from vocalsep.errors import InputUnreadableError, NoTracksError, UnfitTrackError
from vocalsep.stem_names import ACCOMPANIMENT, MIXTURE, VOCALS

WHOLE_ACCOMPANIMENT = (ACCOMPANIMENT, "instrumental", "no_vocals")
"""Names of a file that is all of the accompaniment, whatever other stems lie next to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackFolder:
    """A folder with a file named ``vocals``.

    Attributes:
        name: its path below the root of the data set, with forward slashes.
        vocals: the file of the vocals.
        accompaniment: the files that are neither vocals nor mixture. One of `WHOLE_ACCOMPANIMENT` stands for all.
        mixture: the file named ``mixture``, if there is one.
    """

    name: str
    vocals: Path
    accompaniment: tuple[Path, ...]
    mixture: Path | None

    def open(self) -> Track:
        """The track, whose headers are read.

        Raises:
            UnfitTrackError: there is nothing besides the vocals, or the files do not go together.
            InputError: a file is damaged.
        """
        if not self.accompaniment:
            raise UnfitTrackError(
                f"track '{self.name}' has vocals and no accompaniment",
                f"Put the other stems next to {self.vocals}, or use pools:VOCALS,ACCOMPANIMENT.",
            )
        return open_track(self.name, {VOCALS: [self.vocals], ACCOMPANIMENT: self.accompaniment}, self.mixture)


def find_track_folders(root: Path) -> list[TrackFolder]:
    """All folders with a file named ``vocals`` at any depth below ``root``, by name; see `folders_below`.

    Raises:
        NoTracksError: ``root`` is not a folder.
        InputUnreadableError: a folder below it cannot be read.
    """
    if not root.is_dir():
        raise NoTracksError(f"{root} is not a folder", "Give a folder of track folders, each with a vocals.wav.")
    return sorted(_walk(root), key=lambda folder: folder.name)


def folders_below(root: Path) -> Iterator[Path]:
    """``root`` and the folders at any depth below it, without hidden ones.

    Links are followed, so a data set may be a folder of links to some songs of another. Not followed are links
    that lead back to where they are in.

    Raises:
        InputUnreadableError: a folder cannot be read.
    """
    yield from _below(root, ())


def _below(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    try:
        place = folder.resolve()
        if any(one.is_relative_to(place) for one in above):
            return
        deeper = [path for path in folder.iterdir() if path.name[0] != "." and path.is_dir()]
    except OSError as error:
        raise InputUnreadableError(
            f"cannot read {folder}: {error.strerror}", "Give a folder that you may read."
        ) from error
    yield folder
    for path in deeper:
        yield from _below(path, (*above, place))


def _walk(root: Path) -> Iterator[TrackFolder]:
    for directory in folders_below(root):
        files = audio_files(directory)
        vocals = [file for file in files if file.stem.lower() == VOCALS]
        if not vocals:
            continue
        others = [file for file in files if file.stem.lower() not in (VOCALS, MIXTURE)]
        whole = [file for name in WHOLE_ACCOMPANIMENT for file in others if file.stem.lower() == name]
        relative = directory.relative_to(root).as_posix()
        yield TrackFolder(
            name=root.resolve().name if relative == "." else relative,
            vocals=vocals[0],
            accompaniment=tuple(whole[:1] or others),
            mixture=next((file for file in files if file.stem.lower() == MIXTURE), None),
        )


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
        check_split(split)
        if split == "test" and not self.has_test:
            raise NoTracksError(f"{self.spec} has no folder 'test'", "Choose split=all.")
        return open_track_folders(self._folders(split), self.spec, split)

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
        return found if valid.is_dir() else divided(found, split, self.spec)


def open_track_folders(folders: Sequence[TrackFolder], spec: str, split: str) -> list[Track]:
    """The tracks of folders, whose headers are read.

    Args:
        folders: found in the data set.
        spec: spec of the data set, for messages.
        split: the part that they are, for messages.

    Raises:
        NoTracksError: there are no folders.
        UnfitTrackError: the files of one do not go together.
        InputError: a file is damaged.
    """
    if not folders:
        raise NoTracksError(
            f"{spec} has no tracks in '{split}'", "A track is a folder with vocals.wav and its other stems."
        )
    return [folder.open() for folder in folders]
