"""Titles, artists and cover art: read from the input, written to the stems."""

# mypy: disable-error-code="no-untyped-call"
# mutagen says that it is typed, and is in part.

from __future__ import annotations

import logging
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import mutagen
from mutagen import MutagenError
from mutagen.apev2 import APEv2
from mutagen.flac import FLAC
from mutagen.id3 import ID3
from mutagen.mp4 import MP4Tags

from vocalsep.audio.id3_tags import fill_id3, id3_pictures, id3_text
from vocalsep.audio.mp4_tags import MP4_PICTURES, fill_mp4, mp4_pictures, mp4_text
from vocalsep.audio.named_tags import fill_vorbis, named_pictures, named_text, of_flac
from vocalsep.audio.picture import Picture

_log = logging.getLogger(__name__)

_PROGRAM = "vocalsep "
_LARGEST_FLAC_PICTURE = 2**24 - 2**16  # a FLAC metadata block counts its bytes in 24 bits
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
class Tags:
    """What a file says about its song.

    Attributes:
        text: values by the names in `vocalsep.audio.tag_fields.FIELDS`, in that order. A ``tracknumber`` is ``3``
            or ``3/12``, a ``rating`` 0 to 100, a ``compilation`` ``1`` or ``0``, ``syncedlyrics`` are LRC.
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

    def made_by(self, model: str) -> Tags:
        """These tags with a model that made the file, which `read_model` gives back."""
        return replace(self, text={**self.text, "encodedby": (f"{_PROGRAM}{model}",)})

    def fitting(self, container: str) -> Tags:
        """These tags without the pictures that files of a container cannot hold, for which a warning is given."""
        kept = tuple(picture for picture in self.pictures if _holds(container, picture))
        for picture in self.pictures:
            if picture not in kept:
                size = f"{picture.mime} of {len(picture.data) / 1e6:.1f} MB"
                _log.warning("a picture (%s) is left out: %s cannot hold it", size, container)
        return replace(self, pictures=kept)


def read_tags(path: Path) -> Tags:
    """The tags of a file; empty where it has none, none that are known, or broken ones.

    They are those of the container, by mutagen. Where it finds none, they are those of an ID3 tag ahead of the
    file, whatever it is, or of an APE tag behind it, or what FFmpeg finds.
    """
    for read in (_of_container, _of_id3_ahead, _of_ape_behind, _by_ffmpeg):
        try:
            tags = read(path)
        except (*_BROKEN, OSError) as error:
            _log.debug("tags of %s not read: %s", path, error)
            continue
        if tags.text or tags.pictures:
            return tags
    return Tags()


def read_model(path: Path) -> str | None:
    """The model that made a stem, by its tags; None where they do not say it."""
    try:
        maker = next(iter(_of_container(path).text.get("encodedby", ())), "")
    except _BROKEN:
        return None
    return maker.removeprefix(_PROGRAM) if maker.startswith(_PROGRAM) else None


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
            fill_id3(file.tags, tags.text, tags.pictures)
        elif isinstance(file.tags, MP4Tags):
            fill_mp4(file.tags, tags.text, tags.pictures)
        else:
            fill_vorbis(file, tags.text, tags.pictures)
        file.save()
    except MutagenError as error:
        # mutagen wraps the errors of the operating system; others mean a tag that this format cannot hold.
        if error.args and isinstance(error.args[0], OSError):
            raise error.args[0] from error
        _log.info("tags of %s not written: %s", path, error)


def _is_rf64(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"RF64"


def _holds(container: str, picture: Picture) -> bool:
    if container == "m4a":
        return picture.mime in MP4_PICTURES
    return container != "flac" or len(picture.data) <= _LARGEST_FLAC_PICTURE


def _of_container(path: Path) -> Tags:
    file = mutagen.File(path)
    if isinstance(file, FLAC):  # whose pictures are no tags
        return _tags(named_text(file.tags or {}), map(of_flac, file.pictures))
    if file is None or not file.tags:
        return Tags()
    if isinstance(file.tags, ID3):
        return _of_id3(file.tags)
    if isinstance(file.tags, MP4Tags):
        return _tags(mp4_text(file.tags), mp4_pictures(file.tags))
    return _of_named(file.tags)


def _of_id3_ahead(path: Path) -> Tags:
    return _of_id3(ID3(path))


def _of_ape_behind(path: Path) -> Tags:
    return _of_named(APEv2(path))


def _by_ffmpeg(path: Path) -> Tags:
    from vocalsep.audio.ffmpeg_metadata import read_metadata

    metadata, pictures = read_metadata(path)
    return _tags(named_text(metadata), (Picture(data=data, mime="") for data in pictures))


def _of_id3(tags: ID3) -> Tags:
    return _tags(id3_text(tags), id3_pictures(tags))


def _of_named(tags: Any) -> Tags:
    return _tags(named_text(tags), named_pictures(tags))


def _tags(text: Iterable[tuple[str, list[Any]]], pictures: Iterable[Picture]) -> Tags:
    """The tags, of values that any tag can hold."""
    cleaned = ((name, tuple(v for v in map(_clean, found) if v)) for name, found in text)
    return Tags(
        text={name: values for name, values in cleaned if values},
        pictures=tuple(p.with_true_type() for p in pictures if p.data and p.mime != "-->"),  # no addresses
    )


def _clean(value: Any) -> str:
    """Text that any tag can hold: no surrogates, no NUL, no space around it."""
    return str(value).encode(errors="replace").decode().replace("\0", "").strip()
