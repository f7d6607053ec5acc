"""Zip files of songs, and of what should not be in them."""

import re
import shutil
import stat
import zipfile

import pytest

from vocalsep.datasets.archive import extract
from vocalsep.datasets.musdb18hq import MUSDB18HQ
from vocalsep.errors import CorruptArchiveError, DiskFullError


def test_the_record_that_the_field_uses():
    musdb_hq = pytest.importorskip("torchaudio.datasets.musdb_hq")
    assert (MUSDB18HQ.url, MUSDB18HQ.sha256) == (musdb_hq._URL, musdb_hq._CHECKSUM)
    assert MUSDB18HQ.songs == {"train": 100, "test": 50}


@pytest.fixture
def unpack(archive, songs, tmp_path, contents):
    """Unpack a zip file of the songs and other members, into ``root``."""

    def run(more=(), without=()):
        file = tmp_path / "songs.zip"
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
            for name, content in songs.items():
                if name not in without:
                    opened.writestr(name, content)
            for info, content in more:
                opened.writestr(info, content)
        extract(archive, file, tmp_path / "root")
        return contents(tmp_path / "root")

    (tmp_path / "root").mkdir()
    return run


def test_only_songs_are_unpacked(unpack, songs):
    junk = [
        ("README.md", b"read me"),
        ("train/", b""),
        ("train/notes.txt", b"notes"),
        ("train/Song 0/cover.jpg", b"picture"),
        ("__MACOSX/train/Song 0/._vocals.wav", b"junk"),
        ("valid/Song 0/vocals.wav", b"another part"),
    ]
    assert unpack(junk) == songs


def test_a_folder_around_the_parts(archive, songs, tmp_path, contents, zipped):
    (tmp_path / "songs.zip").write_bytes(zipped({f"songs-1.0/{name}": content for name, content in songs.items()}))
    (tmp_path / "root").mkdir()
    extract(archive, tmp_path / "songs.zip", tmp_path / "root")
    assert contents(tmp_path / "root") == songs


@pytest.mark.parametrize(
    "name",
    [
        "../train/Song 9/vocals.wav",
        "train/../../vocals.wav",
        "train/../Song 9/vocals.wav",
        "/train/Song 9/vocals.wav",
        "train\\..\\..\\vocals.wav",
        "C:/train/Song 9/vocals.wav",
        "../outside.txt",
    ],
)
def test_names_that_lead_out(unpack, tmp_path, name, contents):
    with pytest.raises(CorruptArchiveError, match="unsafe"):
        unpack([(name, b"evil")])
    assert contents(tmp_path / "root") == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["root", "songs.zip"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_members_that_are_no_files(unpack, tmp_path, kind, contents):
    info = zipfile.ZipInfo("train/Song 9/vocals.wav")
    info.create_system = 3
    info.external_attr = (kind | 0o777) << 16
    with pytest.raises(CorruptArchiveError, match="unsafe"):
        unpack([(info, b"/etc/passwd")])
    assert contents(tmp_path / "root") == {}


def test_a_song_without_all_of_its_files(unpack, tmp_path, contents):
    with pytest.raises(CorruptArchiveError, match=r"train/Song 1 lacks vocals\.wav"):
        unpack(without=["train/Song 1/vocals.wav"])
    assert contents(tmp_path / "root") == {}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_twice(unpack, tmp_path, contents):
    with pytest.raises(CorruptArchiveError, match="twice"):
        unpack([("train/Song 1/vocals.wav", b"other")])
    assert contents(tmp_path / "root") == {}


def test_a_member_longer_than_it_says(archive, songs, tmp_path, contents, zipped):
    """A bomb: the header says 30,000 bytes, and the stream inflates to 10 million."""
    bomb = {**songs, "test/Song 1/vocals.wav": bytes(10_000_000)}
    content = zipped(bomb)
    sizes = (10_000_000).to_bytes(4, "little")
    assert content.count(sizes) == 2, "once in the local header, once in the directory"
    (tmp_path / "songs.zip").write_bytes(content.replace(sizes, (30_000).to_bytes(4, "little")))
    (tmp_path / "root").mkdir()
    with pytest.raises(CorruptArchiveError, match="cannot be unpacked"):
        extract(archive, tmp_path / "songs.zip", tmp_path / "root")
    assert contents(tmp_path / "root") == {name: songs[name] for name in songs if "test/Song 1" not in name}


def test_members_that_do_not_fit_on_the_disk(unpack, tmp_path, monkeypatch, contents):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=299_999))
    with pytest.raises(DiskFullError):
        unpack()
    assert contents(tmp_path / "root") == {}


def test_damage_leaves_whole_songs_only(archive, songs, tmp_path, contents, zipped):
    content = bytearray(zipped(songs))
    middle = content.index(b"train/Song 2/mixture.wav")
    content[middle + 10_000] ^= 0xFF
    (tmp_path / "songs.zip").write_bytes(content)
    (tmp_path / "root").mkdir()
    with pytest.raises(CorruptArchiveError, match="cannot be unpacked"):
        extract(archive, tmp_path / "songs.zip", tmp_path / "root")
    assert set(contents(tmp_path / "root")) == {name for name in songs if re.match("train/Song [01]/", name)}


def test_not_a_zip_file(archive, tmp_path):
    (tmp_path / "songs.zip").write_bytes(b"<html>Please log in</html>")
    with pytest.raises(CorruptArchiveError, match="cannot be unpacked"):
        extract(archive, tmp_path / "songs.zip", tmp_path)
