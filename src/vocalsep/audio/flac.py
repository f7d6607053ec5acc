"""Structure of a FLAC file: where the files begin that were joined, and with which frame it begins."""

from __future__ import annotations

from vocalsep.audio.source import Source

_START = b"fLaC\x00\x00\x00\x22"  # the first block, STREAMINFO, is always of 34 bytes
_START_ALONE = b"fLaC\x80\x00\x00\x22"  # where no other block follows
_READ_BYTES = 2**20
_LAST_BLOCK = 0x80
_FRAME_HEADER_BYTES = 5
_FRAME_SYNC = (b"\xff\xf8", b"\xff\xf9")


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
