"""sha256 of weights files, remembered for large ones."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

from vocalsep.errors import OutputError
from vocalsep.system.files import atomic_path

REMEMBERED_FROM_BYTES = 32 * 2**20
"""Smaller files are hashed each time: it takes less than 0.1 s."""

_CHUNK_BYTES = 2**20


def sha256_of(path: Path, *, fresh: bool = False) -> str:
    """The sha256 of a file, 64 hexadecimal digits.

    A large file is not read again as long as its size, time of change and inode stay the same.

    Args:
        path: the file.
        fresh: read it whatever is remembered.

    Raises:
        OSError: the file cannot be read.
    """
    path = path.resolve()
    status = path.stat()
    if status.st_size < REMEMBERED_FROM_BYTES:
        return _hash(path)
    stamp = [str(path), status.st_size, status.st_mtime_ns, status.st_ino]
    name = hashlib.sha256(str(path).encode("utf-8", "surrogatepass")).hexdigest()
    cache = user_cache_path("vocalsep")
    if not cache.is_absolute():  # the user has no home folder
        return _hash(path)
    note = cache / "sha256" / f"{name}.json"
    if not fresh:
        with suppress(OSError, ValueError, TypeError, LookupError):  # no note, or a torn one: the file is read
            remembered = json.loads(note.read_text(encoding="utf-8"))
            if remembered["stamp"] == stamp:
                return str(remembered["sha256"])
    digest = _hash(path)
    with suppress(OutputError), atomic_path(note) as temporary:  # a cache that cannot be written costs time only
        temporary.write_text(json.dumps({"stamp": stamp, "sha256": digest}), encoding="utf-8")
    return digest


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
