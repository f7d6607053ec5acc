from __future__ import annotations

import mutagen
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.id3 import COMM, ID3, TCON, TIT2, TXXX
from mutagen.mp3 import MP3

from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.tags import Picture, Tags, read_tags, write_tags

JPEG = Picture(data=b"\xff\xd8\xff\xe0" + bytes(range(256)) * 600, mime="image/jpeg")
PNG = Picture(data=b"\x89PNG\r\n\x1a\n" + bytes(5000), mime="image/png", kind=4)
SONG = Tags(
    text={
        "title": ("Lied ohne Wörter 音",),
        "artist": ("First", "Second"),
        "album": ("Album",),
        "albumartist": ("Various",),
        "date": ("2001-02-03",),
        "genre": ("Jazz",),
        "tracknumber": ("3/12",),
        "discnumber": ("1",),
        "composer": ("Composer",),
        "comment": ("A comment",),
        "copyright": ("None",),
    },
    pictures=(JPEG, PNG),
)
CONTAINERS = ["wav", "flac", "mp3", "ogg", "opus", "m4a"]


@pytest.mark.parametrize("container", CONTAINERS)
def test_tags_come_back_and_samples_stay(tmp_path, song, decode, write, container: str) -> None:
    samples, format = song(50000), OutputFormat(container=container)
    write(tmp_path / f"plain.{container}", samples, format)
    write(tmp_path / f"tagged.{container}", samples, format, tags=SONG)
    tags = read_tags(tmp_path / f"tagged.{container}")
    assert dict(tags.text) == dict(SONG.text)
    assert list(tags.text) == list(SONG.text)
    kinds = (3, 3) if container == "m4a" else (3, 4)  # MP4 does not say what a picture shows
    assert [(picture.data, picture.mime, picture.kind) for picture in tags.pictures] == [
        (JPEG.data, JPEG.mime, kinds[0]),
        (PNG.data, PNG.mime, kinds[1]),
    ]
    plain, tagged = (decode(tmp_path / f"{name}.{container}") for name in ("plain", "tagged"))
    np.testing.assert_array_equal(plain, tagged)


@pytest.mark.parametrize("source", CONTAINERS)
@pytest.mark.parametrize("target", CONTAINERS)
def test_tags_go_from_any_format_to_any_other(tmp_path, song, write, source: str, target: str) -> None:
    write(tmp_path / f"a.{source}", song(3000), OutputFormat(container=source), tags=SONG)
    read = read_tags(tmp_path / f"a.{source}").for_stem("vocals")
    write(tmp_path / f"b.{target}", song(3000), OutputFormat(container=target), tags=read)
    tags = read_tags(tmp_path / f"b.{target}")
    assert dict(tags.text) == {**SONG.text, "title": ("Lied ohne Wörter 音 (Vocals)",)}
    assert [picture.data for picture in tags.pictures] == [JPEG.data, PNG.data]


def test_stem_goes_into_the_title_only() -> None:
    tags = Tags(text={"artist": ("A",), "title": ("T", "U")}, pictures=(PNG,)).for_stem("accompaniment")
    assert dict(tags.text) == {"artist": ("A",), "title": ("T (Accompaniment)", "U (Accompaniment)")}
    assert tags.pictures == (PNG,)
    untitled = Tags(text={"artist": ("A",)})
    assert untitled.for_stem("vocals") == untitled


@pytest.mark.parametrize("container", CONTAINERS)
def test_no_tags_leave_the_file_as_it_is(tmp_path, song, write, container: str) -> None:
    path = tmp_path / f"a.{container}"
    write(path, song(3000), OutputFormat(container=container))
    before = path.read_bytes()
    write_tags(path, Tags())
    assert path.read_bytes() == before
    assert read_tags(path) == Tags()


def test_what_other_programs_put_beside_the_tags_is_left_out(tmp_path, song, write) -> None:
    path = tmp_path / "a.mp3"
    write(path, song(3000), OutputFormat(container="mp3"))
    id3 = ID3()
    id3.add(TIT2(encoding=3, text=["  Title\0 "]))
    id3.add(TCON(encoding=3, text=["(17)"]))
    id3.add(COMM(encoding=3, lang="eng", desc="iTunNORM", text=["00000 00001"]))
    id3.add(COMM(encoding=3, lang="eng", desc="", text=["mine"]))
    id3.add(TXXX(encoding=3, desc="replaygain_track_gain", text=["-8 dB"]))
    id3.save(path)
    assert dict(read_tags(path).text) == {"title": ("Title",), "genre": ("Rock",), "comment": ("mine",)}


@pytest.mark.parametrize("separate", [{"tracktotal": "12"}, {"totaltracks": "12"}])
def test_vorbis_total_joins_the_number(tmp_path, song, write, separate: dict[str, str]) -> None:
    path = tmp_path / "a.flac"
    write(path, song(3000), OutputFormat(container="flac"))
    file = mutagen.File(path)
    file.tags.update({"TRACKNUMBER": "3", **separate})
    file.save()
    assert dict(read_tags(path).text) == {"tracknumber": ("3/12",)}


def test_numbers_that_mp4_cannot_hold_are_left_out(tmp_path, song, write) -> None:
    tags = Tags(text={"title": ("T",), "tracknumber": ("A1",), "discnumber": ("70000/2",)})
    write(tmp_path / "a.m4a", song(3000), OutputFormat(container="m4a"), tags=tags)
    assert dict(read_tags(tmp_path / "a.m4a").text) == {"title": ("T",)}


def test_picture_that_flac_cannot_hold_is_left_out(tmp_path, song, write) -> None:
    huge = Picture(data=bytes(2**24), mime="image/png")
    write(tmp_path / "a.mp3", song(3000), OutputFormat(container="mp3"), tags=Tags(pictures=(huge, PNG)))
    assert read_tags(tmp_path / "a.mp3").pictures == (PNG,)


@pytest.mark.parametrize(
    "content", [b"", b"text", b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f", b"fLaC\x00\xff\xff\xff", b"OggS"]
)
def test_file_without_readable_tags_has_none(tmp_path, content: bytes) -> None:
    (tmp_path / "a.mp3").write_bytes(content)
    assert read_tags(tmp_path / "a.mp3") == Tags()
    assert read_tags(tmp_path / "missing.mp3") == Tags()


@pytest.fixture(scope="module")
def tagged(tmp_path_factory, song, write) -> dict[str, bytes]:
    path = tmp_path_factory.mktemp("tagged") / "a"
    contents = {}
    for container in CONTAINERS:
        tags = Tags(text=SONG.text, pictures=(Picture(data=JPEG.data[:300], mime="image/jpeg"),))
        write(path.with_suffix(f".{container}"), song(500), OutputFormat(container=container), tags=tags)
        contents[container] = path.with_suffix(f".{container}").read_bytes()
    return contents


@settings(max_examples=150)
@given(st.sampled_from(CONTAINERS), st.randoms(use_true_random=False), st.integers(1, 30))
def test_broken_tags_never_raise(tmp_path_factory, tagged, container: str, random, n_bytes: int) -> None:
    content = bytearray(tagged[container])
    for _ in range(n_bytes):
        content[random.randrange(len(content))] = random.choice((0, 255, 127, 128, random.randrange(256)))
    path = tmp_path_factory.getbasetemp() / f"broken.{container}"
    path.write_bytes(content)
    assert set(read_tags(path).text) <= set(SONG.text)


def test_id3_stays_ahead_of_a_readable_lame_header(tmp_path, song, decode, write) -> None:
    write(tmp_path / "a.mp3", song(44100), OutputFormat(container="mp3"), tags=SONG)
    assert MP3(tmp_path / "a.mp3").info.length == pytest.approx(1.0, abs=0.1)
    assert decode(tmp_path / "a.mp3").shape == (2, 44100)
