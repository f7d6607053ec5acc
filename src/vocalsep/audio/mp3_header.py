"""The Xing header of an mp3: how many frames and bytes it has."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vocalsep.audio.source import Source

_FRAMES, _BYTES = 1, 2
_LONGEST_FRAME_BYTES = 1441


@dataclass(frozen=True, slots=True, kw_only=True)
class Mp3Header:
    """A Xing header, which is called Info in an mp3 of constant bitrate.

    Attributes:
        is_first_of_several: whether much more follows than the header announces, as where files were joined. Then
            the header does not say how long the file is.
        is_contradicted: whether all of the bytes that the header announces are there. An mp3 that then has fewer
            frames than the header announces was not cut: the header is wrong.
    """

    is_first_of_several: bool
    is_contradicted: bool


def read_mp3_header(source: Source) -> Mp3Header | None:
    """The header of an mp3 that counts its frames; None where there is none, and the length is a guess.

    FFmpeg looks for the header in the first frame alone, and so does this.

    Raises:
        OSError: the file cannot be read.
    """
    head = source.peek(0, 70)
    header = re.match(rb"\xff[\xe2-\xff].{11,36}?(?:Xing|Info)...(.)(.{8})", head, re.DOTALL)
    if header is None or not header[1][0] & _FRAMES:
        return None
    n_bytes = int.from_bytes(header[2][4:], "big") if header[1][0] & _BYTES else None
    surplus = source.size - n_bytes if n_bytes else None
    return Mp3Header(
        is_first_of_several=surplus is not None and surplus > 2 * _LONGEST_FRAME_BYTES,
        is_contradicted=surplus is not None and surplus >= -_LONGEST_FRAME_BYTES,
    )
