"""Headers of files that were written to a pipe: their sizes are placeholders, and the audio ends with the file.

libsndfile and FFmpeg know some of them. Of the others, the sizes are put in before they read the header.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

from vocalsep.audio.source import Source

_LONGEST_HEADER = 2**20
_W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_W64_DATA = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")
_W64_HEADER_BYTES = 24
_SSND_FIELDS_BYTES = 8  # offset and block size, which count as part of the chunk
_UNKNOWN_32, _UNKNOWN_64 = 2**32 - 1, 2**64 - 1
_LARGEST_32 = 0xFFFFDFFF  # the largest that is not a placeholder


def with_real_sizes(source: Source) -> Source:
    """The file with a header whose sizes are right, where it has placeholders; else the file as it is.

    Raises:
        OSError: the file cannot be read.
    """
    head = source.peek(0, 12)
    if head.startswith(b"FORM"):
        patched = _aiff(source) if head[8:] in (b"AIFF", b"AIFC") else None
    elif head.startswith((b"RIFF", b"RF64", b"BW64")):
        patched = _wav(source)
    elif head.startswith(b"riff"):
        patched = _w64(source)
    else:
        patched = None
    return replace(source, head=patched) if patched else source


def is_placeholder(size: int) -> bool:
    """Whether a size of 32 bits is what programs write that cannot go back to the header: about 2 or 4 GiB."""
    ranges = ((0x7F000000, 0x7F000100), (0x7FFFE000, 0x80000000), (0xFFFFE000, _UNKNOWN_32))
    return any(lowest <= size <= highest for lowest, highest in ranges)


def _aiff(source: Source) -> bytes | None:
    header = source.peek(0, _LONGEST_HEADER)
    common = None
    for name, start, size in _chunks(header, ">"):
        if name == b"COMM":
            common = start
        if name != b"SSND" or common is None:
            continue
        there = source.size - start
        # A sound chunk of no samples may be followed by chunks: then it is empty and no placeholder.
        behind = start + _SSND_FIELDS_BYTES
        is_empty = size <= _SSND_FIELDS_BYTES and not _are_chunks(source, behind if size else start, ">")
        if not ((is_placeholder(size) and there < size) or is_empty):
            return None
        channels, _, bits = struct.unpack(">HIH", header[common : common + 8])
        frame_bytes = channels * ((bits + 7) // 8)
        if not frame_bytes or there <= _SSND_FIELDS_BYTES:
            return None
        n_samples = (there - _SSND_FIELDS_BYTES) // frame_bytes
        patched = bytearray(header[: start + _SSND_FIELDS_BYTES])
        _put(patched, 4, ">I", min(source.size - 8, _LARGEST_32))
        _put(patched, common + 2, ">I", min(n_samples, _LARGEST_32))
        _put(patched, start - 4, ">I", min(n_samples * frame_bytes + _SSND_FIELDS_BYTES, _LARGEST_32))
        return bytes(patched)
    return None


def _wav(source: Source) -> bytes | None:
    header = source.peek(0, _LONGEST_HEADER)
    long_sizes = frame_bytes = None
    for name, start, size in _chunks(header, "<"):
        if name == b"ds64" and size >= 24:
            long_sizes = start
        if name == b"fmt " and size >= 16:
            frame_bytes = int.from_bytes(header[start + 12 : start + 14], "little")
        if name != b"data" or not frame_bytes:
            continue
        n_bytes = (source.size - start) // frame_bytes * frame_bytes
        patched = bytearray(header[:start])
        if long_sizes is not None and size == _UNKNOWN_32:
            announced = int.from_bytes(header[long_sizes + 8 : long_sizes + 16], "little")
            if not _is_long_placeholder(announced):
                return None
            _put(patched, long_sizes, "<QQQ", source.size - 8, n_bytes, n_bytes // frame_bytes)
        elif n_bytes > _LARGEST_32:
            return None
        elif (is_placeholder(size) and n_bytes < size) or (size == 0 and not _are_chunks(source, start, "<")):
            _put(patched, 4, "<I", min(source.size - 8, _LARGEST_32))
            _put(patched, start - 4, "<I", min(n_bytes, _LARGEST_32))
        else:
            return None
        return bytes(patched)
    return None


def _w64(source: Source) -> bytes | None:
    header = source.peek(0, _LONGEST_HEADER)
    if not header.startswith(_W64_RIFF):
        return None
    start = 40  # behind the chunk of the whole file and the word "wave"
    while start + _W64_HEADER_BYTES <= len(header):
        size = int.from_bytes(header[start + 16 : start + 24], "little")
        if header[start : start + 16] == _W64_DATA:
            if not (size <= _W64_HEADER_BYTES or _is_long_placeholder(size)):
                return None
            patched = bytearray(header[: start + _W64_HEADER_BYTES])
            _put(patched, 16, "<Q", source.size)
            _put(patched, start + 16, "<Q", source.size - start)
            return bytes(patched)
        if size < _W64_HEADER_BYTES:
            return None
        start += (size + 7) // 8 * 8
    return None


def _is_long_placeholder(size: int) -> bool:
    """Whether a size of 64 bits says nothing: 0, all ones, the largest signed number, or those of 32 bits."""
    return size in (0, _UNKNOWN_64, 2**63 - 1) or is_placeholder(size)


def _chunks(header: bytes, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Name, start of the content and size of each chunk that begins in a header."""
    start = 12
    while start + 8 <= len(header):
        (size,) = struct.unpack(f"{order}I", header[start + 4 : start + 8])
        yield header[start : start + 4], start + 8, size
        start += 8 + size + size % 2


def _are_chunks(source: Source, start: int, order: str) -> bool:
    """Whether what follows is a row of chunks that ends with the file, or nothing."""
    while start + 8 <= source.size:
        name, size = struct.unpack(f"{order}4sI", source.peek(start, 8))
        if not (name.isascii() and name.decode().isprintable()):
            return False
        start += 8 + size + size % 2
    return start - source.size in (0, 1)


def _put(patched: bytearray, place: int, form: str, *values: int) -> None:
    struct.pack_into(form, patched, place, *values)
