"""ID3, the tags of mp3, and of wav here: frames, for which each field has a rule."""

# mypy: disable-error-code="no-untyped-call"
# mutagen says that it is typed, and is in part.

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mutagen.id3 import APIC, COMM, ID3, POPM, SYLT, TXXX, UFID, USLT, Frames

from vocalsep.audio.picture import Picture
from vocalsep.audio.synced_lyrics import lrc_entries, lrc_text
from vocalsep.audio.tag_fields import FIELDS, TagField
from vocalsep.audio.tag_values import rating, share

_MILLISECONDS, _LYRICS = 2, 1  # of SYLT
_HIGHEST_POPM = 255


def id3_text(tags: ID3) -> Iterator[tuple[str, list[Any]]]:
    """The values of each of `FIELDS`, by its name."""
    for tag_field in FIELDS:
        kind, _, description = tag_field.id3.partition(":")
        frames = tags.getall(kind)
        if kind == "UFID":
            yield tag_field.name, [f.data.decode("ascii") for f in frames if f.owner == description]
        elif kind == "POPM":
            yield tag_field.name, [share(f.rating, _HIGHEST_POPM) for f in frames[:1] if f.rating]
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


def id3_pictures(tags: ID3) -> Iterator[Picture]:
    """The pictures."""
    return (Picture(data=p.data, mime=p.mime, kind=int(p.type)) for p in tags.getall("APIC"))


def fill_id3(tags: ID3, text: Mapping[str, Sequence[str]], pictures: Iterable[Picture]) -> None:
    """Add values by their names, and pictures."""
    for tag_field in FIELDS:
        if values := list(text.get(tag_field.name, ())):
            for frame in _id3_frames(tag_field, values):
                tags.add(frame)
    for index, picture in enumerate(pictures):
        tags.add(APIC(encoding=3, mime=picture.mime, type=picture.kind, desc=_nth(index), data=picture.data))


def _id3_frames(tag_field: TagField, values: list[str]) -> Iterable[Any]:
    kind, _, description = tag_field.id3.partition(":")
    if kind == "UFID":
        return [UFID(owner=description, data=values[0].encode("ascii", "replace"))]
    if kind == "POPM":
        stars = rating(values[0])
        return [] if stars is None else [POPM(email="", rating=round(stars * _HIGHEST_POPM / 100))]
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
