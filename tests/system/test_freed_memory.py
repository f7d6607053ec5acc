import os
import platform
import subprocess
import sys

import pytest

CODE = """
import resource, numpy
from vocalsep.system.freed_memory import keep_freed_memory
if {keep}: keep_freed_memory()
numpy.ones(10_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    numpy.ones(5_000_000)  # 40 MB, which glibc takes from the system and gives back each time
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(*, keep, **env):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    command = [sys.executable, "-c", CODE.format(keep=keep)]
    return int(subprocess.run(command, check=True, capture_output=True, env=kept | env).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator of glibc")
def test_memory_is_asked_for_once():
    assert page_faults(keep=True) < page_faults(keep=False) / 5


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator of glibc")
def test_the_users_own_settings_stay():
    own = {"MALLOC_MMAP_THRESHOLD_": "1000000"}
    assert page_faults(keep=True, **own) > page_faults(keep=False, **own) / 2
