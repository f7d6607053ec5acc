import hashlib
import os

import pytest

from vocalsep.system import digest


@pytest.fixture
def reads(monkeypatch, tmp_path):
    """Files count as large from 10 bytes; the list of files that were read in full."""
    reads = []
    read = digest._hash
    monkeypatch.setattr(digest, "REMEMBERED_FROM_BYTES", 10)
    monkeypatch.setattr(digest, "user_cache_path", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(digest, "_hash", lambda path: reads.append(path.name) or read(path))
    return reads


def test_a_large_file_is_read_once_until_it_changes(tmp_path, reads):
    path = tmp_path / "weights"
    path.write_bytes(b"0123456789")
    expected = hashlib.sha256(b"0123456789").hexdigest()
    assert [digest.sha256_of(path) for _ in range(3)] == [expected] * 3
    assert len(reads) == 1
    assert digest.sha256_of(path, fresh=True) == expected
    assert len(reads) == 2
    path.write_bytes(b"9876543210")
    os.utime(path, ns=(1, 1))
    assert digest.sha256_of(path) == hashlib.sha256(b"9876543210").hexdigest()
    assert len(reads) == 3


def test_a_small_file_is_read_each_time(tmp_path, reads):
    path = tmp_path / "weights"
    path.write_bytes(b"012345678")
    assert digest.sha256_of(path) == digest.sha256_of(path)
    assert len(reads) == 2
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"stamp": 1}'])
def test_a_damaged_note_is_ignored(tmp_path, reads, damage):
    path = tmp_path / "weights"
    path.write_bytes(b"0123456789")
    first = digest.sha256_of(path)
    (note,) = (tmp_path / "cache").rglob("*.json")
    note.write_bytes(damage)
    assert digest.sha256_of(path) == first
    assert len(reads) == 2


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, reads):
    path = tmp_path / "weights"
    path.write_bytes(b"0123456789")
    (tmp_path / "cache").touch()
    assert digest.sha256_of(path) == digest.sha256_of(path) == hashlib.sha256(b"0123456789").hexdigest()
    assert len(reads) == 2
