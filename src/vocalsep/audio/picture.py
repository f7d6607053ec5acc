"""A picture of a song, such as its cover."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

FRONT_COVER = 3
"""The kind of a front cover, as ID3 and FLAC number it."""

_SIGNATURES = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG": "image/png",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
    b"RIFF": "image/webp",
}


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
    kind: int = FRONT_COVER

    def with_true_type(self) -> Picture:
        """This picture with the media type by its first bytes: what tags say is missing or wrong now and then."""
        found = (mime for start, mime in _SIGNATURES.items() if self.data.startswith(start))
        return replace(self, mime=next(found, self.mime))
