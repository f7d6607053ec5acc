"""Memory that grows, told from memory that the allocator keeps."""

import os

import numpy as np

STRICT = {
    **os.environ,
    # glibc gives back what is freed, from whatever thread: what still grows is not freed
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "65536",
}
"""The environment of a process whose memory is measured."""


def slope(values) -> float:
    """How much the values grow from one to the next, past the first third."""
    values = values[len(values) // 3 :]
    return float(np.polyfit(np.arange(len(values)), values, 1)[0])
