"""What an operating-system error on an output means to the user, and what to do about it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from vocalsep.errors import (
    DiskFullError,
    OutputError,
    OutputExistsError,
    OutputNotFolderError,
    OutputNotWritableError,
)

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# Windows's own numbers, which `OSError.winerror` has there alone
_NO_PATH, _SHARING_VIOLATION, _PATH_TOO_LONG = 3, 32, 206
_LONGEST_WINDOWS_PATH = 248  # of a folder, which has to leave room for a short name


def output_error(error: OSError, path: Path) -> OutputError:
    """The `OutputError` that says what an operating-system error on ``path`` means to the user."""
    if error.errno in _FULL:
        return DiskFullError(f"no space left to write {path}", "Free some space, or choose another output folder.")
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return OutputNotFolderError(_why_no_folder(path), "Choose another output folder.")
    code = getattr(error, "winerror", None)
    if code == _SHARING_VIOLATION:
        return OutputNotWritableError(
            f"cannot write {path}: another program has it open", "Close it there, or choose another output folder."
        )
    if code == _PATH_TOO_LONG or (code == _NO_PATH and len(str(path.absolute())) >= _LONGEST_WINDOWS_PATH):
        return OutputNotWritableError(
            f"cannot write {path}: the path is longer than Windows takes",
            "Choose a shorter output folder, or switch on long paths in Windows.",
        )
    if error.errno == errno.ENAMETOOLONG:
        return OutputNotWritableError(
            f"cannot write {path}: the name is too long for this file system",
            "Choose a shorter template or output folder.",
        )
    reason = error.strerror or type(error).__name__
    return OutputNotWritableError(
        f"cannot write {path}: {reason}", "Choose an output folder that you may write to."
    )


def _why_no_folder(path: Path) -> str:
    """Which part of the path of a file is no folder."""
    file = next((part for part in path.parents if os.path.lexists(part) and not part.is_dir()), None)
    return f"{file} is a file, not a folder" if file else f"{path.parent} is not a folder"


def output_exists(path: Path) -> OutputExistsError:
    """The error for a file that is there and must stay."""
    return OutputExistsError(f"{path} exists", "Pass overwrite=True, or choose another output folder.")
