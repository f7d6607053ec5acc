"""Tags of mp3 around files of any kind are no part of their audio."""

import struct

import av
import numpy as np
import pytest

FRONT_BYTES = 700


def id3v1() -> bytes:
    return b"TAG" + b"Title".ljust(30, b"\0") + bytes(95)


def ape(flags: int = 0xA0000000) -> bytes:
    item = struct.pack("<II", 300, 0) + b"Artist\0" + b"x" * 300
    header = struct.pack("<8sIIII8x", b"APETAGEX", 2000, len(item) + 32, 1, flags)
    footer = struct.pack("<8sIIII8x", b"APETAGEX", 2000, len(item) + 32, 1, flags & ~0x20000000)
    return (header if flags else b"") + item + footer


def lyrics3() -> bytes:
    text = b"LYRICSBEGININD0000200LYR00011Hello world"
    return text + b"%06d" % len(text) + b"LYRICS200"


def id3v2(has_footer: bool = False) -> bytes:
    size = bytes([0, 0, FRONT_BYTES >> 7, FRONT_BYTES & 127])
    body = (b"TIT2" + struct.pack(">I", 6) + b"\0\0\0Title").ljust(FRONT_BYTES, b"\0")
    kind = b"\x04\0\x10" if has_footer else b"\x04\0\0"
    return b"ID3" + kind + size + body + (b"3DI" + kind + size if has_footer else b"")


FILES = {
    "a.flac": "FLAC:PCM_16",
    "a.wav": "WAV:PCM_16",
    "a.aiff": "AIFF:PCM_16",
    "a.ogg": "OGG:VORBIS",
    "a.wv": "wv/wavpack",
    "a.tta": "tta/tta",
    "a.mp3": "mp3/libmp3lame",
    "a.m4a": "ipod/aac",
    "a.mka": "matroska/flac",
    "a.wma": "asf/wmav2",
    "a.aac": "adts/aac",
    "a.ac3": "ac3/ac3",
    "a.opus": "ogg/libopus",
}
BEHIND = {
    "id3v1": id3v1(),
    "ape": ape(),
    "ape-without-header": ape(0),
    "ape-and-id3v1": ape() + id3v1(),
    "id3v1-and-ape": id3v1() + ape(),
    "lyrics3-v2": lyrics3() + id3v1(),
    "lyrics3-v1": b"LYRICSBEGIN" + b"la la " * 20 + b"LYRICSEND" + id3v1(),
    "enhanced": b"TAG+" + bytes(223) + id3v1(),
    "id3v2.4": id3v2(has_footer=True),
    "all": ape() + lyrics3() + id3v1(),
}
AHEAD = {
    "id3v2": id3v2(),
    "twice": id3v2() + id3v2(),
    "with-footer": id3v2(has_footer=True),
    "padded": id3v2() + bytes(900),
    "ape": ape(),
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory, song, encode):
    folder = tmp_path_factory.mktemp("plain")
    for name, codec in FILES.items():
        encode(folder / name, song(24_000, sample_rate=48_000), codec, 48_000)
    return folder


@pytest.mark.parametrize("name", FILES)
def test_tags_behind_any_file(tmp_path, plain, decode, name):
    expected, data = decode(plain / name), (plain / name).read_bytes()
    for kind, tag in BEHIND.items():
        (tmp_path / name).write_bytes(data + tag)
        np.testing.assert_array_equal(decode(tmp_path / name), expected, err_msg=kind)


@pytest.mark.parametrize("name", FILES)
def test_tags_ahead_of_any_file(tmp_path, plain, decode, name):
    expected, data = decode(plain / name), (plain / name).read_bytes()
    for kind, tag in AHEAD.items():
        (tmp_path / name).write_bytes(tag + data)
        np.testing.assert_array_equal(decode(tmp_path / name), expected, err_msg=kind)


def test_samples_that_look_like_a_tag_are_samples(tmp_path, decode):
    """A container that says how long it is may end with anything."""
    samples = np.frombuffer(bytes(2000) + id3v1(), np.int16)
    with av.open(str(tmp_path / "a.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    np.testing.assert_array_equal(decode(tmp_path / "a.wav")[0], samples / 32768)
