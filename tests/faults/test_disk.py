"""Disks that are full, read-only, or say so late."""

import errno
import os

import pytest
import soundfile

from helpers.small_disk import small_disk
from helpers.stem_reading import leftovers
from vocalsep.errors import DiskFullError, OutputNotWritableError


@pytest.fixture
def disk(tmp_path):
    """A disk of little more than half a megabyte, and what mounts it anew with other options."""
    with small_disk(tmp_path / "disk", "600k") as remount:
        yield tmp_path / "disk", remount


def names_of_whole_stems(folder):
    return sorted(
        f"{path.parent.name}/{path.stem}" for path in folder.rglob("*.wav") if soundfile.info(path).frames == 22050
    )


def test_a_disk_that_is_full_in_the_middle_of_a_batch(vocalsep, songs, disk):
    """A song and its copy in floats fit once, not beside the stems of the first."""
    folder, remount = disk
    done = vocalsep("split", songs, "-o", folder / "out")
    assert done.code == 22
    assert "no space left to write" in done.err.splitlines()[-1]
    assert [line.split("/")[-2:] for line in done.out.splitlines()] == [
        ["a", "vocals.wav"],
        ["a", "accompaniment.wav"],
    ]
    assert names_of_whole_stems(folder) == ["a/accompaniment", "a/vocals"]
    assert leftovers(folder) == []
    assert [path.name for path in (folder / "out").iterdir()] == ["a"]
    assert remount("size=4m")
    done = vocalsep("split", songs, "-o", folder / "out", "--skip-existing")
    assert done.code == 0
    assert len(names_of_whole_stems(folder)) == 6


def test_a_disk_that_becomes_read_only(vocalsep, songs, disk):
    folder, remount = disk
    assert vocalsep("split", songs / "a.wav", "-o", folder).code == 0
    assert remount("ro")
    for option in ("--overwrite", "--skip-existing"):
        done = vocalsep("split", songs / "a.wav", songs / "b.wav", "-o", folder, option)
        assert done.code == 50
        assert "cannot write" in done.err
        assert "Read-only file system" in done.err
    assert names_of_whole_stems(folder) == ["a/accompaniment", "a/vocals"]


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.EDQUOT, DiskFullError), (errno.EIO, OutputNotWritableError)], ids=["quota", "io"]
)
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_disk_that_says_so_when_the_file_is_flushed(separator, songs, tmp_path, monkeypatch, number, kind, at):
    """As network file systems do: of the first file, of its folder after that, or of the second file."""
    fsync, calls = os.fsync, iter(range(1, 100))

    def failing(descriptor):
        if next(calls) == at:
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    out = tmp_path / "out"
    if at == 2:  # a folder that cannot be flushed is one of a system that does not know that
        separator.separate_file(songs / "a.wav", out)
        assert names_of_whole_stems(out) == ["a/accompaniment", "a/vocals"]
        return
    with pytest.raises(kind):
        separator.separate_file(songs / "a.wav", out)
    assert not out.exists()
