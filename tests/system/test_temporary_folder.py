import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vocalsep.system.temporary_folder import TemporaryFolder

KEPT = """
import sys, time
from pathlib import Path
from vocalsep.system.temporary_folder import TemporaryFolder
folder = TemporaryFolder("songs-", Path(sys.argv[1]))
(folder.path / "song").write_text("la")
print(folder.path, flush=True)
time.sleep(60)
"""


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_close_removes_it_with_all_in_it(tmp_path):
    with TemporaryFolder("songs-", tmp_path) as folder:
        (folder.path / "deep").mkdir()
        (folder.path / "deep" / "song").write_text("la")
        assert names(tmp_path) == sorted([folder.path.name, f"{folder.path.name}.lock"])
    assert names(tmp_path) == []
    folder.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_nobody_else_may_read_it(tmp_path):
    with TemporaryFolder("songs-", tmp_path) as folder:
        assert folder.path.stat().st_mode & 0o077 == 0


def test_two_live_side_by_side(tmp_path):
    with TemporaryFolder("songs-", tmp_path) as first, TemporaryFolder("songs-", tmp_path) as second:
        assert first.path.is_dir()
        assert second.path.is_dir()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_that_of_a_killed_process_goes_with_the_next_one(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", KEPT, tmp_path], stdout=subprocess.PIPE, text=True)
    with process:
        left = Path(process.stdout.readline().strip())
        with TemporaryFolder("songs-", tmp_path):
            assert (left / "song").exists()  # it lives
        process.send_signal(signal.SIGKILL)
    assert (left / "song").exists()
    with TemporaryFolder("other-", tmp_path):
        assert left.exists()
    with TemporaryFolder("songs-", tmp_path) as folder:
        assert names(tmp_path) == sorted([folder.path.name, f"{folder.path.name}.lock"])
