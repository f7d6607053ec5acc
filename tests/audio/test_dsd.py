"""DSD comes out at a rate and depth that people can use."""

import struct

import numpy as np
import pytest

from vocalsep.audio.reader import open_audio

BLOCK_BYTES = 4096


def one_bit(signal):
    """A sigma-delta modulator of the second order."""
    bits, first, second = np.empty(len(signal), np.uint8), 0.0, 0.0
    for i, sample in enumerate(signal):
        bits[i] = second >= 0
        out = 1.0 if bits[i] else -1.0
        first += sample - out
        second += first - 0.5 * out
    return bits


def tones(rate, n_bits):
    time = np.arange(n_bits) / rate
    return [one_bit(0.4 * np.sin(2 * np.pi * 500 * k * time)) for k in (1, 2)]


def write_dsf(path, rate, n_blocks):
    n_bits = 8 * BLOCK_BYTES * n_blocks
    packed = np.packbits(tones(rate, n_bits), axis=1, bitorder="little")
    data = packed.reshape(2, -1, BLOCK_BYTES).swapaxes(0, 1).tobytes()
    format = struct.pack("<4sQIIIIIIQII", b"fmt ", 52, 1, 0, 2, 2, rate, 1, n_bits, BLOCK_BYTES, 0)
    chunk = struct.pack("<4sQ", b"data", 12 + len(data)) + data
    path.write_bytes(struct.pack("<4sQQQ", b"DSD ", 28, 28 + len(format) + len(chunk), 0) + format + chunk)
    return n_bits


def write_dff(path, rate, n_bits):
    def chunk(name, body):
        return name + struct.pack(">Q", len(body)) + body

    data = np.packbits(tones(rate, n_bits), axis=1).T.tobytes()
    sound = b"SND " + chunk(b"FS  ", struct.pack(">I", rate)) + chunk(b"CHNL", struct.pack(">H", 2) + b"SLFTSRGT")
    compression = chunk(b"CMPR", b"DSD \x0enot compressed\0")
    body = (
        b"DSD " + chunk(b"FVER", bytes([1, 5, 0, 0])) + chunk(b"PROP", sound + compression) + chunk(b"DSD ", data)
    )
    path.write_bytes(chunk(b"FRM8", body))


@pytest.mark.parametrize(
    ("rate", "expected"), [(2_822_400, 88_200), (5_644_800, 88_200), (3_072_000, 96_000), (11_289_600, 88_200)]
)
def test_dsf(tmp_path, decode, rate, expected):
    n_bits = write_dsf(tmp_path / "a.dsf", rate, n_blocks=12)
    with open_audio(tmp_path / "a.dsf") as audio:
        assert (audio.info.sample_rate, audio.info.depth, audio.info.channels) == (expected, "24", 2)
        assert audio.info.n_samples == round(n_bits / rate * expected)
    samples = decode(tmp_path / "a.dsf")
    assert samples.shape == (2, round(n_bits / rate * expected))
    check_tones(samples, expected)


def test_dff(tmp_path, decode):
    write_dff(tmp_path / "a.dff", 2_822_400, 282_240)
    samples = decode(tmp_path / "a.dff")
    assert samples.shape == (2, 8820)
    check_tones(samples, 88_200)


def check_tones(samples, rate):
    """Each channel is its tone, and little else that can be heard."""
    middle = samples[:, 500:-500]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(middle.shape[1])))
    hertz = np.fft.rfftfreq(middle.shape[1], 1 / rate)
    for channel, tone in enumerate((500, 1000)):
        assert hertz[spectrum[channel].argmax()] == pytest.approx(tone, abs=rate / middle.shape[1])
        beside = (np.abs(hertz - tone) > 6 * rate / middle.shape[1]) & (hertz < 10_000)
        assert spectrum[channel][beside].max() < 0.02 * spectrum[channel].max()
    assert np.abs(middle).max() == pytest.approx(0.4, abs=0.1)
