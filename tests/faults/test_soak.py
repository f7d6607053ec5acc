"""One process that splits for a night."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from faults.memory import STRICT, slope

PROGRAM = Path(__file__).with_name("soak.py")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize(
    ("count", "most_mb"),
    [pytest.param(30, 60, id="short"), pytest.param(500, 1, id="long", marks=pytest.mark.long)],
)
def test_memory_descriptors_and_threads_stay_flat(tmp_path, count, most_mb):
    command = [sys.executable, PROGRAM, tmp_path, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, env=STRICT)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    facts = json.loads(done.stdout)
    slope_mb = 100 * slope(facts["memory_mb"])
    last_mb = facts["memory_mb"][-1]
    print(f"\n{count} files: {last_mb:.0f} MB, {slope_mb:+.2f} MB for 100 more, {facts['failed']} refused")
    assert slope_mb < most_mb
    assert set(facts["descriptors"][1:]) == {facts["descriptors"][-1]}
    assert set(facts["threads"]) == {facts["threads"][-1]}
    assert 0 < facts["failed"] <= count // 5
