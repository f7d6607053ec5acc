"""Tags around the audio of a file, of whatever container: where they end and begin.

ID3, APE and Lyrics3 tags were made for bare streams of mp3 frames, and programs put them around everything. Few
decoders skip them, so they are cut off before a decoder sees the file.
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

from vocalsep.audio.signatures import LENGTH_AWARE_SIGNATURES, SIGNATURES

_ID3V1, _ID3V1_BYTES = b"TAG", 128
_ENHANCED, _ENHANCED_BYTES = b"TAG+", 227
_ID3V2_BYTES = 10  # of a header, and of a footer
_APE, _APE_BYTES = b"APETAGEX", 32  # of a header, and of a footer
_APE_HAS_HEADER, _APE_IS_HEADER = 1 << 31, 1 << 29
_LYRICS_BEGIN, _LYRICS_V1_END, _LYRICS_V2_END = b"LYRICSBEGIN", b"LYRICSEND", b"LYRICS200"
_LONGEST_LYRICS_V1 = 5120
_LONGEST_PADDING = 65536


def audio_extent(file: BinaryIO) -> tuple[int, int]:
    """The first byte of a file behind the tags at its start, and the first byte of the tags at its end.

    Raises:
        OSError: the file cannot be read.
    """
    size = file.seek(0, os.SEEK_END)
    start = _behind_leading_tags(file, size)
    # What says itself how long it is may hold anything at its end, and be followed by anything.
    if _read(file, start, 12).startswith(LENGTH_AWARE_SIGNATURES):
        return start, size
    return start, _before_trailing_tags(file, start, size)


def _behind_leading_tags(file: BinaryIO, size: int) -> int:
    start = 0
    while n_bytes := _leading_tag(_read(file, start, _APE_BYTES)):
        if start + n_bytes >= size:  # nothing but a tag, or a tag that lies about its size: a decoder decides
            return start
        start += n_bytes
    if start:
        # Some programs pad a tag beyond the size that it declares.
        padding = _read(file, start, _LONGEST_PADDING)
        rest = padding.lstrip(b"\0")
        box = padding.find(b"ftyp") - 4  # the size of mp4's first box begins with zeros too
        if rest.startswith(SIGNATURES):
            start += len(padding) - len(rest)
        elif box > 0 and not any(padding[:box]):
            start += box
    return start


def _leading_tag(head: bytes) -> int:
    """The number of bytes of the tag that begins with ``head``; 0 where it is not the start of a tag."""
    if head.startswith(b"ID3") and len(head) >= _ID3V2_BYTES and not any(byte & 0x80 for byte in head[6:10]):
        has_footer = bool(head[5] & 0x10)
        return _ID3V2_BYTES + _id3v2_size(head) + _ID3V2_BYTES * has_footer
    if head.startswith(_APE) and len(head) == _APE_BYTES:
        _, n_bytes, _, flags = struct.unpack("<IIII", head[8:24])
        return _APE_BYTES + int(n_bytes) if flags & _APE_IS_HEADER else 0
    return 0


def _id3v2_size(head: bytes) -> int:
    """The size that an ID3v2 header or footer declares: four bytes of seven bits each."""
    return sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))


def _before_trailing_tags(file: BinaryIO, start: int, end: int) -> int:
    while n_bytes := _trailing_tag(file, start, end):
        end -= n_bytes
    return end


def _trailing_tag(file: BinaryIO, start: int, end: int) -> int:
    """The number of bytes of the tag that ends at ``end``; 0 where none does."""
    longest = end - start
    tail = _read(file, max(end - _ENHANCED_BYTES - _ID3V1_BYTES, start), min(355, longest))
    found = 0
    if tail[-_ID3V1_BYTES:].startswith(_ID3V1) and len(tail) >= _ID3V1_BYTES:
        is_enhanced = len(tail) == 355 and tail.startswith(_ENHANCED)
        found = _ID3V1_BYTES + _ENHANCED_BYTES * is_enhanced
    elif tail[-_APE_BYTES:].startswith(_APE) and len(tail) >= _APE_BYTES:
        _, n_bytes, _, flags = struct.unpack("<IIII", tail[-24:-8])
        found = int(n_bytes) + _APE_BYTES * bool(flags & _APE_HAS_HEADER)
    elif tail[-_ID3V2_BYTES:].startswith(b"3DI"):
        found = 2 * _ID3V2_BYTES + _id3v2_size(tail[-_ID3V2_BYTES:])
    elif tail.endswith(_LYRICS_V2_END) and tail[-15:-9].isdigit():
        n_bytes = int(tail[-15:-9])
        is_there = _read(file, max(end - 15 - n_bytes, 0), 11) == _LYRICS_BEGIN
        found = (15 + n_bytes) * is_there
    elif tail.endswith(_LYRICS_V1_END):
        text = _read(file, max(end - _LONGEST_LYRICS_V1, start), min(_LONGEST_LYRICS_V1, longest))
        begin = text.rfind(_LYRICS_BEGIN)
        found = len(text) - begin if begin >= 0 else 0
    return found if found < longest else 0


def _read(file: BinaryIO, start: int, size: int) -> bytes:
    file.seek(start)
    return file.read(size)
