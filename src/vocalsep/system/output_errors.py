"""What an operating-system error on an output means to the user, and what to do about it."""

from __future__ import annotations

import errno
from pathlib import Path

from vocalsep.errors import (
    DiskFullError,
    OutputError,
    OutputExistsError,
    OutputNotFolderError,
    OutputNotWritableError,
)

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def output_error(error: OSError, path: Path) -> OutputError:
    """The `OutputError` that says what an operating-system error on ``path`` means to the user."""
    if error.errno in _FULL:
        return DiskFullError(f"no space left to write {path}", "Free some space, or choose another output folder.")
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return OutputNotFolderError(f"{path.parent} is not a folder", "Choose another output folder.")
    if error.errno == errno.ENAMETOOLONG:
        return OutputNotWritableError(
            f"cannot write {path}: the name is too long for this file system",
            "Choose a shorter template or output folder.",
        )
    reason = error.strerror or type(error).__name__
    return OutputNotWritableError(
        f"cannot write {path}: {reason}", "Choose an output folder that you may write to."
    )


def output_exists(path: Path) -> OutputExistsError:
    """The error for a file that is there and must stay."""
    return OutputExistsError(f"{path} exists", "Pass overwrite=True, or choose another output folder.")
