from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.stem_files import StemFiles, _gain
from vocalsep.audio.tags import Tags, read_tags
from vocalsep.audio.target import TargetFile
from vocalsep.errors import DiskFullError, OptionError, OutputNotWritableError
from vocalsep.system.files import AtomicFile
from vocalsep.system.threads import call_in_thread

CONTAINERS = ["wav", "flac", "mp3", "ogg", "opus", "m4a"]
WAV16 = OutputFormat(depth="16")


def targets(folder: Path, container: str = "wav") -> dict[str, Path]:
    return {stem: folder / f"{stem}.{container}" for stem in ("vocals", "accompaniment")}


def make_stems(song, n: int, peak: float) -> dict[str, np.ndarray]:
    """Two stems, the first of which has this peak, once, near the end."""
    stems = {"vocals": song(n, seed=1), "accompaniment": 0.7 * song(n, seed=2)}
    stems["vocals"][1, n - 1 - n // 10] = -peak
    return stems


def write(files: StemFiles, stems: Mapping[str, np.ndarray], block_samples: int = 10007) -> float:
    n = next(iter(stems.values())).shape[1]
    for start in range(0, n, block_samples):
        files.write({stem: samples[:, start : start + block_samples] for stem, samples in stems.items()})
    return files.commit()


def open_files(folder: Path, format: OutputFormat = WAV16, **options) -> StemFiles:
    return StemFiles(targets(folder, format.container), sample_rate=44100, channels=2, format=format, **options)


@pytest.mark.parametrize(("depth", "step"), [("16", 2**-15), ("24", 2**-23)])
@pytest.mark.parametrize("container", ["wav", "flac"])
def test_one_gain_for_all_stems(tmp_path, song, decode, container: str, depth: str, step: float) -> None:
    stems = make_stems(song, 60000, peak=1.6)
    format = OutputFormat(container=container, depth=depth)
    with open_files(tmp_path, format) as files:
        gain = write(files, stems)
        assert files.peak == pytest.approx(1.6)
    assert gain == pytest.approx(format.full_scale / 1.6, rel=1e-6)
    decoded = {stem: decode(path) for stem, path in targets(tmp_path, container).items()}
    for stem, samples in stems.items():
        np.testing.assert_allclose(decoded[stem], samples * gain, atol=0.51 * step)
    mixture = stems["vocals"] + stems["accompaniment"]
    np.testing.assert_allclose(sum(decoded.values()), mixture * gain, atol=1.01 * step + 1e-7)
    assert -format.full_scale <= decoded["vocals"].min() < -format.full_scale + 1.5 * step


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(("peak", "gain"), [(0.9, 1.0), (2.0, 0.5)])
def test_every_format_has_the_gain_and_the_length(
    tmp_path, song, decode, container: str, peak: float, gain: float
) -> None:
    stems = make_stems(song, 48000, peak)
    with StemFiles(
        targets(tmp_path, container),
        sample_rate=48000,
        channels=2,
        format=OutputFormat(container=container, depth=None),
    ) as files:
        applied = write(files, stems)
    if container == "wav":  # float: nothing to do
        gain = 1.0
    assert applied == pytest.approx(gain, rel=1e-4)
    for stem, path in targets(tmp_path, container).items():
        decoded = decode(path)
        assert decoded.shape == (2, 48000)
        level = np.vdot(decoded[:, :40000], stems[stem][:, :40000]) / np.vdot(
            stems[stem][:, :40000], stems[stem][:, :40000]
        )
        assert level == pytest.approx(gain, rel=0.05)
    assert len(list(tmp_path.iterdir())) == 2


def test_peak_of_full_scale_is_not_rescaled(tmp_path, song, decode) -> None:
    stems = make_stems(song, 5000, peak=1.0)
    with open_files(tmp_path) as files:
        assert write(files, stems) == 1.0
    np.testing.assert_array_equal(decode(tmp_path / "vocals.wav")[1, 4499], -1.0)


def test_float_wav_keeps_what_is_beyond_full_scale(tmp_path, song, decode) -> None:
    stems = make_stems(song, 5000, peak=3.0)
    with open_files(tmp_path, OutputFormat(depth="float")) as files:
        assert write(files, stems) == 1.0
    np.testing.assert_array_equal(decode(tmp_path / "vocals.wav"), stems["vocals"])


def test_clamp_limits_and_has_no_gain(tmp_path, song, decode) -> None:
    stems = make_stems(song, 5000, peak=3.0)
    with open_files(tmp_path, clip="clamp") as files:
        assert write(files, stems) == 1.0
    np.testing.assert_allclose(decode(tmp_path / "vocals.wav"), np.clip(stems["vocals"], -1, 1), atol=2**-15)


@given(st.floats(1.0, 1e6, width=32, exclude_min=True), st.sampled_from(["16", "24", None]))
def test_gain_takes_the_peak_to_full_scale_and_never_beyond(peak: float, depth: str | None) -> None:
    format = OutputFormat(container="flac" if depth else "mp3", depth=depth)
    scaled = np.float32(peak) * np.float32(_gain(format.full_scale, peak))
    assert scaled <= format.full_scale
    assert scaled > format.full_scale * (1 - 3e-7)


@settings(max_examples=15)
@given(st.integers(1, 6000), st.integers(1, 7000), st.sampled_from([0.5, 1.5]))
def test_result_does_not_depend_on_blocks(
    tmp_path_factory, song, decode, n: int, block_samples: int, peak: float
) -> None:
    folder = tmp_path_factory.getbasetemp() / "blocks"
    stems = make_stems(song, n, peak)
    with open_files(folder) as files:
        gain = write(files, stems, block_samples)
    top = max(float(np.abs(samples).max()) for samples in stems.values())
    assert gain == (_gain(WAV16.full_scale, top) if top > 1 else 1.0)
    for stem, path in targets(folder).items():
        np.testing.assert_allclose(decode(path), stems[stem] * gain, atol=0.51 * 2**-15)


@pytest.mark.parametrize("peak", [0.5, 1.5])
@pytest.mark.parametrize("container", CONTAINERS)
def test_without_commit_nothing_is_left(tmp_path, song, container: str, peak: float) -> None:
    def interrupted() -> None:
        with open_files(tmp_path, OutputFormat(container=container)) as files:
            files.write(make_stems(song, 5000, peak))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def count_writes(monkeypatch, on_write) -> None:
    """Call ``on_write`` with the number of each write of a codec from now on."""
    n, write = iter(range(10**9)), TargetFile.write

    def counted(file: TargetFile, data: bytes) -> int:
        on_write(next(n))
        return write(file, data)

    monkeypatch.setattr(TargetFile, "write", counted)


@pytest.mark.parametrize("peak", [0.5, 1.5])
@pytest.mark.parametrize("container", CONTAINERS)
def test_no_codec_writes_in_the_main_thread(tmp_path, song, monkeypatch, container: str, peak: float) -> None:
    threads = set()
    count_writes(monkeypatch, lambda _: threads.add(threading.current_thread()))
    with open_files(tmp_path, OutputFormat(container=container)) as files:
        call_in_thread(lambda: files.write(make_stems(song, 100_000, peak)))
        files.commit()
    assert threads
    assert threading.main_thread() not in threads


def press_ctrl_c() -> None:
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    time.sleep(0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to a single process")
@pytest.mark.parametrize("at", [0, 2])
@pytest.mark.parametrize("container", ["flac", "mp3", "m4a"])
def test_ctrl_c_during_commit_leaves_nothing(tmp_path, song, monkeypatch, container: str, at: int) -> None:
    with pytest.raises(KeyboardInterrupt), open_files(tmp_path, OutputFormat(container=container)) as files:
        files.write(make_stems(song, 100_000, 1.5))
        count_writes(monkeypatch, lambda n: press_ctrl_c() if n == at else None)
        files.commit()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("peak", [0.5, 1.5])
def test_all_are_encoded_before_the_first_has_its_name(tmp_path, song, monkeypatch, peak: float) -> None:
    sizes = []

    def commit(file: AtomicFile) -> None:
        sizes.append(sorted(path.stat().st_size for path in tmp_path.iterdir()))
        file.path.replace(file.target)

    monkeypatch.setattr(AtomicFile, "commit", commit)
    with open_files(tmp_path) as files:
        write(files, make_stems(song, 5000, peak))
    whole = sorted(path.stat().st_size for path in tmp_path.iterdir())
    assert sizes == [whole, whole]


def test_second_rename_that_fails_takes_the_first_back(tmp_path, song) -> None:
    (tmp_path / "accompaniment.wav").mkdir()  # a folder cannot be replaced by a file
    with open_files(tmp_path) as files, pytest.raises(OutputNotWritableError):
        write(files, make_stems(song, 5000, 0.5))
    assert [path.name for path in tmp_path.iterdir()] == ["accompaniment.wav"]


def test_second_rename_that_fails_leaves_what_was_there_before(tmp_path, song) -> None:
    (tmp_path / "vocals.wav").write_text("old")
    (tmp_path / "accompaniment.wav").mkdir()
    with open_files(tmp_path) as files, pytest.raises(OutputNotWritableError):
        write(files, make_stems(song, 5000, 0.5))
    assert (tmp_path / "vocals.wav").exists()


def test_format_that_cannot_hold_the_channels_makes_nothing(tmp_path) -> None:
    format = OutputFormat(container="mp3")
    with pytest.raises(OptionError):
        StemFiles(targets(tmp_path / "out", "mp3"), sample_rate=44100, channels=6, format=format)
    assert list(tmp_path.iterdir()) == []


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.stem_files import StemFiles
from vocalsep.errors import DiskFullError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
folder, noise = Path(sys.argv[1]), np.random.default_rng(0).standard_normal((2, 8820)).astype(np.float32)
targets = {stem: folder / f"{stem}.wav" for stem in ("vocals", "accompaniment")}
for peak, clip in ((0.1, "rescale"), (2.0, "rescale"), (2.0, "clamp")):
    try:
        format = OutputFormat(depth="16")
        with StemFiles(targets, sample_rate=44100, channels=2, format=format, clip=clip) as files:
            for _ in range(20):
                files.write(dict.fromkeys(targets, peak / 5 * noise))
            files.commit()
    except DiskFullError:
        print("full", len(list(folder.iterdir())))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are of POSIX")
def test_full_disk_leaves_nothing(tmp_path) -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", FULL_DISK, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr) == ("full 0\nfull 0\nfull 0\n", "")


def test_spool_that_fills_the_disk_stops_everything(tmp_path, song, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise DiskFullError("no space left")

    monkeypatch.setattr("vocalsep.audio.spool.Spool.write", full)
    with open_files(tmp_path) as files, pytest.raises(DiskFullError):
        files.write(make_stems(song, 5000, 0.5))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("peak", [0.5, 1.5])
def test_memory_does_not_grow_with_the_song(tmp_path, song, peak: float) -> None:
    stems = make_stems(song, 50_000, peak)
    tracemalloc.start()
    with open_files(tmp_path) as files:
        for _ in range(60):
            files.write(stems)
        files.commit()
    _, used = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 6_000_000 < 60 * 50_000 * 2 * 4


def test_tags_name_the_stem(tmp_path, song) -> None:
    with open_files(tmp_path, OutputFormat(container="flac"), tags=Tags(text={"title": ("Song",)})) as files:
        write(files, make_stems(song, 5000, 1.5))
    titles = {stem: read_tags(path).text["title"] for stem, path in targets(tmp_path, "flac").items()}
    assert titles == {"vocals": ("Song (Vocals)",), "accompaniment": ("Song (Accompaniment)",)}
