import os
import sys

import pytest

from helpers.stem_reading import leftovers
from vocalsep.errors import OutputExistsError, OutputNotWritableError
from vocalsep.system.files import TEMPORARY_PREFIX, AtomicFile, atomic_path, exists, remove_leftovers


@pytest.fixture(params=["hard links", "no hard links"])
def file_system(request, monkeypatch):
    """FAT, exFAT and some network file systems have no hard links."""

    def link(source, target):
        raise PermissionError(1, "Operation not permitted")

    if request.param == "no hard links":
        monkeypatch.setattr(os, "link", link)


@pytest.mark.usefixtures("file_system")
def test_a_file_that_must_not_replace_another(tmp_path):
    first, second = (AtomicFile(tmp_path / "a.txt", replace=False) for _ in range(2))
    for file, text in ((first, "first"), (second, "second")):
        file.path.write_text(text)
    first.commit()
    with pytest.raises(OutputExistsError, match=r"a\.txt exists"):
        second.commit()
    assert (tmp_path / "a.txt").read_text() == "first"
    assert (tmp_path / "a.txt").stat().st_nlink == 1
    assert leftovers(tmp_path) == []


def test_a_file_that_may(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    file = AtomicFile(tmp_path / "a.txt")
    file.path.write_text("new")
    file.commit()
    assert (tmp_path / "a.txt").read_text() == "new"


def test_what_exists(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "dangling").symlink_to("nowhere")
    there = [name for name in ("file", "dangling", "none", "file/none") if exists(tmp_path / name)]
    assert there == ["file", "dangling"]
    with pytest.raises(OutputNotWritableError, match="too long"):
        exists(tmp_path / ("a" * 300))


@pytest.mark.skipif(sys.platform == "win32", reason="no locks")
def test_only_what_dead_processes_of_this_machine_left_is_removed(tmp_path):
    writing = AtomicFile(tmp_path / "a.wav")
    machine = writing.path.name[: len(TEMPORARY_PREFIX) + 8]
    left = tmp_path / f"{machine}{'0' * 16}.wav"
    theirs = tmp_path / f"{TEMPORARY_PREFIX}{'0' * 24}.wav"
    named = tmp_path / f"{machine}.wav"
    for path in (left, theirs, named):
        path.touch()
    assert remove_leftovers(tmp_path) == [left]
    assert sorted(tmp_path.iterdir()) == sorted([writing.path, theirs, named])
    writing.discard()


def test_an_interrupt_while_it_is_flushed_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt), atomic_path(tmp_path / "a.json") as path:
        path.write_text("{}")
    assert list(tmp_path.iterdir()) == []
