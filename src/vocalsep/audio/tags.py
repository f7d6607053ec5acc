"""Titles, artists and cover art: read from the input, written to the stems."""

# mypy: disable-error-code="no-untyped-call"
# mutagen says that it is typed, and is in part.

from __future__ import annotations

import base64
import logging
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import mutagen
from mutagen import MutagenError
from mutagen.flac import FLAC
from mutagen.flac import Picture as FlacPicture
from mutagen.id3 import APIC, COMM, ID3, Frames
from mutagen.mp4 import MP4Cover, MP4Tags

_log = logging.getLogger(__name__)

# Name in a Vorbis comment, which is the name in Tags, then in ID3, MP4, and APE or ASF (WMA).
_FIELDS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("title", "TIT2", "\xa9nam", ("Title",)),
    ("artist", "TPE1", "\xa9ART", ("Artist", "Author")),
    ("album", "TALB", "\xa9alb", ("Album", "WM/AlbumTitle")),
    ("albumartist", "TPE2", "aART", ("Album Artist", "WM/AlbumArtist")),
    ("date", "TDRC", "\xa9day", ("Year", "WM/Year")),
    ("genre", "TCON", "\xa9gen", ("Genre", "WM/Genre")),
    ("tracknumber", "TRCK", "trkn", ("Track", "WM/TrackNumber")),
    ("discnumber", "TPOS", "disk", ("Disc", "WM/PartOfSet")),
    ("composer", "TCOM", "\xa9wrt", ("Composer", "WM/Composer")),
    ("comment", "COMM", "\xa9cmt", ("Comment", "Description")),
    ("copyright", "TCOP", "cprt", ("Copyright",)),
)
_TOTALS = {"tracknumber": ("tracktotal", "totaltracks"), "discnumber": ("disctotal", "totaldiscs")}
_NUMBER_PAIRS = ("trkn", "disk")
_FRONT_COVER = 3
_LARGEST_PICTURE = 2**24 - 2**16  # a FLAC metadata block counts its bytes in 24 bits
# What mutagen is known to let through when a tag is not what its header says.
_BROKEN = (
    MutagenError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    EOFError,
    struct.error,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture of a song.

    Attributes:
        data: the image file.
        mime: its media type.
        kind: as ID3 and FLAC number them; 3 is the front cover.
    """

    data: bytes = field(repr=False)
    mime: str
    kind: int = _FRONT_COVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """What a file says about its song.

    Attributes:
        text: values by the name that Vorbis comments use (``title``, ``artist``, ``album``, ``albumartist``,
            ``date``, ``genre``, ``tracknumber`` as ``3`` or ``3/12``, ``discnumber``, ``composer``, ``comment``,
            ``copyright``), in this order.
        pictures: cover art.
    """

    text: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()

    def for_stem(self, stem: str) -> Tags:
        """These tags with the stem in the title, if there is a title.

        >>> Tags(text={"title": ("Song",)}).for_stem("vocals").text["title"]
        ('Song (Vocals)',)
        """
        titles = tuple(f"{title} ({stem.capitalize()})" for title in self.text.get("title", ()))
        return replace(self, text={**self.text, "title": titles}) if titles else self


def read_tags(path: Path) -> Tags:
    """The tags of a file; empty where it has none, none that are known, or broken ones."""
    try:
        file = mutagen.File(path)
        if file is None or not file.tags:
            return Tags()
        return _tags_of(file)
    except _BROKEN as error:
        _log.info("tags of %s not read: %s", path, error)
        return Tags()


def write_tags(path: Path, tags: Tags) -> None:
    """Add tags to a wav, flac, mp3, ogg, opus or m4a file; a wav over 4 GiB (RF64) cannot have any.

    Raises:
        OSError: the disk is full, or the file cannot be written.
    """
    if not (tags.text or tags.pictures) or _is_rf64(path):
        return
    try:
        file = mutagen.File(path)
        if file.tags is None:
            file.add_tags()
        if isinstance(file.tags, ID3):
            _fill_id3(file.tags, tags)
        elif isinstance(file.tags, MP4Tags):
            _fill_mp4(file.tags, tags)
        else:
            _fill_vorbis(file, tags)
        file.save()
    except MutagenError as error:
        # mutagen wraps the errors of the operating system; others mean a tag that this format cannot hold.
        if error.args and isinstance(error.args[0], OSError):
            raise error.args[0] from error
        _log.info("tags of %s not written: %s", path, error)


def _is_rf64(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"RF64"


def _tags_of(file: Any) -> Tags:
    if isinstance(file.tags, ID3):
        text, pictures = _id3_text(file.tags), _id3_pictures(file.tags)
    elif isinstance(file.tags, MP4Tags):
        text, pictures = _mp4_text(file.tags), _mp4_pictures(file.tags)
    else:
        text, pictures = _named_text(file.tags), _vorbis_pictures(file)
    return Tags(
        text={name: values for name, found in text if (values := tuple(v for v in map(_clean, found) if v))},
        pictures=tuple(picture for picture in pictures if 0 < len(picture.data) <= _LARGEST_PICTURE),
    )


def _clean(value: Any) -> str:
    """Text that any tag can hold: no surrogates, no NUL, no space around it."""
    return str(value).encode(errors="replace").decode().replace("\0", "").strip()


def _id3_text(tags: ID3) -> Iterator[tuple[str, list[Any]]]:
    for name, frame_id, *_ in _FIELDS:
        # Comments with a description are data of other programs (iTunes' loudness and gap values).
        frames = [frame for frame in tags.getall(frame_id) if not getattr(frame, "desc", "")]
        genres = frame_id == "TCON"
        yield name, [value for frame in frames for value in (frame.genres if genres else frame.text)]


def _id3_pictures(tags: ID3) -> list[Picture]:
    return [Picture(data=p.data, mime=p.mime, kind=int(p.type)) for p in tags.getall("APIC")]


def _fill_id3(tags: ID3, new: Tags) -> None:
    for name, frame_id, *_ in _FIELDS:
        values = list(new.text.get(name, ()))
        if values and frame_id == "COMM":
            tags.add(COMM(encoding=3, lang="XXX", desc="", text=values))
        elif values:
            tags.add(Frames[frame_id](encoding=3, text=values))
    for index, picture in enumerate(new.pictures):
        description = str(index) if index else ""  # tells pictures apart: ID3 has one for a description
        tags.add(APIC(encoding=3, mime=picture.mime, type=picture.kind, desc=description, data=picture.data))


def _mp4_text(tags: MP4Tags) -> Iterator[tuple[str, list[Any]]]:
    for name, _, atom, _ in _FIELDS:
        values = tags.get(atom, [])
        if atom in _NUMBER_PAIRS:
            values = [f"{number}/{total}" if total else str(number) for number, total in values if number]
        yield name, values


def _mp4_pictures(tags: MP4Tags) -> list[Picture]:
    png = MP4Cover.FORMAT_PNG
    return [
        Picture(data=bytes(cover), mime="image/png" if cover.imageformat == png else "image/jpeg")
        for cover in tags.get("covr", [])
    ]


def _fill_mp4(tags: MP4Tags, new: Tags) -> None:
    for name, _, atom, _ in _FIELDS:
        values = list(new.text.get(name, ()))
        if values and atom in _NUMBER_PAIRS:
            number, _, total = values[0].partition("/")
            if number.isdecimal() and int(number) < 2**16:
                tags[atom] = [(int(number), int(total) if total.isdecimal() and int(total) < 2**16 else 0)]
        elif values:
            tags[atom] = values
    formats = {
        "image/png": MP4Cover.FORMAT_PNG,
        "image/jpeg": MP4Cover.FORMAT_JPEG,
        "image/jpg": MP4Cover.FORMAT_JPEG,
    }
    covers = [MP4Cover(p.data, formats[p.mime]) for p in new.pictures if p.mime in formats]
    if covers:
        tags["covr"] = covers


def _named_text(tags: Any) -> Iterator[tuple[str, list[Any]]]:
    """The text of Vorbis comments, APE and ASF tags, all of which map names to values."""
    for name, _, _, others in _FIELDS:
        values = next((_values(tags[key]) for key in (name, *others) if key in tags), [])
        total = next((_values(tags[key]) for key in _TOTALS.get(name, ()) if key in tags), [])
        if values and total and "/" not in str(values[0]):
            values = [f"{values[0]}/{total[0]}"]
        yield name, values


def _values(found: Any) -> list[Any]:
    return [found] if isinstance(found, str) else list(found)


def _vorbis_pictures(file: Any) -> list[Picture]:
    if isinstance(file, FLAC):
        blocks: Iterable[FlacPicture] = file.pictures
    else:
        encoded = _values(file.tags["metadata_block_picture"]) if "metadata_block_picture" in file.tags else []
        blocks = [FlacPicture(base64.b64decode(data)) for data in encoded]
    return [Picture(data=block.data, mime=block.mime, kind=int(block.type)) for block in blocks]


def _fill_vorbis(file: Any, new: Tags) -> None:
    for name, values in new.text.items():
        file.tags[name] = list(values)
    blocks = [_flac_picture(picture) for picture in new.pictures]
    if isinstance(file, FLAC):
        for block in blocks:
            file.add_picture(block)
    elif blocks:
        file.tags["metadata_block_picture"] = [base64.b64encode(block.write()).decode() for block in blocks]


def _flac_picture(picture: Picture) -> FlacPicture:
    block = FlacPicture()
    block.data, block.mime, block.type = picture.data, picture.mime, picture.kind
    return block
