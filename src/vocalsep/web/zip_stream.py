"""A zip archive that is sent while it is made."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

_BLOCK_BYTES = 1 << 20


def zip_stream(folder: Path, paths: list[Path]) -> Iterator[bytes]:
    """The parts of an archive of files, whose names in it are their paths below ``folder``.

    The archive needs no space on the disk and little memory. Audio does not get smaller, so it is only stored.
    """
    pipe = _Pipe()
    with zipfile.ZipFile(cast(Any, pipe), "w", zipfile.ZIP_STORED) as archive:
        for path in paths:
            facts = zipfile.ZipInfo.from_file(path, path.relative_to(folder).as_posix())
            with path.open("rb") as source, archive.open(facts, "w", force_zip64=True) as target:
                while block := source.read(_BLOCK_BYTES):
                    target.write(block)
                    yield pipe.take()
    yield pipe.take()


class _Pipe:
    """A file for `zipfile` whose bytes are taken out as they come."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data
