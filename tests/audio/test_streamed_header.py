"""Files whose header does not say how long they are, as programs write them to a pipe."""

import shutil
import struct
import subprocess
import time

import av
import numpy as np
import pytest
import soundfile

from vocalsep.audio.reader import open_audio
from vocalsep.errors import EmptyAudioError, InputError

N = 20_000
PLACEHOLDERS = [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x7F000000]


def put(path, changes):
    data = bytearray(path.read_bytes())
    for place, form, value in changes(data):
        struct.pack_into(form, data, place, value)
    path.write_bytes(data)


@pytest.mark.parametrize("size", PLACEHOLDERS)
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "PCM_U8"])
def test_aiff(tmp_path, song, decode, size, subtype):
    soundfile.write(tmp_path / "a.aiff", song(N).T, 44_100, subtype=subtype)
    expected = decode(tmp_path / "a.aiff")

    def changes(data):
        ssnd, comm = data.index(b"SSND"), data.index(b"COMM")
        return (4, ">I", size), (ssnd + 4, ">I", size), (comm + 10, ">I", 0)

    put(tmp_path / "a.aiff", changes)
    np.testing.assert_array_equal(decode(tmp_path / "a.aiff"), expected)


def test_aiff_whose_sound_chunk_counts_its_own_fields_alone(tmp_path, song, decode):
    soundfile.write(tmp_path / "a.aiff", song(N).T, 44_100)
    expected = decode(tmp_path / "a.aiff")
    sizes = {b"SSND": (4, 8), b"COMM": (10, 0)}
    put(tmp_path / "a.aiff", lambda data: [(data.index(name) + at, ">I", n) for name, (at, n) in sizes.items()])
    np.testing.assert_array_equal(decode(tmp_path / "a.aiff"), expected)


def test_aiff_that_is_empty_stays_empty(tmp_path):
    soundfile.write(tmp_path / "a.aiff", np.zeros((0, 2)), 44_100)
    with (tmp_path / "a.aiff").open("ab") as file:
        file.write(b"ANNO" + struct.pack(">I", 400) + b"x" * 400)
    with pytest.raises(EmptyAudioError):
        open_audio(tmp_path / "a.aiff")


@pytest.mark.parametrize("size", [0, 2**64 - 1, 2**63 - 1, 0xFFFFFFFF])
def test_rf64_and_its_successor(tmp_path, song, decode, size):
    soundfile.write(tmp_path / "a.rf64", song(N).T, 44_100, format="RF64")
    expected = decode(tmp_path / "a.rf64")
    put(tmp_path / "a.rf64", lambda data: [(data.index(b"ds64") + 8 + 8 * i, "<Q", size) for i in range(3)])
    np.testing.assert_array_equal(decode(tmp_path / "a.rf64"), expected)
    data = (tmp_path / "a.rf64").read_bytes()
    (tmp_path / "a.wav").write_bytes(b"BW64" + data[4:])
    np.testing.assert_array_equal(decode(tmp_path / "a.wav"), expected)


@pytest.mark.parametrize("size", [0, 24, 2**64 - 1, 2**63 - 1])
def test_w64(tmp_path, song, decode, size):
    soundfile.write(tmp_path / "a.w64", song(N).T, 44_100)
    expected = decode(tmp_path / "a.w64")
    put(tmp_path / "a.w64", lambda data: [(16, "<Q", size), (data.index(b"data\xf3") + 16, "<Q", size)])
    np.testing.assert_array_equal(decode(tmp_path / "a.w64"), expected)


def test_wav_of_a_codec(tmp_path, song, encode, decode):
    encode(tmp_path / "a.wav", song(N), "wav/adpcm_ms")
    expected = decode(tmp_path / "a.wav")
    put(tmp_path / "a.wav", lambda data: [(4, "<I", 0xFFFFFFFF), (data.index(b"data") + 4, "<I", 0xFFFFFFFF)])
    decoded = decode(tmp_path / "a.wav")
    np.testing.assert_array_equal(decoded[:, : expected.shape[1]], expected)
    assert 0 <= decoded.shape[1] - expected.shape[1] < 1100  # the padding of the last block


def in_flac(data, total):
    (packed,) = struct.unpack(">Q", data[18:26])
    return struct.pack(">Q", packed & ~(2**36 - 1) | total) + bytes(16)


@pytest.mark.parametrize("total", [0, 2**36 - 1])
@pytest.mark.parametrize(("subtype", "depth"), [("PCM_16", "16"), ("PCM_24", "24")])
def test_flac(tmp_path, song, decode, total, subtype, depth):
    path = tmp_path / "a.flac"
    soundfile.write(path, song(100_001).T, 44_100, subtype=subtype)
    expected, data = decode(path), bytearray(path.read_bytes())
    data[18:42] = in_flac(data, total)
    path.write_bytes(data)
    with open_audio(path) as audio:
        assert (audio.info.n_samples, audio.info.depth) == (None, depth)
    np.testing.assert_array_equal(decode(path), expected)
    data[8:18] = struct.pack(">HH", 16, 65535) + bytes(6)  # nor the sizes of its frames
    path.write_bytes(data)
    np.testing.assert_array_equal(decode(path), expected)


def test_segment_of_a_flac(tmp_path, song, decode):
    """Its frames count on from the segment before, and its header has the length of the whole."""
    path = tmp_path / "a.flac"
    soundfile.write(path, song(100_000).T, 44_100, subtype="PCM_16")
    expected = decode(path)
    with av.open(str(path)) as whole:
        packets = [bytes(packet) for packet in whole.demux(audio=0) if packet.size]
    data = path.read_bytes()
    header = data[: data.index(packets[0][:16])]
    for first, n_samples in ((1, 100_000 - 4096), (5, 100_000 - 5 * 4096), (len(packets) - 1, 100_000 % 4096)):
        path.write_bytes(header + b"".join(packets[first:]))
        np.testing.assert_array_equal(decode(path), expected[:, -n_samples:])


@pytest.mark.skipif(not shutil.which("sox"), reason="sox writes the files")
@pytest.mark.parametrize("kind", ["aiff", "aifc", "wav", "au", "w64", "8svx", "flac", "sph", "ircam"])
def test_what_sox_writes_to_a_pipe(tmp_path, song, decode, kind):
    soundfile.write(tmp_path / "a.wav", song(N).T, 44_100, subtype="PCM_16")
    with (tmp_path / "b").open("wb") as pipe:
        subprocess.run(["sox", "-D", tmp_path / "a.wav", "-t", kind, "-"], stdout=pipe, check=True)
    step = 2**-7 if kind == "8svx" else 0
    np.testing.assert_allclose(decode(tmp_path / "b"), decode(tmp_path / "a.wav"), atol=step)


def test_rf64_whose_chunk_of_long_sizes_has_no_room_for_them(tmp_path):
    fields = struct.pack("<IHHIIHH", 16, 1, 2, 44_100, 176_400, 4, 16)
    unknown = b"\xff" * 4
    (tmp_path / "a.wav").write_bytes(
        b"RF64" + unknown + b"WAVEfmt " + fields + b"ds64" + bytes(4) + b"data" + unknown
    )
    with pytest.raises(InputError):
        open_audio(tmp_path / "a.wav")


@pytest.mark.parametrize("excess", [1, 100, 5_000])
@pytest.mark.parametrize("n", [3 * 4096, 3 * 4096 + 100, 3 * 4096 + 192, 3 * 4096 + 576, 200_000])
@pytest.mark.parametrize("level", [0.0, 0.5])  # frames of 1152 and of 4096 samples
def test_flac_that_goes_on_behind_the_samples_that_its_header_counts(tmp_path, song, decode, excess, n, level):
    soundfile.write(tmp_path / "a.flac", song(n).T, 44_100, compression_level=level)
    expected = decode(tmp_path / "a.flac")
    assert expected.shape == (2, n)
    put(tmp_path / "a.flac", lambda data: [(22, ">I", n - excess)])
    np.testing.assert_array_equal(decode(tmp_path / "a.flac"), expected)


def test_flac_whose_last_bytes_look_like_a_frame(tmp_path, song, decode):
    soundfile.write(tmp_path / "a.flac", song(N).T, 44_100)
    whole, data = decode(tmp_path / "a.flac"), (tmp_path / "a.flac").read_bytes()
    for n in range(2, 6):
        (tmp_path / "a.flac").write_bytes(data + b"\xff\xf8\xc9\x18\x00"[:n])
        np.testing.assert_array_equal(decode(tmp_path / "a.flac"), whole)


def test_flac_of_silence_that_is_cut(tmp_path, decode):
    """All of its frames are a few bytes, and none is the last."""
    soundfile.write(tmp_path / "a.flac", np.zeros((600 * 44_100, 2), np.int16), 44_100)
    data = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(data[:-2])
    began = time.process_time()
    with open_audio(tmp_path / "a.flac"):
        assert time.process_time() - began < 1
