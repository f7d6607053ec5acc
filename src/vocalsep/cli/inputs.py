"""Which files to split, and by what name each."""

from __future__ import annotations

import errno
import glob
import hashlib
import itertools
import logging
import os
import stat
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from vocalsep.errors import InputError, InputNotFoundError, InputUnreadableError, NoAudioFoundError, OptionError
from vocalsep.template import safe_track

STDIN = "-"

_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL}  # the last on Windows, of a pattern

_log = logging.getLogger("vocalsep")


@dataclass(frozen=True, slots=True)
class Track:
    """A file to split and what stands for ``{track}``, or an input that cannot be split and the reason."""

    path: Path
    name: str
    error: InputError | None = None


def find_tracks(
    inputs: Sequence[str],
    *,
    extensions: Iterable[str],
    recursive: bool,
    out_dir: Path | None,
    stems_of: Callable[[str], Iterable[Path]],
) -> list[Track]:
    """Expand files, folders and patterns into tracks with names of their own.

    Files come in the order of the inputs, those of a folder or pattern sorted; each once. In folders, hidden files
    and what lies under ``out_dir`` are left out; everywhere, files that are stems of others of the list.

    Args:
        inputs: paths, patterns, or `STDIN`.
        extensions: endings of audio files, with their dots, in lower case: for folders and patterns.
        recursive: whether folders are searched in depth.
        out_dir: where the stems go.
        stems_of: gives the paths of all stems of a track's name.

    Raises:
        OptionError: an input is an empty string.
    """
    endings = frozenset(extensions)
    found: dict[Path, Track] = {}
    for text in inputs:
        if not text:  # an unset variable of a script, which as a path would be the current folder
            raise OptionError("an input is empty", "Give a file, a folder, a pattern or -.")
        for track in _expanded(text, endings, recursive, out_dir):
            found.setdefault(track.path.absolute(), track)
    key = _exact if out_dir and _tells_case(out_dir) else _folded
    return _without_stems(list(found.values()), stems_of, key)


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


def _expanded(text: str, endings: frozenset[str], recursive: bool, out_dir: Path | None) -> list[Track]:
    path = Path(text)
    if text == STDIN:
        return [Track(path, "stdin")]
    if str(path) == STDIN:  # a file of that name, given as ./-
        path = path.absolute()
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except OSError as error:
        if error.errno not in _ABSENT:
            return [_unreadable(path, error)]
        if glob.has_magic(text):
            return _of_pattern(text, endings)
        missing = InputNotFoundError(f"{text} does not exist", "Check the path; quote names that have spaces.")
        return [Track(path, path.stem, missing)]
    return _in_folder(path, endings, recursive, out_dir) if is_folder else [Track(path, path.stem)]


def _in_folder(folder: Path, endings: frozenset[str], recursive: bool, out_dir: Path | None) -> list[Track]:
    own_output = out_dir.absolute() if out_dir and out_dir.absolute() != folder.absolute() else None
    tracks: list[Track] = []

    def refused(error: OSError) -> None:
        tracks.append(_unreadable(Path(error.filename), error))

    for top, folders, names in os.walk(folder, onerror=refused):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        if own_output and Path(top).absolute().is_relative_to(own_output):
            folders.clear()
            continue
        paths = [Path(top, name) for name in names if not name.startswith(".")]
        tracks += [
            Track(path, path.relative_to(folder).with_suffix("").as_posix())
            for path in paths
            if path.suffix.lower() in endings and _is_file(path)
        ]
    if tracks:
        return sorted(tracks, key=lambda track: track.path)
    deeper = "" if recursive else " Use --recursive to search the folders in it."
    return [Track(folder, folder.name, NoAudioFoundError(f"no audio files in folder {folder}", deeper.strip()))]


def _of_pattern(pattern: str, endings: frozenset[str]) -> list[Track]:
    paths = [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]
    tracks = [Track(path, path.stem) for path in paths if path.suffix.lower() in endings and _is_file(path)]
    return tracks or [Track(Path(pattern), pattern, NoAudioFoundError(f"no audio files match {pattern}"))]


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:  # a link that leads nowhere
        return False
    except OSError:
        return True  # opening it will say why it cannot be read


def _unreadable(path: Path, error: OSError) -> Track:
    reason = InputUnreadableError(f"cannot read {path}: {error.strerror}", "Give what you may read.")
    return Track(path, path.stem, reason)


def _without_stems(
    found: list[Track], stems_of: Callable[[str], Iterable[Path]], key: Callable[[str], str]
) -> list[Track]:
    """The named tracks, without files that are stems of others and were made by an earlier run, in any format."""
    songs = found
    while True:
        tracks = _distinct(songs, key)
        owners = defaultdict(set)
        for track in tracks:
            for stem in stems_of(track.name) if not track.error else ():
                owners[_place(stem)].add(track.path)
        is_song = [bool(track.error) or owners[_place(track.path)] <= {track.path} for track in tracks]
        if all(is_song):
            break
        songs = list(itertools.compress(songs, is_song))  # whose names may now be shorter
    if left_out := len(found) - len(songs):
        _log.warning("%d files left out: they are stems of others here", left_out)
    return tracks


def _place(path: Path) -> tuple[str, str]:
    """Where a file is, its type aside, whatever way leads there."""
    return os.path.realpath(path.parent), path.stem


def _distinct(tracks: list[Track], key: Callable[[str], str]) -> list[Track]:
    """The tracks with safe names, longer ones where two would have one ``key``."""
    names = [safe_track(track.name) for track in tracks]
    for longer in _LONGER_NAMES:
        keys = [key(name) for name in names]
        count = Counter(keys)
        names = [
            name if count[own] == 1 else safe_track(longer(track))
            for track, name, own in zip(tracks, names, keys, strict=True)
        ]
    return [replace(track, name=name) for track, name in zip(tracks, names, strict=True)]


_LONGER_NAMES: tuple[Callable[[Track], str], ...] = (
    lambda track: track.name + track.path.suffix,
    lambda track: f"{track.path.absolute().parent.name}/{track.path.name}",
    lambda track: track.path.absolute().as_posix().replace(":", ""),
    # what differs in no more than characters that are not safe, or beyond the longest name
    lambda track: f"{track.name}/{_digest(track.path)}",
)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:12]


def _exact(name: str) -> str:
    return name


def _folded(name: str) -> str:
    """A name as file systems see it that take upper for lower case and composed for decomposed letters."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _tells_case(folder: Path) -> bool:
    """Whether the file system of a folder tells upper from lower case. The folder does not need to exist yet.

    Where it cannot be found out, it is said not to: names that differ in more are right everywhere.
    """
    if sys.platform in ("win32", "darwin"):
        return False
    with suppress(OSError):
        there = next(f for f in (folder, *folder.absolute().parents) if f.is_dir())
        outer = there.resolve()
        beside = [outer] if outer.stat().st_dev == outer.parent.stat().st_dev else []
        for path in itertools.chain(there.iterdir(), beside):
            if path.name.swapcase() != path.name:
                return not _is_same(path, path.with_name(path.name.swapcase()))
    return False


def _is_same(path: Path, other: Path) -> bool:
    return os.path.lexists(other) and os.path.samestat(os.lstat(path), os.lstat(other))
