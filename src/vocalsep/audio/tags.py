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
from mutagen.apev2 import APEBinaryValue, APEv2
from mutagen.asf import ASFTags
from mutagen.flac import FLAC
from mutagen.flac import Picture as FlacPicture
from mutagen.id3 import APIC, COMM, ID3, POPM, SYLT, TXXX, UFID, USLT, Frames
from mutagen.mp4 import MP4Cover, MP4Tags

from vocalsep.audio.synced_lyrics import lrc_entries, lrc_text
from vocalsep.audio.tag_fields import FIELDS, TOTALS, TagField

_log = logging.getLogger(__name__)

_PROGRAM = "vocalsep "
_FRONT_COVER = 3
_LARGEST_FLAC_PICTURE = 2**24 - 2**16  # a FLAC metadata block counts its bytes in 24 bits
_MP4_PICTURES = {"image/png": MP4Cover.FORMAT_PNG, "image/jpeg": MP4Cover.FORMAT_JPEG}
_SIGNATURES = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG": "image/png",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
    b"RIFF": "image/webp",
}
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
_YES = ("1", "true", "yes")
_MILLISECONDS, _LYRICS = 2, 1  # of SYLT
_HIGHEST_POPM = 255
_MOST_STARS = 5
_BITS_16 = 2**16


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


def _holds(container: str, picture: Picture) -> bool:
    if container == "m4a":
        return picture.mime in _MP4_PICTURES
    return container != "flac" or len(picture.data) <= _LARGEST_FLAC_PICTURE


def _of_container(path: Path) -> Tags:
    file = mutagen.File(path)
    if isinstance(file, FLAC):  # whose pictures are no tags
        return _tags(_named_text(file.tags or {}), map(_of_flac, file.pictures))
    if file is None or not file.tags:
        return Tags()
    if isinstance(file.tags, ID3):
        return _of_id3(file.tags)
    if isinstance(file.tags, MP4Tags):
        return _tags(_mp4_text(file.tags), _mp4_pictures(file.tags))
    return _of_named(file.tags)


def _of_id3_ahead(path: Path) -> Tags:
    return _of_id3(ID3(path))


def _of_ape_behind(path: Path) -> Tags:
    return _of_named(APEv2(path))


def _by_ffmpeg(path: Path) -> Tags:
    from vocalsep.audio.ffmpeg_metadata import read_metadata

    metadata, pictures = read_metadata(path)
    return _tags(_named_text(metadata), (Picture(data=data, mime="") for data in pictures))


def _of_id3(tags: ID3) -> Tags:
    pictures = (Picture(data=p.data, mime=p.mime, kind=int(p.type)) for p in tags.getall("APIC"))
    return _tags(_id3_text(tags), pictures)


def _of_named(tags: Any) -> Tags:
    return _tags(_named_text(tags), _named_pictures(tags))


def _tags(text: Iterable[tuple[str, list[Any]]], pictures: Iterable[Picture]) -> Tags:
    """The tags, of values that any tag can hold."""
    cleaned = ((name, tuple(v for v in map(_clean, found) if v)) for name, found in text)
    return Tags(
        text={name: values for name, values in cleaned if values},
        pictures=tuple(replace(p, mime=_mime(p)) for p in pictures if p.data and p.mime != "-->"),  # no addresses
    )


def _clean(value: Any) -> str:
    """Text that any tag can hold: no surrogates, no NUL, no space around it."""
    return str(value).encode(errors="replace").decode().replace("\0", "").strip()


def _mime(picture: Picture) -> str:
    """The media type by the first bytes: what tags say of it is missing or wrong now and then."""
    found = (mime for start, mime in _SIGNATURES.items() if picture.data.startswith(start))
    return next(found, picture.mime)


def _id3_text(tags: ID3) -> Iterator[tuple[str, list[Any]]]:
    for tag_field in FIELDS:
        kind, _, description = tag_field.id3.partition(":")
        frames = tags.getall(kind)
        if kind == "UFID":
            yield tag_field.name, [f.data.decode("ascii") for f in frames if f.owner == description]
        elif kind == "POPM":
            yield tag_field.name, [_share(f.rating, _HIGHEST_POPM) for f in frames[:1] if f.rating]
        elif kind == "SYLT":
            yield (
                tag_field.name,
                [lrc_text(f.text) for f in frames if (f.format, f.type) == (_MILLISECONDS, _LYRICS)],
            )
        elif kind == "USLT":
            yield tag_field.name, [f.text for f in frames]
        elif kind == "TCON":
            yield tag_field.name, [genre for f in frames for genre in f.genres]
        else:
            # Comments with a description are data of other programs (iTunes' loudness and gap values).
            own = (f for f in frames if getattr(f, "desc", "").casefold() == description.casefold())
            yield tag_field.name, [value for f in own for value in f.text]


def _fill_id3(tags: ID3, new: Tags) -> None:
    for tag_field in FIELDS:
        if values := list(new.text.get(tag_field.name, ())):
            for frame in _id3_frames(tag_field, values):
                tags.add(frame)
    for index, picture in enumerate(new.pictures):
        tags.add(APIC(encoding=3, mime=picture.mime, type=picture.kind, desc=_nth(index), data=picture.data))


def _id3_frames(tag_field: TagField, values: list[str]) -> Iterable[Any]:
    kind, _, description = tag_field.id3.partition(":")
    if kind == "UFID":
        return [UFID(owner=description, data=values[0].encode("ascii", "replace"))]
    if kind == "POPM":
        rating = _rating(values[0])
        return [] if rating is None else [POPM(email="", rating=round(rating * _HIGHEST_POPM / 100))]
    if kind == "SYLT":
        entries = ((i, lrc_entries(text)) for i, text in enumerate(values))
        return [
            SYLT(encoding=3, lang="XXX", format=_MILLISECONDS, type=_LYRICS, desc=_nth(i), text=lines)
            for i, lines in entries
            if lines
        ]
    if kind == "USLT":
        return [USLT(encoding=3, lang="XXX", desc=_nth(i), text=text) for i, text in enumerate(values)]
    if kind == "COMM":
        return [COMM(encoding=3, lang="XXX", desc="", text=values)]
    if kind == "TXXX":
        return [TXXX(encoding=3, desc=description, text=values)]
    return [Frames[kind](encoding=3, text=values)]


def _nth(index: int) -> str:
    """A description that tells frames apart: ID3 allows one frame for each description."""
    return str(index) if index else ""


def _mp4_text(tags: MP4Tags) -> Iterator[tuple[str, list[Any]]]:
    for tag_field in FIELDS:
        found = tags.get(tag_field.mp4, [])
        if tag_field.mp4 in ("trkn", "disk"):
            values: list[Any] = [
                f"{number}/{total}" if total else str(number) for number, total in found if number
            ]
        elif tag_field.mp4 == "cpil":
            values = [int(found)] if tag_field.mp4 in tags else []
        else:
            values = [v.decode(errors="replace") if isinstance(v, bytes) else v for v in found]
        yield tag_field.name, values


def _mp4_pictures(tags: MP4Tags) -> list[Picture]:
    mimes = {kind: mime for mime, kind in _MP4_PICTURES.items()}
    return [Picture(data=bytes(p), mime=mimes.get(p.imageformat, "image/jpeg")) for p in tags.get("covr", [])]


def _fill_mp4(tags: MP4Tags, new: Tags) -> None:
    for tag_field in FIELDS:
        atom, values = tag_field.mp4, list(new.text.get(tag_field.name, ()))
        if not values:
            continue
        if atom in ("trkn", "disk"):
            number, _, total = values[0].partition("/")
            if (n := _whole(number)) is not None:
                tags[atom] = [(n, _whole(total) or 0)]
        elif atom == "tmpo":
            if (bpm := _whole(values[0])) is not None:
                tags[atom] = [bpm]
        elif atom == "cpil":
            tags[atom] = values[0].lower() in _YES
        else:
            tags[atom] = [v.encode() for v in values] if atom.startswith("----") else values
    covers = [MP4Cover(p.data, _MP4_PICTURES[p.mime]) for p in new.pictures if p.mime in _MP4_PICTURES]
    if covers:
        tags["covr"] = covers


def _whole(text: str) -> int | None:
    """The number, rounded, where it is one that 16 bits hold."""
    try:
        number = round(float(text))
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < _BITS_16 else None


def _named_text(tags: Any) -> Iterator[tuple[str, list[Any]]]:
    """The text of Vorbis comments, APE and ASF tags, and FFmpeg's. All of them map names to values."""
    keys = {key.lower(): key for key in tags.keys()}  # noqa: SIM118 - Vorbis comments iterate over pairs

    def find(names: Iterable[str]) -> list[Any]:
        return next((_values(tags[keys[name.lower()]]) for name in names if name.lower() in keys), [])

    for tag_field in FIELDS:
        values = find((tag_field.name, *tag_field.others))
        total = find(TOTALS.get(tag_field.name, ()))
        if values and total and "/" not in str(values[0]):
            values = [f"{values[0]}/{total[0]}"]
        if tag_field.name == "rating" and values:
            values = [rating for rating in [_rating(str(values[0]))] if rating is not None]
        if tag_field.name == "compilation":
            values = [int(str(value).lower() in _YES) for value in values[:1]]
        yield tag_field.name, values


def _values(found: Any) -> list[Any]:
    if isinstance(found, APEBinaryValue):
        return []
    return [found] if isinstance(found, (str, bytes)) else list(found)


def _rating(text: str) -> int | None:
    """A rating as 0 to 100; up to 5 are stars."""
    number = _whole(text)
    if number is None or number > 100:
        return None
    return _share(number, _MOST_STARS) if number <= _MOST_STARS else number


def _share(number: int, highest: int) -> int:
    """A part of ``highest`` as 0 to 100, more than nothing where it is more than nothing."""
    return max(round(100 * number / highest), min(number, 1))


def _named_pictures(tags: Any) -> Iterator[Picture]:
    if isinstance(tags, APEv2):
        for key in ("Cover Art (Front)", "Cover Art (Back)"):
            if key in tags:
                data = bytes(tags[key].value).partition(b"\0")[2]  # behind the file's name
                yield Picture(data=data, mime="", kind=_FRONT_COVER + ("Back" in key))
    elif isinstance(tags, ASFTags):
        for attribute in tags.get("WM/Picture", []):
            yield _of_asf(bytes(attribute.value))
    else:
        for encoded in _values(tags["metadata_block_picture"]) if "metadata_block_picture" in tags else []:
            yield _of_flac(FlacPicture(base64.b64decode(encoded)))
        for encoded in _values(tags["coverart"]) if "coverart" in tags else []:
            yield Picture(data=base64.b64decode(encoded), mime="")


def _of_asf(value: bytes) -> Picture:
    """A picture of Windows Media: its kind, its size, its type and description as text, its data."""
    kind, size = struct.unpack_from("<BI", value)
    return Picture(data=value[len(value) - size :] if size else b"", mime="", kind=kind)


def _of_flac(block: FlacPicture) -> Picture:
    return Picture(data=block.data, mime=block.mime, kind=int(block.type))


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
