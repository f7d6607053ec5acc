"""What a run was made with: versions, the machine, and the commit of the folder it was started in."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import version

import torch

from vocalsep._version import __version__

_PACKAGES = ("torch", "torchaudio", "accelerate", "numpy", "scipy", "soundfile")


def describe_environment() -> dict[str, object]:
    """The facts by name, as plain JSON values."""
    devices = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "vocalsep": __version__,
        "python": platform.python_version(),
        "packages": {package: version(package) for package in _PACKAGES},
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "cuda_devices": devices,
        "command": sys.argv,
        "git": _git_state(),
    }


def _git_state() -> dict[str, object] | None:
    """Commit and whether there are changes on top of it; None outside a repository, or without git."""
    try:
        commit = _git("rev-parse", "HEAD")
        return {"commit": commit, "changed": bool(_git("status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
