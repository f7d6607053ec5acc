import hashlib
import io
import random
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from vocalsep.datasets.archive import Archive


@pytest.fixture(scope="session")
def songs() -> dict[str, bytes]:
    """The files of three and two songs, by path."""
    rng = random.Random(5)
    folders = [f"{part}/Song {n}" for part, n_songs in (("train", 3), ("test", 2)) for n in range(n_songs)]
    return {f"{folder}/{stem}.wav": rng.randbytes(30_000) for folder in folders for stem in ("mixture", "vocals")}


@pytest.fixture(scope="session")
def zipped() -> Callable[[Mapping[str, bytes]], bytes]:
    """Makes the bytes of a zip file."""

    def make(members: Mapping[str, bytes]) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as file:
            for name, content in members.items():
                file.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)  # the same bytes each time
        return buffer.getvalue()

    return make


@pytest.fixture
def archive(songs, zipped) -> Archive:
    """The songs as a published data set, at no address yet."""
    return Archive(
        name="songs",
        url="",
        sha256=hashlib.sha256(zipped(songs)).hexdigest(),
        songs={"train": 3, "test": 2},
        stems=("mixture", "vocals"),
        extracted_bytes=300_000,
        notice="",
    )


@pytest.fixture(scope="session")
def contents() -> Callable[[Path], dict[str, bytes]]:
    """All files below a folder, by path."""
    return lambda root: {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }
