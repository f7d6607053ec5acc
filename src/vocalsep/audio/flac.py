"""Structure of a FLAC file (RFC 9639): the files that were joined, its first frame and its last."""

from __future__ import annotations

from vocalsep.audio.checksum import crc
from vocalsep.audio.source import Source

_START = b"fLaC\x00\x00\x00\x22"  # the first block, STREAMINFO, is always of 34 bytes
_START_ALONE = b"fLaC\x80\x00\x00\x22"  # where no other block follows
_READ_BYTES = 2**20
_LAST_BLOCK = 0x80
_STREAM_INFO = slice(8, 42)
_FRAME_SYNC = (b"\xff\xf8", b"\xff\xf9")  # of frames that are all as long, and of frames with lengths of their own
_FRAME_HEADER_BYTES = 5
_LONGEST_FRAME_HEADER_BYTES = 16
_LONGEST_LAST_FRAME_BYTES = 2**18
_MOST_TRIED = 4  # what looks like a header within the last frame is rare; behind a cut, all frames would be tried
_OF_OWN_LENGTH = 1


def is_flac(source: Source) -> bool:
    """Whether a file is FLAC, without a container around it.

    Raises:
        OSError: the file cannot be read.
    """
    return source.peek(0, len(_START)) in (_START, _START_ALONE)


def flac_links(source: Source) -> list[Source]:
    """The FLAC files that a file consists of. A header counts its own frames alone, so they are searched for.

    Raises:
        OSError: the file cannot be read.
    """
    file = source.open()
    starts: list[int] = []
    kept, position = b"", 0
    while data := file.read(_READ_BYTES):
        window = kept + data
        for pattern in (_START, _START_ALONE):
            found = window.find(pattern)
            while found >= 0:
                starts.append(position - len(kept) + found)
                found = window.find(pattern, found + 1)
        position += len(data)
        kept = window[1 - len(_START) :]
    file.check()
    starts.sort()
    return [source.part(start, end) for start, end in zip(starts, [*starts[1:], source.size], strict=True)]


def starts_late(source: Source) -> bool:
    """Whether the first frame has another number than 0: the header of a segment may have the length of the whole.

    Raises:
        OSError: the file cannot be read.
    """
    start, is_last = 4, False
    while not is_last:
        block = source.peek(start, 4)
        if len(block) < 4:
            return False
        is_last = bool(block[0] & _LAST_BLOCK)
        start += 4 + int.from_bytes(block[1:], "big")
    frame = source.peek(start, _FRAME_HEADER_BYTES)
    return frame[:2] in _FRAME_SYNC and frame[4:5] != b"\0"


def counts_too_few(source: Source) -> bool:
    """Whether the last frame ends behind the number of samples that the header counts.

    What joined or continued the file has then left the header as it was. Players that count frames play all of it.

    Raises:
        OSError: the file cannot be read.
    """
    stream_info = source.peek(0, _STREAM_INFO.stop)[_STREAM_INFO]
    counted = int.from_bytes(stream_info[13:18], "big") % 2**36
    tail = source.peek(max(source.size - _LONGEST_LAST_FRAME_BYTES, 0), _LONGEST_LAST_FRAME_BYTES)
    start = tail.rfind(b"\xff")
    n_tried = 0
    while counted and start >= 0 and n_tried < _MOST_TRIED:
        if tail[start : start + 2] in _FRAME_SYNC:
            end = _frame_end(tail[start : start + _LONGEST_FRAME_HEADER_BYTES], stream_info)
            if end is not None and crc(tail[start:], 0x8005, 16) == 0:
                return end > counted
            n_tried += end is not None
        start = tail.rfind(b"\xff", 0, start)
    return False


def _frame_end(header: bytes, stream_info: bytes) -> int | None:
    """Number of samples up to the end of a frame, by its header; None if it is not a header."""
    if len(header) < _FRAME_HEADER_BYTES:
        return None
    code = header[2] >> 4
    n_number_bytes = max(8 - (header[4] ^ 0xFF).bit_length(), 1)  # coded as in UTF-8, up to 36 bits
    n_size_bytes = {6: 1, 7: 2}.get(code, 0)
    n_rate_bytes = {12: 1, 13: 2, 14: 2}.get(header[2] & 15, 0)
    size_start = 4 + n_number_bytes
    n_bytes = size_start + n_size_bytes + n_rate_bytes
    if code == 0 or len(header) <= n_bytes or crc(header[: n_bytes + 1], 0x07, 8):
        return None
    number = header[4] & (0x7F >> n_number_bytes if n_number_bytes > 1 else 0x7F)
    for byte in header[5:size_start]:
        number = number << 6 | byte & 0x3F
    if n_size_bytes:
        size = int.from_bytes(header[size_start : size_start + n_size_bytes], "big") + 1
    else:
        size = 192 if code == 1 else 576 << code - 2 if code < 6 else 256 << code - 8
    first = number if header[1] & _OF_OWN_LENGTH else number * int.from_bytes(stream_info[2:4], "big")
    return first + size
