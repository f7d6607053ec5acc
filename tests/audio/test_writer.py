from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.picture import Picture
from vocalsep.audio.resample import resample_blocks, resampled_length
from vocalsep.audio.tags import Tags
from vocalsep.audio.writer import AudioWriter
from vocalsep.errors import OptionError, OutputNotFolderError, OutputNotWritableError

LOSSLESS = [("wav", "16"), ("wav", "24"), ("wav", "float"), ("flac", "16"), ("flac", "24")]
LOSSY = ["mp3", "ogg", "opus", "m4a"]
RATES = [8000, 11025, 16000, 22050, 32000, 44100, 48000, 88200, 96000, 192000]


@pytest.mark.parametrize(("container", "depth"), LOSSLESS)
@pytest.mark.parametrize("channels", [1, 2, 5, 8])
def test_lossless_pass_through_is_bit_exact(
    tmp_path, decode, write, container: str, depth: str, channels: int
) -> None:
    rng = np.random.default_rng(2)
    scale = 2 ** (24 - 1 if depth == "float" else int(depth) - 1)
    samples = (rng.integers(-scale, scale, (channels, 30001)) / scale).astype(np.float32)
    samples[0, :2] = -1.0, (scale - 1) / scale
    path = tmp_path / f"a.{container}"
    write(path, samples, OutputFormat(container=container, depth=depth), 48000)
    np.testing.assert_array_equal(decode(path), samples)
    np.testing.assert_array_equal(decode(path, salvage=True), samples)  # FFmpeg agrees with libsndfile
    info = soundfile.info(path)
    assert info.subtype == ("FLOAT" if depth == "float" else f"PCM_{depth}")
    assert (info.samplerate, info.channels, info.frames) == (48000, channels, 30001)


@pytest.mark.parametrize(("container", "depth"), LOSSLESS)
@settings(max_examples=15)
@given(n=st.integers(1, 9000), rate=st.sampled_from(RATES), channels=st.integers(1, 2))
def test_lossless_lengths(tmp_path_factory, decode, write, song, container, depth, n, rate, channels) -> None:
    path = tmp_path_factory.getbasetemp() / f"length.{container}"
    samples = song(n, channels, rate)
    write(path, samples, OutputFormat(container=container, depth=depth), rate)
    decoded = decode(path)
    assert decoded.shape == samples.shape
    np.testing.assert_allclose(decoded, samples, atol=0 if depth == "float" else 0.501 * 2.0 ** (1 - int(depth)))


@pytest.mark.parametrize("container", LOSSY)
@settings(max_examples=25)
@given(n=st.integers(1, 9000), rate=st.sampled_from(RATES), channels=st.integers(1, 2))
@example(n=1, rate=44100, channels=2)
@example(n=1152, rate=44100, channels=1)
@example(n=1729, rate=8000, channels=1)
@example(n=128, rate=44100, channels=2)
@example(n=1, rate=8000, channels=1)
def test_lossy_lengths(tmp_path_factory, decode, write, song, container, n, rate, channels) -> None:
    path = tmp_path_factory.getbasetemp() / f"length.{container}"
    format = OutputFormat(container=container)
    write(path, song(n, channels, rate), format, rate)
    exact = n_stored = resampled_length(n, rate, format.supported_rate(rate))
    # FFmpeg before 9 gives a little more of the shortest files
    if container == "m4a":
        n_stored = max(n_stored, 2)
    if container == "mp3" and rate <= 24000 and n < 48:
        n_stored += 529
    assert decode(path).shape in {(channels, n_stored), (channels, exact)}


@pytest.mark.parametrize("container", LOSSY)
@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000])
def test_lossy_output_is_in_place(tmp_path, song, decode, write, lag, container: str, rate: int) -> None:
    format = OutputFormat(container=container)
    samples = song(rate + 17, sample_rate=rate)
    write(tmp_path / "a", samples, format, rate)
    stored = np.concatenate(list(resample_blocks([samples], rate, format.supported_rate(rate))), axis=1)
    decoded = decode(tmp_path / "a")
    assert decoded.shape == stored.shape
    assert lag(stored, decoded) == 0
    error_db = 10 * np.log10(np.mean((decoded - stored) ** 2) / np.mean(stored**2))
    assert error_db < -15


@pytest.mark.parametrize("container", LOSSY)
def test_channels_keep_their_places(tmp_path, decode, write, container: str) -> None:
    time = np.arange(48000) / 48000
    samples = np.stack([0.5 * np.sin(2 * np.pi * 500 * time), 0.1 * np.sin(2 * np.pi * 900 * time)]).astype(
        np.float32
    )
    write(tmp_path / "a", samples, OutputFormat(container=container), 48000)
    levels = np.sqrt(np.mean(decode(tmp_path / "a")[:, 5000:-5000] ** 2, axis=1)) * np.sqrt(2)
    np.testing.assert_allclose(levels, [0.5, 0.1], rtol=0.03)


@pytest.mark.parametrize("container", ["mp3", "opus", "m4a"])
def test_bitrate_is_honoured(tmp_path, write, container: str) -> None:
    noise = (0.1 * np.random.default_rng(1).standard_normal((2, 10 * 48000))).astype(np.float32)
    for kbps in (64, 128, 192):
        write(tmp_path / "a", noise, OutputFormat(container=container, bitrate_kbps=kbps), 48000)
        assert (tmp_path / "a").stat().st_size * 8 / 10 / 1000 == pytest.approx(kbps, rel=0.12)


@pytest.mark.parametrize(("container", "depth"), [*LOSSLESS, ("mp3", None)])
def test_samples_beyond_full_scale(tmp_path, decode, write, container: str, depth: str | None) -> None:
    samples = np.tile(np.array([[1.5, -1.5]], np.float32).repeat(50, axis=1), 200)
    write(tmp_path / "a", samples, OutputFormat(container=container, depth=depth))
    decoded = decode(tmp_path / "a")
    if depth == "float":
        np.testing.assert_array_equal(decoded, samples)
    elif depth:
        full_scale = OutputFormat(container=container, depth=depth).full_scale
        np.testing.assert_array_equal(decoded, np.clip(samples, -1, full_scale))
    else:
        assert np.sqrt(np.mean(decoded**2)) == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize(("container", "channels"), [("flac", 9), ("mp3", 3), ("ogg", 3), ("opus", 6), ("m4a", 6)])
def test_too_many_channels(tmp_path, container: str, channels: int) -> None:
    with pytest.raises(OptionError, match=f"{container} cannot hold the {channels} channels") as caught:
        AudioWriter(tmp_path / "a", sample_rate=44100, channels=channels, format=OutputFormat(container=container))
    assert "wav" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("container", ["wav", "flac", *LOSSY])
@pytest.mark.parametrize("n_blocks", [0, 1, 20])
def test_without_commit_nothing_is_left(tmp_path, song, container: str, n_blocks: int) -> None:
    def write() -> None:
        options = {"sample_rate": 44100, "channels": 2, "format": OutputFormat(container=container)}
        with AudioWriter(tmp_path / "a", **options) as writer:
            for _ in range(n_blocks):
                writer.write(song(3000))
            assert len(list(tmp_path.iterdir())) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("operation", ["write", "seek"])
@pytest.mark.parametrize("container", ["wav", "flac", *LOSSY])
def test_error_in_a_callback_is_raised_before_the_file_has_its_name(
    tmp_path, song, write, monkeypatch, container: str, operation: str
) -> None:
    open_file = Path.open

    class Interrupted:
        """A file in which Ctrl-C strikes at the second call of an operation."""

        def __init__(self, file) -> None:
            self._file, self._n = file, 0

        def __getattr__(self, name: str):
            self._n += name == operation
            if name == operation and self._n == 2:
                raise KeyboardInterrupt
            return getattr(self._file, name)

    monkeypatch.setattr(Path, "open", lambda *args, **options: Interrupted(open_file(*args, **options)))
    try:
        write(tmp_path / "a", song(100_000), OutputFormat(container=container))
    except KeyboardInterrupt:
        assert list(tmp_path.iterdir()) == []
    else:
        assert operation == "seek"  # some formats need no second


def test_target_is_replaced_only_on_commit(tmp_path, song, decode, write) -> None:
    path = tmp_path / "new" / "a.wav"
    write(path, song(100), OutputFormat())
    before = path.read_bytes()
    with AudioWriter(path, sample_rate=44100, channels=2, format=OutputFormat()) as writer:
        writer.write(song(200, seed=2))
        writer.finish()
        assert path.read_bytes() == before
        writer.commit()
    np.testing.assert_array_equal(decode(path), song(200, seed=2))


def test_folder_that_is_a_file(tmp_path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(OutputNotFolderError, match="out is a file, not a folder"):
        AudioWriter(tmp_path / "out" / "a.wav", sample_rate=44100, channels=2, format=OutputFormat())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_is_read_only(tmp_path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputNotWritableError, match="Permission denied"):
        AudioWriter(tmp_path / "a.wav", sample_rate=44100, channels=2, format=OutputFormat())


@pytest.mark.parametrize("container", ["flac", "mp3"])
def test_codec_that_refuses(tmp_path, monkeypatch, container: str) -> None:
    monkeypatch.setattr(OutputFormat, "supported_rate", lambda _, rate: rate)
    with pytest.raises(OutputNotWritableError, match="libsndfile"):
        options = {"sample_rate": 900_000, "channels": 1, "format": OutputFormat(container=container)}
        with AudioWriter(tmp_path / "a", **options) as writer:
            writer.write(np.zeros((1, 5000), np.float32))
    assert list(tmp_path.iterdir()) == []


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.picture import Picture
from vocalsep.audio.tags import Tags
from vocalsep.audio.writer import AudioWriter
from vocalsep.errors import DiskFullError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails with EFBIG instead
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
folder, noise = Path(sys.argv[1]), 0.2 * np.random.default_rng(0).standard_normal((2, 44100)).astype(np.float32)
for container in sys.argv[2:]:
    for n_blocks, cover_bytes in ((20, 0), (1, 200_000)):
        tags = Tags(text={"title": ("Song",)}, pictures=(Picture(data=bytes(cover_bytes + 1), mime="image/png"),))
        options = {"sample_rate": 44100, "channels": 2, "format": OutputFormat(container=container)}
        try:
            with AudioWriter(folder / f"a.{container}", **options, tags=tags) as writer:
                for _ in range(n_blocks):
                    writer.write(noise[:, :11025] if n_blocks == 1 else noise)
                writer.commit()
            print(container, "written")
        except DiskFullError as error:
            print(container, "full", len(list(folder.iterdir())))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are of POSIX")
def test_full_disk_while_encoding_and_while_tagging(tmp_path) -> None:
    containers = ["wav", "flac", "mp3", "ogg", "opus", "m4a"]
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", FULL_DISK, str(tmp_path), *containers]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stderr == ""
    assert result.stdout.splitlines() == [f"{container} full 0" for container in containers for _ in range(2)]


def test_wav_past_4_gib_is_rf64(tmp_path, monkeypatch, song, decode, write) -> None:
    monkeypatch.setattr("vocalsep.audio.wav._UNKNOWN", 50_000)
    samples = song(20000, 3)
    write(tmp_path / "a.wav", samples, OutputFormat(depth="24"), tags=Tags(text={"title": ("none",)}))
    content = (tmp_path / "a.wav").read_bytes()
    data_bytes = 20000 * 3 * 3
    assert content[:4] == b"RF64"
    assert content[12:16] == b"ds64"
    assert struct.unpack("<QQQ", content[20:44]) == (len(content) - 8, data_bytes, 20000)
    assert len(content) == content.index(b"data") + 8 + data_bytes
    # The two 32-bit sizes say that they are unknown, as they will in a real one.
    content = content.replace(struct.pack("<I", 50_000), b"\xff\xff\xff\xff")
    (tmp_path / "a.wav").write_bytes(content)
    np.testing.assert_allclose(decode(tmp_path / "a.wav"), samples, atol=2**-24)
    np.testing.assert_allclose(decode(tmp_path / "a.wav", salvage=True), samples, atol=2**-24)
    assert soundfile.info(tmp_path / "a.wav").format == "RF64"


def test_wav_header_is_what_the_format_asks_for(tmp_path, song, write) -> None:
    for depth, channels, code, extra in (("16", 2, 1, b""), ("float", 1, 3, b"\0\0"), ("24", 3, 0xFFFE, None)):
        write(tmp_path / "a.wav", song(101, channels), OutputFormat(depth=depth))
        content = (tmp_path / "a.wav").read_bytes()
        assert struct.unpack("<4sI4s4sI", content[:20]) == (b"RIFF", len(content) - 8, b"WAVE", b"JUNK", 28)
        size, *fields = struct.unpack("<IHHIIHH", content[52:72])
        frame_bytes = channels * (4 if depth == "float" else int(depth) // 8)
        assert fields == [code, channels, 44100, 44100 * frame_bytes, frame_bytes, 8 * frame_bytes // channels]
        assert size == (16 + len(extra) if extra is not None else 40)
        assert len(content) % 2 == 0


def test_tags_are_written_before_the_file_gets_its_name(tmp_path, monkeypatch, song) -> None:
    seen: list[tuple[Path, bool]] = []
    target = tmp_path / "a.flac"
    monkeypatch.setattr("vocalsep.audio.tags.write_tags", lambda path, tags: seen.append((path, target.exists())))
    tags = Tags(pictures=(Picture(data=b"x", mime="image/png"),))
    with AudioWriter(
        target, sample_rate=44100, channels=2, format=OutputFormat(container="flac"), tags=tags
    ) as writer:
        writer.write(song(10))
        writer.commit()
    [(path, existed)] = seen
    assert path != target
    assert not existed
