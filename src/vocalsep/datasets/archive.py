"""A data set that is published as one zip file, and the songs taken out of it."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from vocalsep.errors import CorruptArchiveError, DiskFullError
from vocalsep.system.files import TEMPORARY_PREFIX, make_folder
from vocalsep.system.output_errors import output_error

Progress = Callable[[float, float | None], None]
"""Called with the bytes that are done and, if known, those there are."""

_BLOCK_BYTES = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A data set as a zip file of ``PART/SONG/STEM.wav``.

    Attributes:
        name: name of the data set, and of the zip file without its suffix.
        url: address of the zip file.
        sha256: of the zip file, 64 hexadecimal digits.
        songs: how many songs there are in each part.
        stems: names of the files of each song, without ``.wav``.
        extracted_bytes: about what all songs take on the disk.
        notice: what one may do with it, and where that is said.
    """

    name: str
    url: str
    sha256: str
    songs: Mapping[str, int]
    stems: tuple[str, ...]
    extracted_bytes: int
    notice: str


def find_missing(archive: Archive, root: Path) -> str | None:
    """Say which part of the data set below ``root`` lacks songs or files of them, or None where all are there."""
    for part, n_songs in archive.songs.items():
        folders = [path for path in (root / part).glob("*") if not path.name.startswith(".")]
        songs = [[folder / f"{stem}.wav" for stem in archive.stems] for folder in folders]
        n_whole = sum(all(path.is_file() and path.stat().st_size for path in files) for files in songs)
        if n_whole < n_songs:
            return f"{root / part} has {n_whole} whole songs, not {n_songs}"
    return None


def extract(archive: Archive, file: Path, root: Path, progress: Progress | None = None) -> None:
    """Take the songs out of the zip file into ``root/PART/SONG``. Each song appears whole or not at all.

    Songs that are there are left alone. Nothing in the zip file can get out of ``root``, become longer than the
    file says, or be anything but the files of songs.

    Raises:
        CorruptArchiveError: it is no zip file, damaged, or has unsafe names or songs that lack files.
        DiskFullError: the songs do not fit on the disk.
        OutputError: they cannot be written.
    """
    try:
        with zipfile.ZipFile(file) as opened:
            songs = _songs(archive, opened, file)
            wanted = {song: files for song, files in songs.items() if not _is_there(root / song, files)}
            total = sum(info.file_size for files in wanted.values() for info in files.values())
            check_space(root, total, archive.name)
            done = 0
            for song, files in wanted.items():
                for n_bytes in _extract_song(opened, files, root / song):
                    done += n_bytes
                    if progress:
                        progress(done, total)
    # the last is zipfile's word for a way of compression that it does not know
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise CorruptArchiveError(f"{file} cannot be unpacked: {error}", "Remove it and run again.") from error


def check_space(root: Path, needed_bytes: int, name: str) -> None:
    """Check that the disk has room.

    Raises:
        DiskFullError: it has not; the message says how much is missing.
    """
    free_bytes = shutil.disk_usage(root).free
    if needed_bytes > free_bytes:
        raise DiskFullError(
            f"{name} needs {needed_bytes / 1e9:.1f} GB more in {root}, where {free_bytes / 1e9:.1f} GB are free",
            f"Free {(needed_bytes - free_bytes) / 1e9:.1f} GB, or choose another root folder.",
        )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn operating-system errors on ``path`` into the `OutputError` that says what to do."""
    try:
        yield
    except OSError as error:
        meant = output_error(error, path)
        hint = "Choose another root folder."
        if isinstance(meant, DiskFullError):
            hint = "Free some space and run the command again: it goes on where it stopped."
        raise type(meant)(meant.message, hint) from error


def _songs(
    archive: Archive, opened: zipfile.ZipFile, file: Path
) -> dict[PurePosixPath, dict[str, zipfile.ZipInfo]]:
    """The members of each song by file name, after all members are known to be safe; others are left out."""
    wanted = {f"{stem}.wav" for stem in archive.stems}
    songs: dict[PurePosixPath, dict[str, zipfile.ZipInfo]] = {}
    for info in opened.infolist():
        if not _is_safe(info):
            raise CorruptArchiveError(f"{file} has an unsafe member: {info.filename!r}", "Do not use this file.")
        path = PurePosixPath(info.filename)
        if len(path.parts) < 3 or path.parts[-3] not in archive.songs or path.name not in wanted or info.is_dir():
            continue
        files = songs.setdefault(PurePosixPath(*path.parts[-3:-1]), {})
        if path.name in files:
            raise CorruptArchiveError(f"{file} has {info.filename!r} twice", "Do not use this file.")
        files[path.name] = info
    for song, files in songs.items():
        if absent := sorted(wanted - files.keys()):
            raise CorruptArchiveError(f"{file}: {song} lacks {', '.join(absent)}", "Do not use this file.")
    return songs


def _is_safe(info: zipfile.ZipInfo) -> bool:
    """Whether a member is a plain file or a folder, below the root on every system."""
    kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where it was not written on Unix
    parts = PurePosixPath(info.filename).parts
    windows = PureWindowsPath(info.filename)
    below = not info.filename.startswith("/") and not windows.drive and "\\" not in info.filename
    encrypted = info.flag_bits & 1
    return below and ".." not in parts and kind in (0, stat.S_IFREG, stat.S_IFDIR) and not encrypted


def _is_there(folder: Path, files: Mapping[str, zipfile.ZipInfo]) -> bool:
    paths = {folder / name: info for name, info in files.items()}
    return all(path.is_file() and path.stat().st_size == info.file_size for path, info in paths.items())


def _extract_song(opened: zipfile.ZipFile, files: Mapping[str, zipfile.ZipInfo], folder: Path) -> Iterator[int]:
    """Write the files of a song next to its folder, then move them there; yields the bytes written, by and by."""
    make_folder(folder.parent)
    temporary = folder.with_name(f"{TEMPORARY_PREFIX}{folder.name}")  # one name: what a killed process left goes
    try:
        with writing(folder):
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir()
        for name, info in files.items():
            with opened.open(info) as source, writing(folder / name), open(temporary / name, "wb") as target:
                while block := source.read(_BLOCK_BYTES):  # never more than the zip file says, and checked
                    target.write(block)
                    yield len(block)
                target.flush()
                os.fsync(target.fileno())
        with writing(folder):
            if folder.is_dir():  # someone else's, in part: its other files stay
                for name in files:
                    (temporary / name).replace(folder / name)
            else:
                temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
