"""A folder that lasts as long as its process."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_LOCK_SUFFIX = ".lock"


class TemporaryFolder:
    """A new folder that only this user may read, removed by `close`.

    A process that is killed cannot remove its folder. Each folder therefore has a lock file next to it, which the
    system unlocks when the process ends, whatever ends it. The next folder with the same prefix removes every
    folder whose lock is free.

    Args:
        prefix: beginning of the folder's name.
        parent: where it is made; None takes the system's folder for temporary files.

    Attributes:
        path: path of the folder.

    Raises:
        OSError: the folder cannot be made.
    """

    def __init__(self, prefix: str, parent: Path | None = None) -> None:
        parent = Path(tempfile.gettempdir()) if parent is None else parent
        _remove_leftovers(parent, prefix)
        self._lock_path, self._lock = _new_lock(parent, prefix)
        self.path = self._lock_path.with_suffix("")
        try:
            self.path.mkdir(mode=0o700)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            with suppress(OSError):
                if sys.platform != "win32":
                    self._lock_path.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None
            with suppress(OSError):  # Windows removes no open file
                self._lock_path.unlink(missing_ok=True)

    def __enter__(self) -> TemporaryFolder:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _new_lock(parent: Path, prefix: str) -> tuple[Path, int | None]:
    """A new lock file and its descriptor, which holds the lock until it is closed."""
    while True:
        descriptor, name = tempfile.mkstemp(_LOCK_SUFFIX, prefix, parent)
        if sys.platform == "win32":
            return Path(name), descriptor
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return Path(name), descriptor
        os.close(descriptor)  # another process took it for a leftover before it was locked


def _remove_leftovers(parent: Path, prefix: str) -> None:
    """Remove the folders of processes that ended without doing so."""
    for lock in parent.glob(f"{prefix}*{_LOCK_SUFFIX}"):
        with suppress(OSError):  # another user's, or in use
            if sys.platform == "win32":
                lock.unlink()  # fails while the process that has it open lives
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                continue
            descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                lock.unlink()
            finally:
                os.close(descriptor)
