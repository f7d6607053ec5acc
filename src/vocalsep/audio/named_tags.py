"""Tags that map names to values: Vorbis comments, APE, Windows Media, and what FFmpeg gives."""

# mypy: disable-error-code="no-untyped-call"
# mutagen says that it is typed, and is in part.

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mutagen.apev2 import APEBinaryValue, APEv2
from mutagen.asf import ASFTags
from mutagen.flac import FLAC
from mutagen.flac import Picture as FlacPicture

from vocalsep.audio.picture import FRONT_COVER, Picture
from vocalsep.audio.tag_fields import FIELDS, TOTALS
from vocalsep.audio.tag_values import is_yes, rating


def named_text(tags: Any) -> Iterator[tuple[str, list[Any]]]:
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
            values = [stars for stars in [rating(str(values[0]))] if stars is not None]
        if tag_field.name == "compilation":
            values = [int(is_yes(value)) for value in values[:1]]
        yield tag_field.name, values


def _values(found: Any) -> list[Any]:
    if isinstance(found, APEBinaryValue):
        return []
    return [found] if isinstance(found, (str, bytes)) else list(found)


def named_pictures(tags: Any) -> Iterator[Picture]:
    """The pictures, which each kind of tag keeps in its own way."""
    if isinstance(tags, APEv2):
        for key in ("Cover Art (Front)", "Cover Art (Back)"):
            if key in tags:
                data = bytes(tags[key].value).partition(b"\0")[2]  # behind the file's name
                yield Picture(data=data, mime="", kind=FRONT_COVER + ("Back" in key))
    elif isinstance(tags, ASFTags):
        for attribute in tags.get("WM/Picture", []):
            yield _of_asf(bytes(attribute.value))
    else:
        for encoded in _values(tags["metadata_block_picture"]) if "metadata_block_picture" in tags else []:
            yield of_flac(FlacPicture(base64.b64decode(encoded)))
        for encoded in _values(tags["coverart"]) if "coverart" in tags else []:
            yield Picture(data=base64.b64decode(encoded), mime="")


def _of_asf(value: bytes) -> Picture:
    """A picture of Windows Media: its kind, its size, its type and description as text, its data."""
    kind, size = struct.unpack_from("<BI", value)
    return Picture(data=value[len(value) - size :] if size else b"", mime="", kind=kind)


def of_flac(block: FlacPicture) -> Picture:
    """The picture of a FLAC block."""
    return Picture(data=block.data, mime=block.mime, kind=int(block.type))


def fill_vorbis(file: Any, text: Mapping[str, Sequence[str]], pictures: Iterable[Picture]) -> None:
    """Add values by their names, and pictures, to a flac, ogg or opus file of mutagen."""
    for name, values in text.items():
        file.tags[name] = list(values)
    blocks = [_flac_picture(picture) for picture in pictures]
    if isinstance(file, FLAC):
        for block in blocks:
            file.add_picture(block)
    elif blocks:
        file.tags["metadata_block_picture"] = [base64.b64encode(block.write()).decode() for block in blocks]


def _flac_picture(picture: Picture) -> FlacPicture:
    block = FlacPicture()
    block.data, block.mime, block.type = picture.data, picture.mime, picture.kind
    return block
