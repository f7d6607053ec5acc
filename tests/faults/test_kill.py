"""kill -9, at any moment of a batch: what has a name is whole, and the batch can be finished."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.stem_reading import leftovers
from vocalsep.system import files
from vocalsep.system.files import AtomicFile, remove_leftovers

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are killed as on POSIX")

PROGRAM = Path(__file__).with_name("kills.py")


@pytest.mark.parametrize(
    ("seed", "count", "way"),
    [pytest.param(0, 5, "fork", id="short"), pytest.param(0, 1, "process", id="short-process")]
    + [pytest.param(seed, 20, "fork", id=f"long-{seed}", marks=pytest.mark.long) for seed in range(1, 10)]
    + [pytest.param(10, 20, "process", id="long-process", marks=pytest.mark.long)],
)
def test_a_killed_batch_can_be_finished(tmp_path, seed, count, way):
    command = [sys.executable, PROGRAM, tmp_path, str(seed), str(count), way]
    done = subprocess.run(command, capture_output=True, text=True)
    print(f"\n{done.stdout}")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    counts = json.loads(done.stdout.splitlines()[-1])
    assert counts["kills"] == count
    if count >= 20:  # the moments were spread over the batch
        assert counts["before the end"] > 0.5 * count
        assert counts["with some songs done"] > 0


KILLED = """
import os, signal, sys
from pathlib import Path
from vocalsep.system.files import AtomicFile

file = AtomicFile(Path(sys.argv[1]))
file.path.write_bytes(b"half")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_is_left_is_told_from_what_is_being_written(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, tmp_path / "a.wav"])
    (left,) = leftovers(tmp_path)
    mine = AtomicFile(tmp_path / "b.wav")
    mine.path.write_bytes(b"half")
    ours = f"{files._OURS}0123456789abcde"  # but for a digit, what our own temporary files are called
    others = [tmp_path / name for name in (".vocalsep-song", ".hidden.wav", f"{ours}f-notes", f"{ours}.wav")]
    for path in others:
        path.write_bytes(b"")
    (tmp_path / f"{ours}0").mkdir()
    (tmp_path / f"{ours}1.wav").symlink_to(others[0])
    assert remove_leftovers(tmp_path) == [Path(left)]
    assert mine.path.read_bytes() == b"half"
    assert all(path.exists() for path in [*others, tmp_path / f"{ours}0", tmp_path / f"{ours}1.wav"])
    mine.commit()
    assert (tmp_path / "b.wav").read_bytes() == b"half"
    assert remove_leftovers(tmp_path) == remove_leftovers(tmp_path / "nothing") == []


def test_no_descriptor_stays_open(tmp_path):
    before = len(list(Path("/dev/fd").iterdir()))
    for end in (AtomicFile.commit, AtomicFile.discard):
        for _ in range(10):
            end(AtomicFile(tmp_path / "a.wav"))
    assert len(list(Path("/dev/fd").iterdir())) == before
