"""Structure of an ASF file (wma, wmv): where its packets should end."""

from __future__ import annotations

import struct

from vocalsep.audio.source import Source

_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
_BROADCAST = 1
_DATA_HEADER_BYTES = 50
_LARGEST_HEADER = 2**24


def missing_packets(source: Source) -> int | None:
    """How many packets a file lacks of those that its header counts; None where the header does not count them.

    The play duration of the header is no help: programs disagree whether it includes the preroll.

    Raises:
        OSError: the file cannot be read.
    """
    head = source.peek(0, 30)
    if len(head) < 30 or not head.startswith(_HEADER):
        return None
    header_bytes = int.from_bytes(head[16:24], "little")
    header = source.peek(0, min(header_bytes, _LARGEST_HEADER))
    properties = header.find(_FILE_PROPERTIES, 30)
    data = source.peek(header_bytes, _DATA_HEADER_BYTES)
    if properties < 0 or len(header) < properties + 104 or not data.startswith(_DATA):
        return None
    flags, smallest, largest = struct.unpack("<III", header[properties + 88 : properties + 100])
    n_packets = int.from_bytes(data[40:48], "little")
    if flags & _BROADCAST or smallest != largest or not largest or not n_packets:
        return None
    there = (source.size - header_bytes - _DATA_HEADER_BYTES) // largest
    return int(max(n_packets - there, 0))
