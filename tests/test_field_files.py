"""Files that people reported to other programs: split whole, where a folder of them is there."""

import logging
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest

from faults.quick_separator import quick_separator
from vocalsep.audio.reader import open_audio

# Of a chain, FFmpeg keeps the padding of each link and drops links of an earlier serial: what the links hold.
# Of a damaged frame it drops what it cannot decode: the declared length. It opens none of the other two.
LENGTHS = {
    "ogg-chain-6s-5s.ogg": 485_100,
    "ogg-chain-aba.ogg": 132_300,
    "ogg-chain-small-works.ogg": 88_200,
    "mp3-one-bad-frame.mp3": 266_112,
    "mac-399-id3v2.ape": 156_556,
    "wav-id3v2-front.wav": 22_050,
    "video-second-track-default.mp4": 264_600,
}


@pytest.fixture(scope="module")
def separator():
    return quick_separator()


def by_ffmpeg(path: Path) -> int:
    n_samples = 0
    with av.open(str(path)) as container:
        for packet in container.demux(audio=0):
            with suppress(av.FFmpegError):
                n_samples += sum(frame.samples for frame in packet.decode())
    return n_samples


NAMES = [
    *(
        "centre-vocals-51.ac3",
        "flac-unknown-length.flac",
        "info.wav",
        "mac-399-id3v2.ape",
        "mp3-one-bad-frame.mp3",
    ),
    *("ogg-chain-6s-5s.ogg", "ogg-chain-aba.ogg", "ogg-chain-small-works.ogg", "speex-female_scrub.spx"),
    *("tags.caf", "tags.webm", "video-second-track-default.mp4", "wav-id3v2-front.wav", "wav-size-plus-2.wav"),
    *("wma-streamed.wma", "wma-whole-elephant.asf"),
]


@pytest.mark.parametrize("name", NAMES)
def test_split_whole_and_to_the_bit(reference_data, tmp_path, separator, name, caplog):
    path = reference_data / "field" / name
    if not path.is_file():
        pytest.skip(f"no {path}")
    caplog.set_level(logging.CRITICAL, logger="vocalsep")
    result = separator.separate_file(path, tmp_path, format="wav")
    with open_audio(path) as audio:
        mixture = np.concatenate(list(audio.blocks()), axis=1)
        bits = audio.info.depth
    stems = []
    for output in result.outputs.values():
        with open_audio(output) as audio:
            stems.append(np.concatenate(list(audio.blocks()), axis=1))
    assert mixture.shape[1] == (LENGTHS.get(name) or by_ffmpeg(path))
    assert stems[0].shape == stems[1].shape == mixture.shape
    step = 2.0 ** (1 - int(bits)) if bits != "float" else 1e-6
    # Each stem is rounded, and a lossy input lies between the steps: a step in all, and the gain against clipping.
    assert np.abs(sum(stems) - result.gain * mixture).max() <= 1.01 * step
