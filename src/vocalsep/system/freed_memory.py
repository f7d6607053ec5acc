"""Memory that is freed and taken again all the time, kept by the process instead of given back to the system."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # what glibc's mallopt calls them
_KEPT_BYTES = 128 * 2**20
_LARGEST_KEPT_BYTES = 64 * 2**20, 32 * 2**20


def keep_freed_memory() -> None:
    """Keep up to 128 MB of freed memory for its next use, in the whole process, where glibc is the allocator.

    A network frees tensors of tens of megabytes after each layer. glibc gives them back to the system at once, and
    the system fills every page with zeros when the next layer asks for it again. In a large network that is a
    fifth of the time. Nothing changes where ``MALLOC_...`` variables or ``GLIBC_TUNABLES`` are set.
    """
    decided = any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ)
    if sys.platform != "linux" or decided:
        return
    with suppress(AttributeError, OSError):  # another C library
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018 - glibc alone has it
        # before 2.35, glibc refuses more than 32 MB; the first call alone would make things worse
        if any(library.mallopt(_MMAP_THRESHOLD, n_bytes) for n_bytes in _LARGEST_KEPT_BYTES):
            library.mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
