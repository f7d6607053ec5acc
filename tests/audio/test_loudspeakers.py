from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.loudspeakers import channel_mask, to_stereo
from vocalsep.audio.reader import open_audio
from vocalsep.audio.writer import AudioWriter

LAYOUTS = [
    ("FL", "FR", "FC"),
    ("FL", "FR", "BL", "BR"),
    ("FL", "FR", "FC", "LFE", "BL", "BR"),
    ("FL", "FR", "FC", "LFE", "SL", "SR"),
    ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("depth", ["16", "24", "float"])
def test_a_wav_keeps_its_loudspeakers(tmp_path, song, layout, depth) -> None:
    path = tmp_path / "a.wav"
    samples = song(5000, channels=len(layout))
    format = OutputFormat(depth=depth)
    with AudioWriter(path, sample_rate=44100, channels=len(layout), format=format, layout=layout) as writer:
        writer.write(samples)
        writer.commit()
    with open_audio(path) as audio:
        assert audio.info.layout == layout
        read = np.concatenate(list(audio.blocks()), axis=1)
    np.testing.assert_allclose(read, samples, atol=1 / 32768)
    with av.open(str(path)) as container:
        assert tuple(channel.name for channel in container.streams.audio[0].layout.channels) == layout


def test_loudspeakers_that_a_wav_cannot_name_are_left_out() -> None:
    assert channel_mask(("FR", "FL")) == 0
    assert channel_mask(("FL", "FR", "AMBI0")) == 0
    assert channel_mask(()) == 0
    assert channel_mask(("FL", "FR", "FC", "LFE", "SL", "SR")) == 0x60F


def test_stereo_of_surround_sound() -> None:
    """The front as it is, the centre and the sides 3 dB softer, no LFE; in the order that the layout says."""
    block = np.diag(np.ones(6, np.float32))
    side = 0.5**0.5
    expected = np.array([[1, 0, side, 0, side, 0], [0, 1, side, 0, 0, side]], np.float32)
    np.testing.assert_allclose(to_stereo(block, ()), expected)
    np.testing.assert_allclose(to_stereo(block, ("FL", "FR", "FC", "LFE", "SL", "SR")), expected)
    other = to_stereo(block, ("FC", "FL", "FR", "BL", "BR", "LFE"))
    np.testing.assert_allclose(other, expected[:, [2, 0, 1, 4, 5, 3]])
    np.testing.assert_allclose(to_stereo(block[:1, :3], ()), [[1, 0, 0], [1, 0, 0]])


def test_the_mask_is_where_the_format_chunk_has_it(tmp_path: Path, song) -> None:
    path = tmp_path / "a.wav"
    with AudioWriter(path, sample_rate=44100, channels=6, format=OutputFormat(), layout=LAYOUTS[2]) as writer:
        writer.write(song(100, channels=6))
        writer.commit()
    content = path.read_bytes()
    place = content.index(b"fmt ") + 8
    assert struct.unpack_from("<I", content, place + 20) == (0x3F,)
    assert soundfile.info(path).channels == 6
