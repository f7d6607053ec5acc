"""Files that are broken in every way end in stems or in a named error, and in nothing else."""

import json
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from faults.memory import STRICT, slope
from faults.mutations import mutated, whole_files
from faults.quick_separator import quick_separator
from helpers.audio_encoding import encode
from vocalsep import errors
from vocalsep.errors import DamagedAudioError

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")

PROGRAM = Path(__file__).with_name("mutated_inputs.py")
EXIT_CODES = {0} | {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type)} - {1}


@pytest.mark.parametrize(
    ("seed", "count"),
    [pytest.param(0, 150, id="short")]
    + [pytest.param(seed, 500, id=f"long-{seed}", marks=pytest.mark.long) for seed in range(1, 21)],
)
def test_in_process(tmp_path, seed, count):
    command = [sys.executable, "-W", "error", PROGRAM, tmp_path, str(seed), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, env=STRICT)
    *said, last = done.stdout.splitlines()
    assert done.returncode == 0, f"seed {seed}, at {last}: exit code {done.returncode}\n{done.stderr}"
    facts = json.loads(last)
    growth_mb = 1000 * slope(facts["memory_mb"])
    print(f"\nseed {seed}: {facts['outcomes']}, slowest {facts['slowest']}, {growth_mb:+.2f} MB in 1000 files")
    assert facts["unexpected"] == [], "\n".join(one["traceback"] for one in facts["unexpected"])
    assert done.stderr == ""
    assert len(said) == sum(facts["outcomes"].values()) == count
    assert facts["kinds"] >= 15
    assert facts["outcomes"]["done"] > 0.05 * count
    # A codec takes some MB when it is first needed. A file whose samples were kept would be 80 MB in 1000.
    assert growth_mb < (20 if count >= 500 else 400)


@pytest.mark.parametrize(
    ("seed", "count"),
    [pytest.param(0, 3, id="short")]
    + [pytest.param(seed, 30, id=f"long-{seed}", marks=pytest.mark.long) for seed in range(1, 11)],
)
def test_through_the_command(tmp_path, seed, count):
    contents = whole_files(tmp_path)
    for number in range(count):
        name, data = mutated(contents, np.random.default_rng([1000 + seed, number]))
        path, out = tmp_path / f"mutated-{name}", tmp_path / "out"
        path.write_bytes(data)
        command = [sys.executable, "-m", "vocalsep", "split", path, "-o", out, "--overwrite", "-d", "cpu", "-q"]
        done = subprocess.run(command, capture_output=True, text=True)
        where = f"seed {seed}, input {number}, {name}: {done.returncode} {done.stderr}"
        assert done.returncode in EXIT_CODES, where
        lines = done.stderr.splitlines()
        assert len(lines) == (1 if done.returncode else 0), where
        assert not lines or (lines[0].startswith("error: ") and "internal" not in lines[0]), where


def _in_flac(data: bytearray, n_samples: int) -> None:
    """STREAMINFO has the number of samples in its last 36 bits ahead of the MD5 sum."""
    (packed,) = struct.unpack(">Q", data[18:26])
    data[18:26] = struct.pack(">Q", packed & ~(2**36 - 1) | n_samples)
    data[26:42] = bytes(16)


def _in_wav(data: bytearray, n_samples: int) -> None:
    data[4:8], data[40:44] = struct.pack("<I", 4 * n_samples + 36), struct.pack("<I", 4 * n_samples)


def _in_au(data: bytearray, n_samples: int) -> None:
    data[8:12] = struct.pack(">I", 4 * n_samples)


def _in_mp3(data: bytearray, n_samples: int) -> None:
    place = max(data.find(b"Xing"), data.find(b"Info"))
    data[place + 8 : place + 12] = struct.pack(">I", n_samples // 1152)


@pytest.mark.parametrize("salvage", [False, True])
@pytest.mark.parametrize(
    ("name", "codec", "claim"),
    [
        ("a.flac", "FLAC:PCM_16", _in_flac),
        ("a.wav", "WAV:PCM_16", _in_wav),
        ("a.au", "AU:PCM_16", _in_au),
        ("a.mp3", "mp3/libmp3lame", _in_mp3),
    ],
)
def test_a_header_that_claims_three_hours(tmp_path, name, codec, claim, salvage):
    """Nothing is made ready for them."""
    noise = 0.1 * np.random.default_rng(0).standard_normal((2, 44100)).astype(np.float32)
    encode(tmp_path / name, noise, codec)
    data = bytearray((tmp_path / name).read_bytes())
    claim(data, 3 * 3600 * 44100)
    (tmp_path / name).write_bytes(data)
    separator = quick_separator()
    tracemalloc.start()
    try:
        result = separator.separate_file(tmp_path / name, tmp_path / "out", salvage=salvage)
        assert salvage or name == "a.mp3"  # whose header has the right number of bytes: players play it
        assert 0.9 < result.seconds < 1.1
    except DamagedAudioError:
        assert not salvage
    finally:
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak_bytes < 30e6


def test_every_mutation_of_every_kind_is_made_again(tmp_path):
    """From its seed alone."""
    contents = whole_files(tmp_path)
    first, second = (
        [mutated(contents, np.random.default_rng([3, number])) for number in range(200)] for _ in range(2)
    )
    assert first == second
    assert {name for name, _ in first} == set(contents)
    assert sum(data != contents[name] for name, data in first) > 180
