"""The tags of MP4, which m4a files have: atoms."""

# mypy: disable-error-code="no-untyped-call"
# mutagen says that it is typed, and is in part.

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mutagen.mp4 import MP4Cover, MP4Tags

from vocalsep.audio.picture import Picture
from vocalsep.audio.tag_fields import FIELDS
from vocalsep.audio.tag_values import is_yes, whole

MP4_PICTURES = {"image/png": MP4Cover.FORMAT_PNG, "image/jpeg": MP4Cover.FORMAT_JPEG}
"""The media types that a cover may have."""


def mp4_text(tags: MP4Tags) -> Iterator[tuple[str, list[Any]]]:
    """The values of each of `FIELDS`, by its name."""
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


def mp4_pictures(tags: MP4Tags) -> list[Picture]:
    """The covers."""
    mimes = {kind: mime for mime, kind in MP4_PICTURES.items()}
    return [Picture(data=bytes(p), mime=mimes.get(p.imageformat, "image/jpeg")) for p in tags.get("covr", [])]


def fill_mp4(tags: MP4Tags, text: Mapping[str, Sequence[str]], pictures: Iterable[Picture]) -> None:
    """Add values by their names, and pictures of the types that MP4 knows."""
    for tag_field in FIELDS:
        atom, values = tag_field.mp4, list(text.get(tag_field.name, ()))
        if not values:
            continue
        if atom in ("trkn", "disk"):
            number, _, total = values[0].partition("/")
            if (n := whole(number)) is not None:
                tags[atom] = [(n, whole(total) or 0)]
        elif atom == "tmpo":
            if (bpm := whole(values[0])) is not None:
                tags[atom] = [bpm]
        elif atom == "cpil":
            tags[atom] = is_yes(values[0])
        else:
            tags[atom] = [v.encode() for v in values] if atom.startswith("----") else values
    covers = [MP4Cover(p.data, MP4_PICTURES[p.mime]) for p in pictures if p.mime in MP4_PICTURES]
    if covers:
        tags["covr"] = covers
