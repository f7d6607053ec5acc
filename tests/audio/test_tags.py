from __future__ import annotations

import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import mutagen
import numpy as np
import pytest
from av.container import OutputContainer
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.apev2 import APEv2, APEValue
from mutagen.asf import ASF, ASFByteArrayAttribute
from mutagen.flac import FLAC
from mutagen.id3 import COMM, ID3, POPM, SYLT, TCON, TIT2, TXXX
from mutagen.mp3 import MP3

from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.picture import Picture
from vocalsep.audio.stem_files import StemFiles
from vocalsep.audio.tag_fields import FIELDS
from vocalsep.audio.tags import Tags, read_model, read_tags, write_tags

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
        "subtitle": ("Second line",),
        "grouping": ("Group",),
        "lyricist": ("Poet",),
        "conductor": ("Conductor",),
        "remixer": ("Remixer", "Another"),
        "label": ("Label",),
        "isrc": ("USRC17607839",),
        "bpm": ("128",),
        "initialkey": ("F#m",),
        "compilation": ("1",),
        "language": ("deu",),
        "mood": ("Calm",),
        "originaldate": ("1999",),
        "titlesort": ("Lied",),
        "artistsort": ("First, The",),
        "albumsort": ("Album, The",),
        "albumartistsort": ("Various, The",),
        "composersort": ("Composer, The",),
        "encodedby": ("vocalsep m",),
        "lyrics": ("A line\nand another 音",),
        "syncedlyrics": ("[00:01.500]A line\n[01:02.250]and another 音",),
        "rating": ("80",),
        "catalognumber": ("CAT 1",),
        "barcode": ("0123456789012",),
        "musicbrainz_trackid": ("5a4f0b6c-0000-4000-8000-000000000001",),
        "musicbrainz_releasetrackid": ("5a4f0b6c-0000-4000-8000-000000000002",),
        "musicbrainz_albumid": ("5a4f0b6c-0000-4000-8000-000000000003",),
        "musicbrainz_artistid": ("5a4f0b6c-0000-4000-8000-000000000004", "5a4f0b6c-0000-4000-8000-000000000005"),
        "musicbrainz_albumartistid": ("5a4f0b6c-0000-4000-8000-000000000006",),
        "musicbrainz_releasegroupid": ("5a4f0b6c-0000-4000-8000-000000000007",),
        "musicbrainz_workid": ("5a4f0b6c-0000-4000-8000-000000000008",),
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


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_picture_that_a_container_cannot_hold_is_left_out_with_one_warning(
    tmp_path, song, caplog, container: str
) -> None:
    """FLAC counts the bytes of a picture in 24 bits, MP4 knows JPEG and PNG; two stems are one warning."""
    huge = Picture(data=PNG.data[:8] + bytes(2**24), mime="image/png")
    webp = Picture(data=b"RIFF\x10\0\0\0WEBPVP8 " + bytes(100), mime="image/webp")
    targets = {stem: tmp_path / f"{stem}.{container}" for stem in ("vocals", "accompaniment")}
    with StemFiles(
        targets,
        sample_rate=44100,
        channels=2,
        format=OutputFormat(container=container),
        tags=Tags(pictures=(huge, webp, PNG)),
    ) as files:
        files.write(dict.fromkeys(targets, song(3000)))
        files.commit()
    lost = {"flac": [huge], "m4a": [webp]}.get(container, [])
    for path in targets.values():
        found = [picture.data for picture in read_tags(path).pictures]
        assert found == [picture.data for picture in (huge, webp, PNG) if picture not in lost]
    assert [record.levelname for record in caplog.records] == ["WARNING"] * len(lost)
    for picture in lost:
        assert f"{picture.mime} of {len(picture.data) / 1e6:.1f} MB" in caplog.text
        assert container in caplog.text


def test_every_field_is_in_the_documented_table() -> None:
    table = (Path(__file__).parents[2] / "docs" / "tags.md").read_text(encoding="utf-8")
    assert set(SONG.text) == {field.name for field in FIELDS}
    for field in FIELDS:
        assert f"| `{field.name}` |" in table
        assert f"`{field.id3}`" in table


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_cover_alone_is_kept(tmp_path, song, write, container: str) -> None:
    write(tmp_path / f"a.{container}", song(3000), OutputFormat(container=container), tags=Tags(pictures=(JPEG,)))
    if container == "flac":  # no comments at all, as some taggers leave it
        file = FLAC(tmp_path / "a.flac")
        file.metadata_blocks.remove(file.tags)
        file.save()
        assert FLAC(tmp_path / "a.flac").tags is None
    assert [picture.data for picture in read_tags(tmp_path / f"a.{container}").pictures] == [JPEG.data]


def test_covers_of_windows_media_and_ape_tags(tmp_path, song, encode) -> None:
    encode(tmp_path / "a.wma", song(9000), "asf/wmav2")
    asf = ASF(tmp_path / "a.wma")
    text = "image/jpeg".encode("utf-16-le") + b"\0\0" + "cover".encode("utf-16-le") + b"\0\0"
    value = struct.pack("<BI", 3, len(JPEG.data)) + text + JPEG.data
    asf.tags["WM/Picture"] = [ASFByteArrayAttribute(value)]
    asf.save()
    assert read_tags(tmp_path / "a.wma") == Tags(pictures=(JPEG,))
    encode(tmp_path / "a.wv", song(9000), "wv/wavpack")
    ape = APEv2()
    ape["Cover Art (Front)"] = APEValue(b"cover.png\0" + PNG.data, 1)
    ape.save(tmp_path / "a.wv")
    assert read_tags(tmp_path / "a.wv") == Tags(pictures=(replace(PNG, kind=3),))


def test_tags_that_only_ffmpeg_reads(tmp_path, song) -> None:
    """Matroska, WebM, CAF, AVI, and a wav with no more than RIFF INFO, one of them in a code page of Windows."""
    metadata = {"title": "Titel ü", "artist": "A", "genre": "Jazz", "date": "2001", "comment": "hm"}
    known = {
        "mka": ("matroska", "aac"),
        "mkv": ("matroska", "flac"),
        "webm": ("webm", "libopus"),
        "caf": ("caf", "pcm_s16le"),
        "avi": ("avi", "pcm_s16le"),
        "wav": ("wav", "pcm_s16le"),
        "w64": ("w64", "pcm_s16le"),
        "nut": ("nut", "pcm_s16le"),
    }
    for ending, (muxer, codec) in known.items():
        path = tmp_path / f"a.{ending}"
        _encode_with_metadata(path, song(4800), muxer, codec, metadata)
        found = dict(read_tags(path).text)
        if ending == "w64":  # which has no place for tags
            assert found == {}
        else:
            assert found == {name: (value,) for name, value in metadata.items()}, ending
    content = (tmp_path / "a.wav").read_bytes().replace("Titel ü".encode(), b"Titel \xfc!")
    (tmp_path / "a.wav").write_bytes(content)
    assert read_tags(tmp_path / "a.wav").text["title"] == ("Titel ü!",)


def _encode_with_metadata(
    path: Path, samples: np.ndarray, muxer: str, codec: str, metadata: dict[str, str]
) -> None:
    with av.open(str(path), "w", format=muxer) as container:
        container.metadata.update(metadata)
        stream = container.add_stream(codec, rate=48000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = 48000, 0
        resampler = av.AudioResampler(stream.format, "stereo", 48000, stream.frame_size or 0)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def test_a_cover_attached_to_matroska(tmp_path, song) -> None:
    if not hasattr(OutputContainer, "add_attachment"):
        pytest.skip("this PyAV attaches nothing")
    jpeg = _small_jpeg()
    with av.open(str(tmp_path / "a.mka"), "w", format="matroska") as container:
        sound = container.add_stream("pcm_s16le", rate=48000, layout="stereo")
        container.add_attachment("cover.jpg", "image/jpeg", jpeg)
        frame = av.AudioFrame.from_ndarray(
            (song(4800).T * 32767).astype(np.int16).reshape(1, -1), format="s16", layout="stereo"
        )
        frame.sample_rate, frame.pts = 48000, 0
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    assert read_tags(tmp_path / "a.mka") == Tags(pictures=(Picture(data=jpeg, mime="image/jpeg"),))


def _small_jpeg() -> bytes:
    codec = av.CodecContext.create("mjpeg", "w")
    codec.width = codec.height = 16
    codec.pix_fmt, codec.time_base = "yuvj420p", Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(np.full((24, 16), 128, np.uint8), format="yuv420p")
    return b"".join(
        bytes(packet) for packet in (*codec.encode(frame.reformat(format="yuvj420p")), *codec.encode(None))
    )


def test_an_id3_tag_ahead_of_any_file_and_an_ape_tag_behind(tmp_path, song, encode, write) -> None:
    encode(tmp_path / "a.ac3", song(9000), "ac3/ac3")
    encode(tmp_path / "a.tta", song(9000), "tta/tta")
    write(tmp_path / "a.wav", song(3000), OutputFormat())
    for ending in ("ac3", "tta", "wav"):
        path = tmp_path / f"a.{ending}"
        content = path.read_bytes()
        id3 = ID3()
        id3.add(TIT2(encoding=3, text=["ahead"]))
        id3.save(tmp_path / "id3")
        path.write_bytes((tmp_path / "id3").read_bytes() + content)
        assert dict(read_tags(path).text) == {"title": ("ahead",)}, ending
        path.write_bytes(content)
        ape = APEv2()
        ape["Title"] = "behind"
        ape.save(path)
        assert dict(read_tags(path).text) == {"title": ("behind",)}, ending


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_stem_says_which_model_made_it(tmp_path, song, write, container: str) -> None:
    path = tmp_path / f"a.{container}"
    tags = Tags(text={"encodedby": ("LAME",)})
    write(path, song(3000), OutputFormat(container=container), tags=tags)
    assert read_model(path) is None
    write(path, song(3000), OutputFormat(container=container), tags=tags.made_by("a+b"))
    assert read_model(path) == "a+b"


def test_loudness_of_the_song_is_not_that_of_a_stem(tmp_path, song, write) -> None:
    write(tmp_path / "a.flac", song(3000), OutputFormat(container="flac"), tags=Tags(text={"title": ("T",)}))
    file = FLAC(tmp_path / "a.flac")
    file["replaygain_track_gain"], file["replaygain_track_peak"], file["r128_track_gain"] = "-8 dB", "0.9", "-100"
    file.save()
    assert dict(read_tags(tmp_path / "a.flac").text) == {"title": ("T",)}


def test_ratings_are_hundredths_whatever_they_are_counted_in(tmp_path, song, write) -> None:
    """ID3 counts to 255 (Windows writes 1, 64, 128, 196, 255), Vorbis comments to 100 or in stars."""
    write(tmp_path / "a.mp3", song(3000), OutputFormat(container="mp3"), tags=Tags(text={"title": ("T",)}))
    for popm, hundredths in ((1, 1), (64, 25), (128, 50), (196, 77), (255, 100)):
        id3 = ID3(tmp_path / "a.mp3")
        id3.setall("POPM", [POPM(email="Windows Media Player 9 Series", rating=popm, count=3)])
        id3.save()
        assert read_tags(tmp_path / "a.mp3").text["rating"] == (str(hundredths),)
    write(tmp_path / "a.flac", song(3000), OutputFormat(container="flac"))
    for text, hundredths in (("4", ("80",)), ("70", ("70",)), ("good", None), ("1000", None)):
        file = FLAC(tmp_path / "a.flac")
        file["rating"] = text
        file.save()
        assert read_tags(tmp_path / "a.flac").text.get("rating") == hundredths


@pytest.mark.parametrize(
    ("entries", "lrc"),
    [
        ([("One", 0), ("two", 61500)], "[00:00.000]One\n[01:01.500]two"),
        ([("One", 0), (" more", 300), ("\ntwo", 1000)], "[00:00.000]One more\n[00:01.000]two"),
        ([("One\n", 0), ("tw", 1000), ("o\n", 1200)], "[00:00.000]One\n[00:01.000]two"),
    ],
)
def test_timed_lyrics_of_id3_are_lrc(tmp_path, song, write, entries, lrc: str) -> None:
    write(tmp_path / "a.mp3", song(3000), OutputFormat(container="mp3"), tags=Tags(text={"title": ("T",)}))
    id3 = ID3(tmp_path / "a.mp3")
    id3.add(SYLT(encoding=3, lang="eng", format=2, type=1, desc="", text=entries))
    id3.save()
    assert read_tags(tmp_path / "a.mp3").text["syncedlyrics"] == (lrc,)


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
