from __future__ import annotations

import logging
import os
import re
import shutil
import struct
import subprocess
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from vocalsep.audio.reader import open_audio
from vocalsep.audio.reading_options import ReadingOptions
from vocalsep.errors import (
    DamagedAudioError,
    EmptyAudioError,
    InputNotFoundError,
    InputUnreadableError,
    NonFiniteAudioError,
    NotAudioError,
    OptionError,
)

CODECS = {
    "a.wav": "WAV:PCM_16",
    "a.aiff": "AIFF:PCM_16",
    "a.caf": "CAF:PCM_16",
    "a.au": "AU:PCM_16",
    "a.w64": "W64:PCM_16",
    "a.rf64": "RF64:PCM_16",
    "a.flac": "FLAC:PCM_16",
    "a.mp3": "mp3/libmp3lame",
    "a.m4a": "ipod/aac",
    "alac.m4a": "ipod/alac",
    "a.ogg": "OGG:VORBIS",
    "a.opus": "ogg/libopus",
    "a.webm": "webm/libopus",
    "a.wma": "asf/wmav2",
}
N = 4 * 48000


@pytest.fixture(scope="module")
def whole(tmp_path_factory, song, encode) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    for name, codec in CODECS.items():
        options = {"movflags": "faststart"} if codec.startswith("ipod") else {}
        encode(folder / name, song(N, sample_rate=48000), codec, 48000, **options)
    for name, (codec, options) in TIMED.items():
        encode(folder / name, song(N, sample_rate=48000), codec, 48000, **options)
    encode(folder / "no_xing.mp3", song(N, sample_rate=48000), "mp3/libmp3lame", 48000, write_xing="0")
    return folder


def garbled(data: bytes) -> bytes:
    """Four thousand bytes in the middle replaced by noise."""
    middle = len(data) // 2
    return data[:middle] + np.random.default_rng(5).bytes(4000) + data[middle + 4000 :]


@pytest.mark.parametrize("name", CODECS)
def test_cut_file_is_damaged_and_can_be_salvaged(tmp_path, whole, decode, name: str) -> None:
    data = (whole / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises(DamagedAudioError) as caught:
        decode(path)
    assert str(path) in caught.value.message
    assert "salvage=True" in caught.value.hint
    salvaged, original = decode(path, salvage=True), decode(whole / name)
    assert 0.4 * N < salvaged.shape[1] < 0.75 * N
    n = salvaged.shape[1] - 4096  # the last frame of a lossy codec may be guessed
    np.testing.assert_allclose(salvaged[:, :n], original[:, :n], atol=2e-3)


# FFmpeg goes on with the next cluster of a Matroska file. The others here have one cluster, and end there.
TIMED = {
    "clusters.webm": ("webm/libopus", {"cluster_time_limit": "400"}),
    "clusters.mka": ("matroska/flac", {"cluster_time_limit": "400"}),
    "mp3.mka": ("matroska/libmp3lame", {"cluster_time_limit": "400"}),
    "a.flv": ("flv/aac", {}),
}
RESYNCHRONISED = ["a.flac", "a.mp3", "no_xing.mp3", "a.m4a", "alac.m4a", "a.ogg", "a.opus", "a.wma", *TIMED]


@pytest.mark.parametrize("name", RESYNCHRONISED)
def test_corrupt_middle_is_silent_and_what_follows_stays_in_its_place(
    tmp_path, whole, decode, caplog, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(garbled((whole / name).read_bytes()))
    original = decode(whole / name)
    with pytest.raises(DamagedAudioError, match=rf"{name} is damaged: .* at 0:0[12]\.\d\d\d"):
        decode(path, strict=True)
    for salvage in (False, True):
        caplog.clear()
        mended = decode(path, salvage=salvage)
        (warning,) = caplog.messages
        assert warning.startswith(f"{path} is damaged: at 0:0")
        assert re.search(r"at 0:0[12]\.\d+( and \d more places?)?, \d+ ms cannot be decoded", warning)
        assert mended.shape == original.shape
        ends = slice(0, 45000), slice(160_000, N - 4096)  # where the damage has no influence any more
        for end in ends:
            difference = mended[:, end] - original[:, end]
            assert np.abs(difference).mean() < 0.1 * np.abs(original[:, end]).mean()


@pytest.mark.parametrize(("name", "late_ms"), [("a.mkv", 55), ("a.webm", 55), ("a.flv", 55), ("a.mp4", 15)])
def test_stamps_that_jitter_are_no_damage(tmp_path, whole, decode, caplog, name, late_ms) -> None:
    source = {"a.webm": "clusters.webm", "a.flv": "a.flv"}.get(name, "a.m4a")
    rng = np.random.default_rng(7)
    with av.open(str(whole / source)) as read, av.open(str(tmp_path / name), "w") as written:
        stream = written.add_stream_from_template(read.streams.audio[0])
        last = -1
        for packet in read.demux(audio=0):
            if packet.dts is None:
                continue
            late = round(rng.uniform(0, late_ms) / 1000 / packet.time_base)
            last = max(packet.pts + late, last + 1)
            packet.pts = packet.dts = last
            packet.stream = stream
            written.mux(packet)
    decoded, expected = decode(tmp_path / name, strict=True), decode(whole / source)
    assert abs(decoded.shape[1] - expected.shape[1]) <= 3072  # what an edit list takes off is kept elsewhere
    assert not caplog.messages


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="the system's FFmpeg encodes Vorbis")
def test_vorbis_behind_a_lost_cluster_is_in_its_place_to_a_millisecond(
    tmp_path, song, encode, decode, lag, caplog
) -> None:
    path = tmp_path / "a.webm"
    encode(tmp_path / "a.wav", song(N, sample_rate=48000), "WAV:PCM_16", 48000)
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-i",
        tmp_path / "a.wav",
        "-c:a",
        "libvorbis",
        "-cluster_time_limit",
        "400",
    ]
    subprocess.run([*command, path], check=True)
    original = decode(path)
    path.write_bytes(garbled(path.read_bytes()))
    mended = decode(path)
    assert "cannot be decoded and are silent" in caplog.text
    assert abs(mended.shape[1] - original.shape[1]) <= 48
    assert abs(lag(original[:, 160_000:], mended[:, 160_000:])) <= 48


def hit(data: bytes, *places: int, size: int = 30) -> bytes:
    """Noise in the place of some bytes."""
    damaged = bytearray(data)
    for place in places:
        damaged[place : place + size] = np.random.default_rng(place).bytes(size)
    return bytes(damaged)


@pytest.mark.parametrize("name", ["a.mp3", "no_xing.mp3", "a.flac", "a.m4a", "a.ogg", "a.opus"])
def test_damage_of_some_frames_keeps_the_length(tmp_path, whole, decode, caplog, name: str) -> None:
    data, path = (whole / name).read_bytes(), tmp_path / name
    for places in ([len(data) // 3], [len(data) * part // 10 for part in (3, 5, 6)]):
        caplog.clear()
        path.write_bytes(hit(data, *places))
        assert decode(path).shape == decode(whole / name).shape
        # An mp3 has no checksum: what is noise to us may be music to a decoder.
        assert len(caplog.messages) == 1 or (name.endswith("mp3") and not caplog.messages)


def test_bit_of_a_lossless_frame(tmp_path, song, encode, decode) -> None:
    """FFmpeg would pass the noise that comes of it on, unless it is told to look at the checksum."""
    for name, codec in (("a.flac", "FLAC:PCM_16"), ("a.tta", "tta/tta")):
        encode(tmp_path / name, song(N, sample_rate=48000), codec, 48000)
        expected, data = decode(tmp_path / name), bytearray((tmp_path / name).read_bytes())
        data[len(data) // 2] ^= 16
        (tmp_path / name).write_bytes(data)
        mended = decode(tmp_path / name)
        assert mended.shape == expected.shape
        assert np.abs(mended).max() <= np.abs(expected).max()
        differs = np.flatnonzero((mended != expected).any(axis=0))
        assert not mended[:, differs].any()


def test_joined_mp3s(tmp_path, whole, decode, caplog) -> None:
    """Of the second, the header is a silent frame, and the delay of the encoder stays: as any decoder has it."""
    first, second = (whole / "a.mp3").read_bytes(), (whole / "no_xing.mp3").read_bytes()
    for between in (b"", ID3_HEADER, b"TAG" + bytes(125) + ID3_HEADER):
        (tmp_path / "a.mp3").write_bytes(first + between + second)
        decoded = decode(tmp_path / "a.mp3")
        a, b = decode(whole / "a.mp3"), decode(whole / "no_xing.mp3")
        assert abs(decoded.shape[1] - a.shape[1] - b.shape[1]) <= 2 * 1152
        np.testing.assert_array_equal(decoded[:, -N // 2 :], b[:, -N // 2 :])
    assert not caplog.messages


def xing(data: bytes, n_frames: int, n_bytes: int) -> bytes:
    place = max(data.find(b"Xing"), data.find(b"Info"))
    return data[: place + 8] + struct.pack(">II", n_frames, n_bytes) + data[place + 16 :]


def test_header_of_an_mp3_that_is_wrong(tmp_path, whole, decode, caplog) -> None:
    data, path = (whole / "a.mp3").read_bytes(), tmp_path / "a.mp3"
    for n_frames in (0, 100, 400):
        path.write_bytes(xing(data, n_frames, len(data)))
        assert 0 <= decode(path).shape[1] - N <= 1152
    (warning,) = caplog.messages
    assert "it decodes to 0:04.008 of 0:09.568 that its header announces" in warning
    with pytest.raises(DamagedAudioError, match="its header announces"):
        decode(path, strict=True)
    path.write_bytes(xing(data, 400, 2 * len(data)))  # an mp3 that was cut
    with pytest.raises(DamagedAudioError, match="decodes to"):
        decode(path)


def test_mp3_that_lost_bytes_cannot_be_aligned(tmp_path, whole, decode) -> None:
    data = (whole / "a.mp3").read_bytes()
    (tmp_path / "a.mp3").write_bytes(data[:20_000] + data[21_000:])
    with pytest.raises(DamagedAudioError, match="ms are missing, and it cannot be told where"):
        decode(tmp_path / "a.mp3")


@pytest.mark.parametrize("more", [1, 2, 3, 4, 8, 36, 44, 500])
@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.au", "a.caf"])
def test_size_that_is_a_little_too_large(tmp_path, whole, decode, name: str, more: int) -> None:
    data, path = bytearray((whole / name).read_bytes()), tmp_path / name
    place, form = {
        "a.wav": (data.find(b"data") + 4, "<I"),
        "a.aiff": (data.find(b"SSND") + 4, ">I"),
        "a.au": (8, ">I"),
        "a.caf": (data.find(b"data") + 4, ">Q"),
    }[name]
    (size,) = struct.unpack_from(form, data, place)
    struct.pack_into(form, data, place, size + more)
    path.write_bytes(data)
    np.testing.assert_array_equal(decode(path), decode(whole / name))
    struct.pack_into(form, data, place, size + 40_000)
    path.write_bytes(data)
    with pytest.raises(DamagedAudioError):
        decode(path)


def test_size_that_is_a_little_too_large_is_damage_where_asked(tmp_path, whole, decode, caplog) -> None:
    (tmp_path / "a.wav").write_bytes((whole / "a.wav").read_bytes()[:-2])
    with pytest.raises(DamagedAudioError, match=r"it ends 2 bytes before its header says\. Leave out"):
        decode(tmp_path / "a.wav", strict=True)
    assert decode(tmp_path / "a.wav").shape == (2, N - 1)
    assert caplog.messages == [f"{tmp_path / 'a.wav'} is damaged: it ends 2 bytes before its header says"]


def test_last_packet_that_cannot_be_decoded(tmp_path, whole, decode) -> None:
    for name in ("a.m4a", "alac.m4a"):
        data, path = (whole / name).read_bytes(), tmp_path / name
        path.write_bytes(data[:-40] + b"\xff" * 40)
        assert decode(path).shape == decode(whole / name).shape


def test_windows_media_ends_with_the_packets_that_its_header_counts(tmp_path, whole, decode) -> None:
    """Its play duration is no help: here it counts the preroll twice."""
    data, path = bytearray((whole / "a.wma").read_bytes()), tmp_path / "a.wma"
    properties = data.find(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365"))
    (duration,) = struct.unpack_from("<Q", data, properties + 64)
    struct.pack_into("<Q", data, properties + 64, duration + 2 * 10**7)
    path.write_bytes(data)
    np.testing.assert_array_equal(decode(path), decode(whole / "a.wma"))
    for end in (-1, -3000, len(data) * 6 // 10):
        path.write_bytes(data[:end])
        with pytest.raises(DamagedAudioError, match="packets of those that its header counts"):
            decode(path)


def test_streamed_windows_media_ends_where_it_ends(tmp_path, whole, decode) -> None:
    data, path = bytearray((whole / "a.wma").read_bytes()), tmp_path / "a.wma"
    properties = data.find(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365"))
    for place in (40, 56, 64, 72):  # size, packets, durations
        struct.pack_into("<Q", data, properties + place, 0)
    data[properties + 88] |= 1  # broadcast
    path.write_bytes(data)
    np.testing.assert_array_equal(decode(path), decode(whole / "a.wma"))


@pytest.mark.parametrize("start", [b"MPCKSH", b"MP+\x07", b"wvpk", b"TTA1", b"MAC ", b"DSD "])
def test_what_begins_as_audio_and_is_cut_is_damaged(tmp_path, start: bytes) -> None:
    (tmp_path / "a").write_bytes(start + np.random.default_rng(0).bytes(60))
    with pytest.raises(DamagedAudioError):
        open_audio(tmp_path / "a")


def test_strict_and_salvage_exclude_each_other() -> None:
    with pytest.raises(OptionError, match="Choose one"):
        ReadingOptions(strict=True, salvage=True)


@pytest.mark.parametrize("name", ["a.webm"])
def test_corrupt_middle_behind_which_nothing_is_found_is_damage(tmp_path, whole, decode, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(garbled((whole / name).read_bytes()))
    with pytest.raises(DamagedAudioError, match="is damaged"):
        decode(path)
    assert 0.3 * N < decode(path, salvage=True).shape[1] < N


def test_cut_m4a_without_its_index_is_damaged_beyond_salvage(tmp_path, song, encode, decode) -> None:
    encode(tmp_path / "a.m4a", song(N), "ipod/aac")
    data = (tmp_path / "a.m4a").read_bytes()
    (tmp_path / "a.m4a").write_bytes(data[: len(data) // 2])
    for salvage in (False, True):
        with pytest.raises(DamagedAudioError, match="nothing of it"):
            decode(tmp_path / "a.m4a", salvage=salvage)


@pytest.mark.parametrize(
    ("riff", "data"),
    [
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0, 0),
        (8, 0),
        (0x7FFFF024, 0x7FFFF000),
        (0x80000024, 0x80000000),
        (0xFFFFFFFF, 0xFFFFFFDB),
    ],
)
def test_streamed_wav_ends_where_it_ends(tmp_path, whole, decode, riff: int, data: int) -> None:
    content = bytearray((whole / "a.wav").read_bytes())
    content[4:8], content[40:44] = struct.pack("<I", riff), struct.pack("<I", data)
    (tmp_path / "a.wav").write_bytes(content)
    np.testing.assert_array_equal(decode(tmp_path / "a.wav"), decode(whole / "a.wav"))


def test_flipped_bytes_are_damage_and_quiet(tmp_path, whole, decode, capfd, caplog) -> None:
    """Containers that ask FFmpeg for places before the start of the file, and for signals that are none."""
    caplog.set_level(logging.CRITICAL, logger="vocalsep")  # its own warnings aside
    rng = np.random.default_rng(7)
    for name in ("a.wma", "a.caf", "a.w64", "a.aiff", "a.au"):
        data = (whole / name).read_bytes()[:40_000]
        for _ in range(60):
            damaged = bytearray(data)
            for place in rng.integers(0, (64, 512)[rng.integers(2)], 2):
                damaged[place] = rng.integers(256)
            (tmp_path / name).write_bytes(damaged)
            for salvage in (False, True):
                with suppress(DamagedAudioError, NotAudioError, EmptyAudioError):
                    decode(tmp_path / name, salvage=salvage)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("salvage", [False, True])
def test_more_channels_than_ffmpeg_converts(tmp_path, decode, salvage: bool) -> None:
    soundfile.write(tmp_path / "a.au", np.zeros((100, 68)), 48000)
    if salvage:
        with pytest.raises(DamagedAudioError, match="nothing of it"):
            decode(tmp_path / "a.au", salvage=True)
    else:
        assert decode(tmp_path / "a.au").shape == (68, 100)


@pytest.mark.parametrize("salvage", [False, True])
def test_rate_at_which_a_small_file_is_a_day_of_audio_or_nothing(tmp_path, song, decode, salvage: bool) -> None:
    for rate in (999, 10_000_001, 2**31 - 1):
        soundfile.write(tmp_path / "a.au", song(5000).T, rate)
        with pytest.raises(NotAudioError, match=f"sample rate of {rate} Hz"):
            decode(tmp_path / "a.au", salvage=salvage)
    soundfile.write(tmp_path / "a.wav", song(5000).T, 1000)
    assert decode(tmp_path / "a.wav", salvage=salvage).shape == (2, 5000)


APE_HEADER = struct.pack("<8sIIII8x", b"APETAGEX", 2000, 232, 1, 0xA0000000)
ID3_HEADER = b"ID3\x04\x00\x00\x00\x00\x0f\x76" + bytes(15 * 128 + 0x76)


@pytest.mark.parametrize("name", ["a.mp3", "no_xing.mp3"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b""),
        (ID3_HEADER, b""),
        (ID3_HEADER + ID3_HEADER, b"TAG" + b"x" * 125),
        (b"", APE_HEADER + np.random.default_rng(1).bytes(200) + APE_HEADER),
        (np.random.default_rng(2).bytes(700), b""),
        (b"", np.random.default_rng(3).bytes(3000)),
        (bytes(4000), bytes(4000)),
    ],
    ids=["bare", "id3v2", "id3-twice-and-id3v1", "ape", "junk-first", "junk-last", "zeros"],
)
def test_what_surrounds_an_mp3_is_not_damage(
    tmp_path, whole, decode, name: str, before: bytes, after: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(before + (whole / name).read_bytes() + after)
    expected = decode(whole / name)
    decoded = decode(path)
    # Behind junk the LAME header is not seen, by no decoder: delay and padding stay.
    assert 0 <= decoded.shape[1] - expected.shape[1] <= 3 * 1152
    if not before or before.startswith(b"ID3"):
        np.testing.assert_array_equal(decoded[:, : N - 4096], expected[:, : N - 4096])


def test_mp3_cut_from_a_stream_is_not_damaged(tmp_path, whole, decode) -> None:
    data = (whole / "no_xing.mp3").read_bytes()
    (tmp_path / "a.mp3").write_bytes(data[30001:60001])
    n = 30000 / len(data) * N
    assert n - 4 * 1152 < decode(tmp_path / "a.mp3").shape[1] < n + 1152


def test_change_of_rate_and_channels_is_converted(tmp_path, song, decode, encode) -> None:
    encode(tmp_path / "a.mp3", song(88200), "mp3/libmp3lame", 44100, write_xing="0")
    encode(tmp_path / "b.mp3", song(66150, 1), "mp3/libmp3lame", 22050, write_xing="0")
    path = tmp_path / "c.mp3"
    path.write_bytes((tmp_path / "a.mp3").read_bytes() + (tmp_path / "b.mp3").read_bytes())
    decoded = decode(path)
    assert decoded.shape[0] == 2
    assert abs(decoded.shape[1] - 5 * 44100) < 5 * 1152


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_sample_that_is_not_finite(tmp_path, song, decode, bad: float) -> None:
    samples = song(200_000, sample_rate=1000)
    samples[1, 83_250] = samples[0, 150_000] = bad
    soundfile.write(tmp_path / "a.wav", samples.T, 1000, subtype="FLOAT")
    with pytest.raises(NonFiniteAudioError, match=r"at 1:23\.250"):
        decode(tmp_path / "a.wav")
    samples[~np.isfinite(samples)] = 0
    np.testing.assert_array_equal(decode(tmp_path / "a.wav", salvage=True), samples)


def test_missing_file(tmp_path) -> None:
    with pytest.raises(InputNotFoundError, match=r"nothing\.mp3 does not exist"):
        open_audio(tmp_path / "nothing.mp3")


def test_folder(tmp_path) -> None:
    with pytest.raises(InputUnreadableError):
        open_audio(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path, whole) -> None:
    (tmp_path / "a.wav").write_bytes((whole / "a.wav").read_bytes())
    (tmp_path / "a.wav").chmod(0)
    with pytest.raises(InputUnreadableError, match="Permission denied"):
        open_audio(tmp_path / "a.wav")


class FailingFile:
    """Reads from a file until a byte position, then fails as a broken disk does."""

    def __init__(self, path: Path, good_bytes: int) -> None:
        self._file, self._good = path.open("rb"), good_bytes

    def read(self, size: int) -> bytes:
        if self._file.tell() > self._good:
            raise OSError(5, "Input/output error")
        return self._file.read(size)

    def __getattr__(self, name: str):
        return getattr(self._file, name)


def test_disk_that_fails(monkeypatch, whole, decode) -> None:
    monkeypatch.setattr("vocalsep.audio.stored_file.open_file", lambda path: FailingFile(path, 60_000))
    with pytest.raises(InputUnreadableError, match="Input/output error"):
        decode(whole / "a.mp3")


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.flac", "a"])
def test_empty_file(tmp_path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(EmptyAudioError):
        open_audio(tmp_path / name)


def test_wav_without_samples(tmp_path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((0, 2)), 44100)
    with pytest.raises(EmptyAudioError):
        open_audio(tmp_path / "a.wav")


def test_one_sample(tmp_path, decode) -> None:
    soundfile.write(tmp_path / "a.wav", np.array([[0.5, -0.5]]), 44100)
    np.testing.assert_array_equal(decode(tmp_path / "a.wav"), [[0.5], [-0.5]])


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.flac", "a.txt"])
@pytest.mark.parametrize(
    "content",
    [
        b"hello, this is text\n" * 100,
        np.random.default_rng(4).bytes(100),
        np.random.default_rng(5).bytes(100_000),
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile a.wav\n",
        b"\x89PNG\r\n\x1a\n" + bytes(500),
    ],
    ids=["text", "short-noise", "noise", "playlist", "concat", "picture"],
)
def test_what_is_not_audio(tmp_path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NotAudioError, match=r"is not audio|no audio stream"):
        open_audio(tmp_path / name)


@pytest.mark.parametrize("content", [b"ID3", b"ID3\x04\x00\x00\x00\x00\x0f"])
def test_the_start_of_an_id3_tag_alone_is_damaged(tmp_path, content: bytes) -> None:
    (tmp_path / "a.mp3").write_bytes(content)
    with pytest.raises(DamagedAudioError, match="nothing of it"):
        open_audio(tmp_path / "a.mp3")


def test_wav_header_without_a_format_is_damaged(tmp_path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF\x00\x10\x00\x00WAVE" + b"\x01" * 500)
    with pytest.raises(DamagedAudioError, match="nothing of it"):
        open_audio(tmp_path / "a.wav")


def test_video_without_sound(tmp_path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25, width=64, height=64, pix_fmt="yuv420p")
        picture = av.VideoFrame(64, 64, "yuv420p")
        picture.pts = 0
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    with pytest.raises(NotAudioError, match="no audio stream"):
        open_audio(tmp_path / "a.mp4")


def flac_frames(data: bytes) -> list[int]:
    """Where the frames of a FLAC file of fewer than 128 frames begin, of those that are as long as the first."""
    start = 4
    while not data[start] & 128:
        start += 4 + int.from_bytes(data[start + 1 : start + 4], "big")
    place = start + 4 + int.from_bytes(data[start + 1 : start + 4], "big")
    sync = re.escape(data[place : place + 3])
    frames: list[int] = []
    while found := re.compile(sync + b"." + re.escape(bytes([len(frames)])), re.DOTALL).search(data, place):
        frames.append(found.start())
        place = found.end()
    return frames


def test_the_first_flac_frame_is_silent_in_its_place(tmp_path, whole, decode, caplog) -> None:
    data, path = (whole / "a.flac").read_bytes(), tmp_path / "a.flac"
    first, second = flac_frames(data)[:2]
    path.write_bytes(hit(data, (first + second) // 2, size=8))
    mended, original = decode(path), decode(whole / "a.flac")
    assert mended.shape == original.shape
    silent = int(np.flatnonzero((mended == original).all(axis=0) & (np.abs(original) > 0.01).any(axis=0))[0])
    assert 1000 < silent < 10_000
    assert not mended[:, : silent // 2].any()
    np.testing.assert_array_equal(mended[:, silent:], original[:, silent:])
    (warning,) = caplog.messages
    assert "at 0:00.000, " in warning


def test_a_flac_that_lacks_a_frame_is_refused(tmp_path, whole, decode) -> None:
    """A frame of 4096 samples is less than what other containers may lack of a rough length."""
    data, path = (whole / "a.flac").read_bytes(), tmp_path / "a.flac"
    path.write_bytes(data[: flac_frames(data)[-1]])
    with pytest.raises(DamagedAudioError, match=r"is damaged: \d+ samples are missing"):
        decode(path)
    assert N - 10_000 < decode(path, salvage=True).shape[1] < N


@pytest.mark.parametrize("name", ["a.ogg", "a.opus"])
@pytest.mark.parametrize(("which", "what"), [(2, "first page of sound"), (-1, "last page")])
def test_a_bit_of_the_first_and_of_the_last_page_of_sound(
    tmp_path, whole, decode, name: str, which: int, what: str
) -> None:
    data, path = bytearray((whole / name).read_bytes()), tmp_path / name
    pages = [match.start() for match in re.finditer(b"OggS", data)]
    data[pages[which] + 27 + data[pages[which] + 26] + 20] ^= 1
    path.write_bytes(data)
    for strict in (False, True):
        with pytest.raises(DamagedAudioError, match=f"its {what} is damaged"):
            decode(path, strict=strict)
    assert decode(path, salvage=True).shape[1] > N // 2


@pytest.mark.parametrize("name", ["a.flac", "a.wav"])
def test_a_strict_reader_is_never_told_to_pass_both(tmp_path, whole, decode, name: str) -> None:
    path = tmp_path / name
    data = (whole / name).read_bytes()
    path.write_bytes(garbled(data) if name == "a.flac" else data[:-40_000])
    with pytest.raises(DamagedAudioError) as caught:
        decode(path, strict=True)
    assert "strict=True" in caught.value.hint
    assert not caught.value.hint.startswith("Pass salvage=True to")


def test_channels_without_loudspeakers_have_no_layout(tmp_path) -> None:
    path = tmp_path / "a.mka"
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("pcm_s16le", rate=48000, layout="7 channels")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 7 * 4800), np.int16), format="s16", layout="7 channels")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with open_audio(path) as reader:
        assert (reader.info.channels, "NONE" in reader.info.layout) == (7, False)
