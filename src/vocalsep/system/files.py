"""A file that appears whole or not at all."""

from __future__ import annotations

import errno
import os
import platform
import re
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vocalsep.errors import OutputNotWritableError
from vocalsep.system.output_errors import output_error, output_exists

if sys.platform != "win32":
    import fcntl

TEMPORARY_PREFIX = ".vocalsep-"
# of the machine in the name, since file systems that machines share may keep locks to each of them
_OURS = f"{TEMPORARY_PREFIX}{zlib.crc32(platform.node().encode()):08x}"
_TEMPORARY_NAME = re.compile(re.escape(_OURS) + r"[0-9a-f]{16}(\.|$)")


def make_folder(folder: Path) -> None:
    """Make ``folder`` and its parents.

    Raises:
        OutputError: a part of the path is a file, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        known = output_error(error, folder / "*")
        if type(known) is OutputNotWritableError and error.errno != errno.ENAMETOOLONG:
            known.message = f"cannot write to {folder}: {_why_no_folder(error)}"
        raise known from error


def _why_no_folder(error: OSError) -> str:
    if error.errno == errno.ENOENT:  # its parents are there, or were made: it is no place for folders, like /proc
        return "no folder can be made there"
    return error.strerror or type(error).__name__


def exists(path: Path) -> bool:
    """Whether something has the name ``path``, even if it is a link that leads nowhere.

    Raises:
        OutputError: a folder on the way may not be searched, or a name is too long.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise output_error(error, path) from error
    return True


class AtomicFile:
    """A temporary file next to ``target`` that `commit` renames to it.

    The temporary name is on the same file system, starts with `TEMPORARY_PREFIX` and keeps the target's suffix.
    While the process lives, the file is locked: `remove_leftovers` tells what a killed process left by that.

    Args:
        target: where the file goes; its folder is made if missing.
        replace: whether `commit` replaces what is there.

    Raises:
        OutputError: the folder or the temporary file cannot be made.
    """

    def __init__(self, target: Path, *, replace: bool = True) -> None:
        self.target = target
        self._replace = replace
        make_folder(target.parent)
        try:
            self.path, self._lock = _new_file(target)
        except OSError as error:
            raise output_error(error, target) from error

    def commit(self) -> None:
        """Flush the temporary file to the disk and rename it to the target.

        Raises:
            OutputError: the disk is full, or the target cannot be or must not be replaced; the temporary file is
                removed.
        """
        try:
            with open(self.path, "rb+") as file:
                os.fsync(file.fileno())
            if self._replace:
                self.path.replace(self.target)
            else:
                self._take_free_name()
            _sync_folder(self.target.parent)
            self._unlock()
        except FileExistsError as error:
            self.discard()
            raise output_exists(self.target) from error
        except OSError as error:
            self.discard()
            raise output_error(error, self.target) from error
        except BaseException:
            self.discard()
            raise

    def _take_free_name(self) -> None:
        """Rename, but never onto a file, even if another process has just made it."""
        try:
            os.link(self.path, self.target)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if os.path.lexists(self.target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
            self.path.replace(self.target)
        self.discard()

    def discard(self) -> None:
        """Remove the temporary file, if it is there."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def remove_leftovers(folder: Path) -> list[Path]:
    """Remove the temporary files that killed processes of this machine left in ``folder``, and give their names.

    What another process is writing at this time stays. Where the system has no locks, all stay.
    """
    try:
        files = list(folder.iterdir())
    except OSError:  # not there, or not to be searched: what is written there says so
        return []
    return [file for file in files if _TEMPORARY_NAME.match(file.name) and _remove_if_left(file)]


def _new_file(target: Path) -> tuple[Path, int | None]:
    """A new file next to ``target`` and its descriptor, which locks it until that is closed, if only by a kill."""
    while True:
        path = target.with_name(f"{_OURS}{os.urandom(8).hex()}{target.suffix}")
        if sys.platform == "win32":  # where a file that is open cannot be renamed
            return path, None
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return path, descriptor
        os.close(descriptor)  # taken for a leftover before it was locked


def _remove_if_left(path: Path) -> bool:
    """Remove a temporary file, unless the process that locked it lives."""
    if sys.platform == "win32":
        return False
    with suppress(OSError):  # somebody else's, locked, gone meanwhile
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
            return True
        finally:
            os.close(descriptor)
    return False


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path that becomes ``target`` when the block ends, and vanishes when it raises."""
    file = AtomicFile(target)
    try:
        yield file.path
    except OSError as error:
        file.discard()
        raise output_error(error, target) from error
    except BaseException:
        file.discard()
        raise
    file.commit()


def _sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` survive a power cut, where folders can be opened (not on Windows)."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
