"""Cyclic redundancy checks, as the frames and pages of audio containers carry them."""

from __future__ import annotations

from functools import cache


def crc(data: bytes | bytearray, polynomial: int, bits: int) -> int:
    """The check of some bytes, highest bit first, from 0 on. Check bytes that follow the data make it 0.

    Args:
        data: bytes to check.
        polynomial: generator polynomial without its highest term.
        bits: size of the check, a multiple of 8.

    Example:
        >>> hex(crc(b"123456789", 0x8005, 16))
        '0xfee8'
    """
    table, shift, mask = _table(polynomial, bits), bits - 8, (1 << bits) - 1
    check = 0
    for byte in data:
        check = (check << 8 & mask) ^ table[check >> shift ^ byte]
    return check


@cache
def _table(polynomial: int, bits: int) -> tuple[int, ...]:
    """The check of each byte."""
    table = []
    for byte in range(256):
        check = byte << bits - 8
        for _ in range(8):
            check = (check << 1 & (1 << bits) - 1) ^ (polynomial if check >> bits - 1 else 0)
        table.append(check)
    return tuple(table)
