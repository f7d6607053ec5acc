"""Waves of more than 4 GiB, in and out. The files have holes, and take no room on most disks."""

import shutil
import struct

import numpy as np
import pytest
import soundfile

from vocalsep.audio.excerpt import extent_of, read_excerpt
from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.reader import open_audio

CHANNELS, RATE = 64, 192_000
FRAME_BYTES = 4 * CHANNELS
N_SAMPLES = 2**32 // FRAME_BYTES + RATE  # a second beyond 4 GiB
DATA_BYTES = N_SAMPLES * FRAME_BYTES
MARK = np.linspace(-0.5, 0.5, 1000 * CHANNELS, dtype="<f4").reshape(-1, CHANNELS)

FORMAT = struct.pack("<HHIIHH", 3, CHANNELS, RATE, RATE * FRAME_BYTES, FRAME_BYTES, 32)
W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")


def rf64_header() -> bytes:
    ds64 = struct.pack("<QQQI", DATA_BYTES + 72, DATA_BYTES, N_SAMPLES, 0)
    riff = b"RF64" + b"\xff" * 4 + b"WAVE" + b"ds64" + struct.pack("<I", len(ds64)) + ds64
    return riff + b"fmt " + struct.pack("<I", len(FORMAT)) + FORMAT + b"data" + b"\xff" * 4


def w64_header() -> bytes:
    """As Sonic Foundry has it: GUIDs for names, and sizes that count name and size too."""
    riff = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000")
    format = b"fmt " + W64_TAIL + struct.pack("<Q", 24 + len(FORMAT)) + FORMAT
    start = riff + struct.pack("<Q", 40 + len(format) + 24 + DATA_BYTES) + b"wave" + W64_TAIL + format
    return start + b"data" + W64_TAIL + struct.pack("<Q", 24 + DATA_BYTES)


@pytest.fixture(params=[rf64_header, w64_header], ids=["rf64", "w64"])
def large(request, tmp_path):
    """A file of zeros that ends in `MARK`."""
    path, header = tmp_path / "large.wav", request.param()
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + DATA_BYTES)
        file.seek(-MARK.nbytes, 2)
        file.write(MARK.tobytes())
    if path.stat().st_blocks * 512 > 2**30:
        pytest.skip("files have no holes here")
    return path


def test_the_end_is_where_the_header_says(large):
    extent = extent_of(large)
    assert (extent.sample_rate, extent.channels, extent.n_samples) == (RATE, CHANNELS, N_SAMPLES)
    np.testing.assert_array_equal(read_excerpt(large, N_SAMPLES - 1000, 1000), MARK.T)
    with open_audio(large) as audio:
        assert (audio.info.n_samples, audio.info.channels, audio.info.depth) == (N_SAMPLES, CHANNELS, "float")
        assert not next(audio.blocks()).any()


@pytest.mark.long
def test_it_is_split_into_one_as_large(large, separator, tmp_path):
    if shutil.disk_usage(tmp_path).free < 6 * 2**30:
        pytest.skip("less than 6 GiB free")
    result = separator.separate_file(
        large, tmp_path / "out", stems=["accompaniment"], format=OutputFormat(depth="float")
    )
    path = result.outputs["accompaniment"]
    with path.open("rb") as file:
        assert file.read(4) == b"RF64"
    info = soundfile.info(path)
    assert (info.samplerate, info.channels, info.frames) == (RATE, CHANNELS, N_SAMPLES)
    # but for the front pair the accompaniment is the input
    np.testing.assert_array_equal(read_excerpt(path, N_SAMPLES - 1000, 1000)[2:], MARK.T[2:])
    path.unlink()
