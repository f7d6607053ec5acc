from __future__ import annotations

import subprocess
import sys

import pytest

from vocalsep.audio.formats import OutputFormat
from vocalsep.errors import OptionError


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"container": "wma"}, "wav, flac, mp3, ogg, opus, m4a"),
        ({"container": "flac", "depth": "float"}, "24, 16"),
        ({"container": "mp3", "depth": "16"}, "Only wav and flac"),
        ({"container": "wav", "bitrate_kbps": 192}, "Only mp3, opus, m4a"),
        ({"container": "ogg", "bitrate_kbps": 192}, "Only mp3, opus, m4a"),
        ({"container": "mp3", "bitrate_kbps": 321}, "8 to 320"),
        ({"container": "opus", "bitrate_kbps": 0}, "6 to 510"),
    ],
)
def test_a_container_refuses_what_it_does_not_know(options: dict, words: str) -> None:
    with pytest.raises(OptionError) as caught:
        OutputFormat(**options)
    assert words in caught.value.hint


def test_only_float_wav_does_not_clip() -> None:
    clipping = {
        (container, depth): OutputFormat(container=container, depth=depth).clips
        for container, depths in {
            "wav": ("16", "24", "float", None),
            "flac": ("16", "24", None),
            "mp3": (None,),
        }.items()
        for depth in depths
    }
    assert [key for key, clips in clipping.items() if not clips] == [("wav", "float"), ("wav", None)]


def test_full_scale_is_the_largest_integer() -> None:
    assert OutputFormat(container="wav", depth="16").full_scale * 2**15 == 32767
    assert OutputFormat(container="flac", depth="24").full_scale * 2**23 == 2**23 - 1
    assert OutputFormat(container="mp3").full_scale == 1.0


@pytest.mark.parametrize(
    ("container", "depth_in", "depth_out"),
    [
        ("wav", "16", "16"),
        ("wav", "24", "24"),
        ("wav", "float", "float"),
        ("flac", "16", "16"),
        ("flac", "float", "24"),
        ("mp3", "24", None),
    ],
)
def test_output_is_as_deep_as_the_input(container: str, depth_in: str, depth_out: str | None) -> None:
    assert OutputFormat(container=container).as_deep_as(depth_in).sample_depth == depth_out


def test_a_depth_that_was_asked_for_stays() -> None:
    assert OutputFormat(container="wav", depth="24").as_deep_as("16").sample_depth == "24"


@pytest.mark.parametrize(
    ("container", "rate", "stored"),
    [
        ("wav", 44056, 44056),
        ("flac", 192000, 192000),
        ("flac", 768_000, 655_350),
        ("ogg", 96000, 96000),
        ("ogg", 384_000, 192_000),
        ("mp3", 44100, 44100),
        ("mp3", 44056, 44100),
        ("mp3", 88200, 48000),
        ("opus", 8000, 48000),
        ("opus", 192000, 48000),
        ("m4a", 96000, 96000),
        ("m4a", 192000, 96000),
    ],
)
def test_rate_is_the_lowest_that_loses_nothing(container: str, rate: int, stored: int) -> None:
    assert OutputFormat(container=container).supported_rate(rate) == stored


def test_formats_are_imported_without_numpy_or_a_codec_library() -> None:
    code = (
        "import sys; from vocalsep.audio.formats import OutputFormat;"
        "print(*{'numpy', 'torch', 'av', 'soundfile', 'mutagen', 'soxr'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
