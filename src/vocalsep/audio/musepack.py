"""Header of a Musepack file of stream version 8."""

from __future__ import annotations

from vocalsep.audio.source import Source

_HEADER_BYTES = 64
_VERSION_BYTES = 5  # checksum and version, ahead of the length


def musepack_length(source: Source) -> int | None:
    """The number of samples of a file; None where it is not Musepack 8. FFmpeg rounds it to a second or more.

    Raises:
        OSError: the file cannot be read.
    """
    head = source.peek(0, _HEADER_BYTES)
    if not head.startswith(b"MPCKSH"):
        return None
    _, at = _number(head, 6)
    length, at = _number(head, at + _VERSION_BYTES)
    silence, _ = _number(head, at)
    return max(length - silence, 0)


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the first group first, and the position behind it."""
    number = 0
    for end, byte in enumerate(data[at:], at + 1):
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            return number, end
    return number, len(data)
