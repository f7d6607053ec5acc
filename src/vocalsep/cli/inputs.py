"""Which files to split, and by what name each."""

from __future__ import annotations

import glob
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vocalsep.errors import InputError, InputNotFoundError, NoAudioFoundError, OptionError

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Track:
    """A file to split and the name that stands for ``{track}``; or an input that is none, with the reason."""

    path: Path
    name: str
    error: InputError | None = None


def find_tracks(
    inputs: Sequence[str], *, extensions: Iterable[str], recursive: bool, out_dir: Path | None
) -> list[Track]:
    """Expand files, folders and patterns into tracks with names of their own.

    Files come in the order of the inputs, those of a folder or pattern sorted; each once. In folders, hidden files
    and what lies under ``out_dir`` are left out.

    Args:
        inputs: paths, patterns, or `STDIN`.
        extensions: endings of audio files, with their dots, in lower case: for folders and patterns.
        recursive: whether folders are searched in depth.
        out_dir: where the stems go.

    Raises:
        OptionError: an input is an empty string.
    """
    endings = frozenset(extensions)
    found: dict[Path, Track] = {}
    for text in inputs:
        if not text:  # an unset variable of a script, which as a path would be the current folder
            raise OptionError("an input is empty", "Give a file, a folder, a pattern or -.")
        path = Path(text)
        if text == STDIN:
            tracks = [Track(path, "stdin")]
        elif path.is_dir():
            tracks = _in_folder(path, endings, recursive, out_dir)
        elif not path.exists() and glob.has_magic(text):
            tracks = _of_pattern(text, endings)
        elif not path.exists() and not path.is_symlink():
            error = InputNotFoundError(f"{text} does not exist", "Check the path; quote names that have spaces.")
            tracks = [Track(path, path.stem, error)]
        else:
            tracks = [Track(path, path.stem)]
        for track in tracks:
            found.setdefault(track.path.absolute(), track)
    return _distinct(list(found.values()))


def take_shard(tracks: Sequence[Track], shard: str | None) -> list[Track]:
    """Every n-th track from the i-th on, for the shard ``i/n``: together the shards are the whole list, once.

    Raises:
        OptionError: no such shard.

    Example:
        >>> [track.name for track in take_shard([Track(Path(c), c) for c in "abcde"], "2/3")]
        ['b', 'e']
    """
    if shard is None:
        return list(tracks)
    first, _, count = shard.partition("/")
    if not (first.isdecimal() and count.isdecimal() and 1 <= int(first) <= int(count)):
        raise OptionError(f"shard '{shard}' is not i/n with i from 1 to n", "For the second of four: --shard 2/4")
    return list(tracks[int(first) - 1 :: int(count)])


def _in_folder(folder: Path, endings: frozenset[str], recursive: bool, out_dir: Path | None) -> list[Track]:
    own_output = out_dir.absolute() if out_dir and out_dir.absolute() != folder.absolute() else None
    tracks = []
    for path in sorted(folder.rglob("*") if recursive else folder.iterdir()):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if path.suffix.lower() not in endings or hidden or not path.is_file():
            continue
        if own_output is None or not path.absolute().is_relative_to(own_output):
            tracks.append(Track(path, relative.with_suffix("").as_posix()))
    if tracks:
        return tracks
    deeper = "" if recursive else " Use --recursive to search the folders in it."
    return [Track(folder, folder.name, NoAudioFoundError(f"no audio files in folder {folder}", deeper.strip()))]


def _of_pattern(pattern: str, endings: frozenset[str]) -> list[Track]:
    paths = [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]
    tracks = [Track(path, path.stem) for path in paths if path.suffix.lower() in endings and path.is_file()]
    return tracks or [Track(Path(pattern), pattern, NoAudioFoundError(f"no audio files match {pattern}"))]


def _distinct(tracks: list[Track]) -> list[Track]:
    """Longer names for tracks that share one (in a file system that may not tell upper from lower case)."""
    by_name = defaultdict(list)
    for track in tracks:
        by_name[track.name.casefold()].append(track)
    names: dict[Path, str] = {}
    for same in by_name.values():
        longer = (
            lambda track: track.name,
            lambda track: track.name + track.path.suffix,
            lambda track: f"{track.path.absolute().parent.name}/{track.path.name}",
            lambda track: track.path.absolute().as_posix().replace(":", ""),
        )
        for name_of in longer:
            distinct = {name_of(track).casefold() for track in same}
            if len(distinct) == len(same):
                break
        names.update({track.path: name_of(track) for track in same})
    return [Track(track.path, names[track.path], track.error) for track in tracks]
