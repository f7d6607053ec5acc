"""A disk of a given size, where the tests may mount one."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Callable[..., bool]]:
    """Mount a disk on ``folder``, or skip the test; yields what mounts it anew with other options."""
    folder.mkdir()

    def mount(*options: str) -> bool:
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", folder]
        return subprocess.run(command, capture_output=True).returncode == 0

    if not (shutil.which("mount") and mount(f"size={size}")):
        pytest.skip("no disk can be mounted here")
    try:
        yield lambda *options: mount("remount", *options)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
