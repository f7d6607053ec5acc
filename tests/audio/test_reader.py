from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.reader import AUDIO_EXTENSIONS, open_audio
from vocalsep.audio.tags import Tags

PCM = ["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"]


@pytest.mark.parametrize("format", ["WAV", "RF64", "W64", "AIFF", "CAF", "AU"])
@pytest.mark.parametrize("subtype", PCM)
def test_pcm_of_any_wrapping_and_depth(tmp_path, song, decode, encode, format: str, subtype: str) -> None:
    samples = song(5000)
    encode(tmp_path / "a", samples, f"{format}:{subtype}")
    step = {"PCM_16": 2**-15, "PCM_24": 2**-23}.get(subtype, 2**-24)
    with open_audio(tmp_path / "a") as audio:
        assert (audio.info.sample_rate, audio.info.channels, audio.info.n_samples) == (44100, 2, 5000)
        assert audio.info.depth == {"PCM_16": "16", "PCM_24": "24"}.get(subtype, "float")
    np.testing.assert_allclose(decode(tmp_path / "a"), samples, atol=1.01 * step)


@pytest.mark.parametrize("salvage", [False, True], ids=["libsndfile", "ffmpeg"])
def test_integers_are_scaled_by_a_power_of_two(tmp_path, decode, salvage: bool) -> None:
    soundfile.write(
        tmp_path / "a.wav", np.array([-32768, -1, 0, 1, 16384, 32767], np.int16), 8000, subtype="PCM_16"
    )
    expected = np.array([[-32768, -1, 0, 1, 16384, 32767]]) / 32768
    np.testing.assert_array_equal(decode(tmp_path / "a.wav", salvage=salvage), expected)
    soundfile.write(tmp_path / "b.wav", np.array([-1.0, 0.0, 0.5]), 8000, subtype="PCM_U8")
    np.testing.assert_array_equal(decode(tmp_path / "b.wav", salvage=salvage), [[-1.0, 0.0, 0.5]])


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_floats_pass_unscaled_beyond_full_scale(tmp_path, decode, subtype: str) -> None:
    samples = np.array([[0.1, -3.75, 1e-20, 12345.0]], np.float32)
    soundfile.write(tmp_path / "a.wav", samples.T, 44100, subtype=subtype)
    np.testing.assert_array_equal(decode(tmp_path / "a.wav"), samples)


@pytest.mark.parametrize("salvage", [False, True], ids=["libsndfile", "ffmpeg"])
@pytest.mark.parametrize("channels", [1, 3, 6, 7, 8, 9, 24])
def test_any_number_of_channels(tmp_path, decode, encode, song, channels: int, salvage: bool) -> None:
    samples = song(3000, channels)
    encode(tmp_path / "a.wav", samples, "WAV:FLOAT")
    np.testing.assert_array_equal(decode(tmp_path / "a.wav", salvage=salvage), samples)


@pytest.mark.parametrize("channels", [6, 8])
def test_many_channels_of_a_planar_codec(tmp_path, decode, channels: int) -> None:
    layout = {6: "5.1", 8: "7.1"}[channels]
    samples = (np.arange(1, channels + 1)[:, np.newaxis] / 128 * np.ones((1, 20000))).astype(np.float32)
    with av.open(str(tmp_path / "a.wv"), "w") as container:
        stream = container.add_stream("wavpack", rate=44100, layout=layout)
        packed = (np.ascontiguousarray(samples.T).reshape(1, -1) * 32768).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    np.testing.assert_array_equal(decode(tmp_path / "a.wv"), samples)


# FFmpeg 7 did not yet record the delay of AAC in Matroska.
MATROSKA_AAC_DELAY = 0 if av.library_versions["libavformat"][0] >= 62 else 1024

# What a decoder gives back of n samples, where it is not n: nothing declares the padding.
PADDED = {"matroska/aac": 1023, "mp4/aac": 45}


@pytest.mark.parametrize(
    ("codec", "sample_rate"),
    [
        ("mp3/libmp3lame", 44100),
        ("MP3:MPEG_LAYER_III", 44100),
        ("mp3/libmp3lame", 16000),
        ("ipod/aac", 44100),
        ("mp4/aac", 44100),
        ("ipod/alac", 44100),
        ("matroska/aac", 44100),
        ("ogg/libopus", 48000),
        ("webm/libopus", 48000),
        ("OGG:VORBIS", 44100),
        ("OGG:OPUS", 48000),
        ("ogg/flac", 44100),
        ("wv/wavpack", 44100),
        ("flac/flac", 96000),
    ],
)
@pytest.mark.parametrize("n", [30000, 66150])
def test_encoder_delay_is_removed(
    tmp_path, song, decode, encode, lag, codec: str, sample_rate: int, n: int
) -> None:
    samples = song(n, sample_rate=sample_rate)
    options = {"movie_timescale": str(sample_rate)} if codec.startswith("ipod") else {}
    encode(tmp_path / "a", samples, codec, sample_rate, **options)
    decoded = decode(tmp_path / "a")
    delay = MATROSKA_AAC_DELAY if codec == "matroska/aac" else 0
    assert lag(samples, decoded) == delay
    assert abs(decoded.shape[1] - n - delay) <= PADDED.get(codec, 0)


def test_bare_aac_has_its_delay_as_in_any_player(tmp_path, song, decode, encode, lag) -> None:
    samples = song(44100)
    encode(tmp_path / "a.aac", samples, "adts/aac")
    assert lag(samples, decode(tmp_path / "a.aac")) == 1024


@pytest.mark.parametrize(
    ("codec", "name", "depth"),
    [
        ("mp3/libmp3lame", "mp3", "16"),
        ("ipod/aac", "aac", "16"),
        ("ipod/alac", "alac", "24"),
        ("OGG:VORBIS", "vorbis", "16"),
        ("webm/libopus", "opus", "16"),
        ("asf/wmav2", "wmav2", "16"),
        ("wav/adpcm_ms", "adpcm_ms", "16"),
        ("wav/mp3", "mp3", "16"),
        ("FLAC:PCM_24", "flac", "24"),
        ("WAV:PCM_16", "pcm_16", "16"),
        ("WAV:FLOAT", "float", "float"),
        ("WAV:ULAW", "ulaw", "16"),
    ],
)
def test_codec_is_told_by_content_not_by_extension(
    tmp_path, song, encode, codec: str, name: str, depth: str
) -> None:
    path = tmp_path / "music.txt"
    encode(path, song(48000, sample_rate=48000), codec, 48000)
    with open_audio(path) as audio:
        assert (audio.info.codec, audio.info.depth, audio.info.sample_rate) == (name, depth, 48000)
        n = sum(block.shape[1] for block in audio.blocks())
    assert abs(n - 48000) < 4608


def test_audio_of_a_video(tmp_path, song, decode, lag) -> None:
    samples = song(60000, sample_rate=48000)
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        video = container.add_stream("mpeg4", rate=25, width=64, height=64, pix_fmt="yuv420p")
        audio = container.add_stream("aac", rate=48000, layout="stereo")
        for pts in range(100):
            picture = av.VideoFrame(64, 64, "yuv420p")
            picture.pts = pts
            container.mux(video.encode(picture))
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = 48000, 0
        container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
        container.mux(video.encode(None))
    decoded = decode(tmp_path / "a.mkv")
    assert lag(samples, decoded) == MATROSKA_AAC_DELAY
    assert 0 <= decoded.shape[1] - 60000 - MATROSKA_AAC_DELAY < 1024


def test_audio_that_starts_late_is_not_damaged(tmp_path, song, decode) -> None:
    with av.open(str(tmp_path / "a.mka"), "w") as container:
        stream = container.add_stream("flac", rate=44100, layout="stereo")
        packed = (song(44100).T.reshape(1, -1) * 32768).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(packed), format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 44100, 3 * 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert decode(tmp_path / "a.mka").shape == (2, 44100)


@settings(max_examples=25)
@given(st.integers(1, 20000), st.sampled_from(["a.flac", "a.mp3"]))
def test_blocks_are_cut_to_size(files_of_two_codecs, decode, block_samples: int, name: str) -> None:
    with open_audio(files_of_two_codecs / name) as audio:
        blocks = list(audio.blocks(block_samples))
    assert {block.shape[1] for block in blocks[:-1]} <= {block_samples}
    assert 0 < blocks[-1].shape[1] <= block_samples
    assert all(block.dtype == np.float32 and block.flags.c_contiguous for block in blocks)
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), decode(files_of_two_codecs / name))


@pytest.fixture(scope="module")
def files_of_two_codecs(tmp_path_factory, song, encode) -> Path:
    folder = tmp_path_factory.mktemp("blocks")
    encode(folder / "a.flac", song(40001), "FLAC:PCM_16")
    encode(folder / "a.mp3", song(40001), "mp3/libmp3lame")
    return folder


def test_memory_does_not_grow_with_the_file(tmp_path, song, encode) -> None:
    encode(tmp_path / "a.wav", song(3_000_000), "WAV:FLOAT")
    with open_audio(tmp_path / "a.wav") as audio:
        tracemalloc.start()
        n = sum(block.shape[1] for block in audio.blocks())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert n == 3_000_000
    assert peak < 12 * 65536 * 2 * 4 < 3_000_000 * 2 * 4


def test_names_that_are_not_unicode_or_look_like_addresses(tmp_path, song, decode, encode) -> None:
    encode(tmp_path / "a.mp3", song(2000), "mp3/libmp3lame")
    encode(tmp_path / "a.wav", song(2000), "WAV:PCM_16")
    for name, source in itertools.product(["http:a", "Lied 🎵", os.fsdecode(b"\xff\xe9")], ["a.mp3", "a.wav"]):
        try:
            (tmp_path / name).write_bytes((tmp_path / source).read_bytes())
        except OSError:  # a file system that has Unicode names only
            continue
        assert decode(tmp_path / name).shape == (2, 2000)


def test_tags_that_are_not_unicode_do_not_matter(tmp_path, song, decode, write) -> None:
    tags = Tags(text={"title": ("marker",)})
    write(tmp_path / "a.m4a", song(2000), OutputFormat(container="m4a"), tags=tags)
    content = (tmp_path / "a.m4a").read_bytes()
    assert content.count(b"marker") == 1
    (tmp_path / "a.m4a").write_bytes(content.replace(b"marker", b"\xff\xfe\xe9\x80\x80\x80"))
    assert decode(tmp_path / "a.m4a").shape == (2, 2000)


def test_real_mp3s_have_the_length_of_their_header(reference_data, decode) -> None:
    lengths = {path.name: decode(path).shape for path in (reference_data / "eval" / "mixtures").glob("*.mp3")}
    assert lengths == {
        "pop_mono.mp3": (1, 479832),
        "pop_stereo.mp3": (2, 479832),
        "song_20s_320k.mp3": (2, 882000),
    }


def test_real_flacs_decode_to_their_declared_length(reference_data, decode) -> None:
    files = sorted((reference_data / "eval").rglob("*.flac"))
    assert len(files) > 10
    for path in files:
        assert decode(path).shape[1] == soundfile.info(path).frames


def test_codec_libraries_print_nothing(tmp_path, song, encode) -> None:
    encode(tmp_path / "a.mp3", song(60000), "mp3/libmp3lame")
    data = bytearray((tmp_path / "a.mp3").read_bytes())
    data[20000:24000] = np.random.default_rng(0).bytes(4000)
    (tmp_path / "a.mp3").write_bytes(data)
    (tmp_path / "b.wav").write_bytes(data)
    encode(tmp_path / "c.wav", song(60000), "WAV:FLOAT")
    (tmp_path / "c.wav").write_bytes((tmp_path / "c.wav").read_bytes()[:100_000])
    code = (
        "import logging, sys; from pathlib import Path; from vocalsep.audio.reader import open_audio\n"
        "from vocalsep.audio.reading_options import ReadingOptions\n"
        "logging.disable()\n"
        "for name in sys.argv[1:]:\n"
        "    with open_audio(Path(name), ReadingOptions(salvage=True)) as audio:\n"
        "        print(sum(block.shape[1] for block in audio.blocks()) > 9000)\n"
    )
    command = [
        sys.executable,
        "-W",
        "error",
        "-c",
        code,
        *(str(tmp_path / n) for n in ("a.mp3", "b.wav", "c.wav")),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr) == ("True\nTrue\nTrue\n", "")


def test_extensions_are_lower_case_with_a_dot() -> None:
    assert {".mp3", ".wav", ".flac", ".m4a", ".opus", ".mkv"} <= AUDIO_EXTENSIONS
    assert {".ac3", ".dff", ".dsf", ".mpc", ".wmv"} <= AUDIO_EXTENSIONS
    assert all(extension == extension.lower() and extension[0] == "." for extension in AUDIO_EXTENSIONS)
