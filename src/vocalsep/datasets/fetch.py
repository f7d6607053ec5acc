"""Getting a published data set: a download that goes on where it stopped, checked, and unpacked song by song."""

from __future__ import annotations

import http.client
import logging
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from vocalsep._version import __version__
from vocalsep.datasets.archive import Archive, Progress, check_space, extract, find_missing, writing
from vocalsep.errors import CorruptArchiveError, DownloadError
from vocalsep.system.digest import sha256_of
from vocalsep.system.files import make_folder

log = logging.getLogger("vocalsep")

Bars = Callable[[str], AbstractContextManager[Progress]]
"""Makes the progress bar of a step: a context that yields what is called with how much is done."""

_TIMEOUT_SECONDS = 60.0
_BACK_OFF_SECONDS = (1, 2, 4, 8, 16, 32)
_PASSING = (408, 425, 429, 500, 502, 503, 504)
"""HTTP statuses that may be gone at the next try."""
_CONTENT_RANGE = re.compile(r"bytes (?:\d+-\d+|\*)/(\d+)")
_BLOCK_BYTES = 2**18


@contextmanager
def no_bars(step: str) -> Iterator[Progress]:
    """The progress of a step, shown nowhere."""
    yield lambda done, total: None


def fetch(archive: Archive, root: Path, *, keep_zip: bool = False, bars: Bars = no_bars) -> None:
    """Download a data set, check it, and unpack it to ``root/PART/SONG/STEM.wav``; what is there is kept.

    The download grows in ``root/NAME.zip.part``. A ``root/NAME.zip`` that is there already, got by other means, is
    taken if it is the right one.

    Args:
        archive: the data set to download.
        root: folder of the data set, made if missing.
        keep_zip: keep the zip file, which is removed at the end otherwise.
        bars: progress of ``downloading``, ``checking`` and ``unpacking``, in bytes.

    Raises:
        DownloadError: there is no connection, after several tries, or no such file.
        CorruptArchiveError: other bytes came than the hash says, twice, or songs are missing in the zip file.
        DiskFullError: the zip file and the songs do not fit on the disk; before anything is downloaded.
        OutputError: the folder cannot be written.
    """
    if find_missing(archive, root) is None:
        return
    make_folder(root)
    file = root / f"{archive.name}.zip"
    _get_verified(archive, file, bars)
    with bars("unpacking") as progress:
        extract(archive, file, root, progress)
    if problem := find_missing(archive, root):
        raise CorruptArchiveError(f"{file} is not all of {archive.name}: {problem}", "Please report this.")
    if not keep_zip:
        file.unlink()


def _get_verified(archive: Archive, file: Path, bars: Bars) -> None:
    """Download the zip file unless it is there, and once more if it is wrong."""
    digest = ""
    for _ in range(2):
        if not file.exists():
            part = file.with_name(f"{file.name}.part")
            with bars("downloading") as progress:
                _download(archive, part, progress)
            part.replace(file)
        with bars("checking"):
            digest = sha256_of(file)
        if digest == archive.sha256:
            return
        log.warning("%s is wrong, its sha256 is %s; removing it", file, digest)
        file.unlink()
    raise CorruptArchiveError(
        f"{archive.url} is not {archive.name}, twice: its sha256 is {digest}, not {archive.sha256}",
        "Nothing of it was kept. Try again later, over another connection.",
    )


def _download(archive: Archive, part: Path, progress: Progress) -> None:
    """Download to ``part``, on from what is there, until all has come or several tries in turn brought nothing."""
    tries = 0
    while True:
        n_before = _size(part)
        try:
            if _download_rest(archive, part, progress):
                return
            reason = "the connection ended early"
        except HTTPError as error:
            error.close()
            reason = f"{error.code} {error.reason}"
            if error.code == 416:  # there is no more, or never was so much
                if _size(part) == _total(error.headers.get("Content-Range", "")):
                    return
                part.unlink()
            elif error.code not in _PASSING:
                raise _failed(archive, part, f"the server answers {reason}") from error
        except (URLError, OSError, http.client.HTTPException) as error:
            cause = error.reason if isinstance(error, URLError) else error
            reason = f"{type(cause).__name__}: {cause}" if isinstance(cause, BaseException) else str(cause)
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise _failed(archive, part, reason) from error
        tries = 0 if _size(part) > n_before else tries + 1
        if tries > len(_BACK_OFF_SECONDS):
            raise _failed(archive, part, reason)
        wait_seconds = _BACK_OFF_SECONDS[max(0, tries - 1)]
        log.warning("%s: %s; going on in %d s", archive.url, reason, wait_seconds)
        time.sleep(wait_seconds)


def _download_rest(archive: Archive, part: Path, progress: Progress) -> bool:
    """Add what comes to ``part``; whether that is all that the server announced."""
    done = _size(part)
    headers = {"User-Agent": f"vocalsep/{__version__}", **({"Range": f"bytes={done}-"} if done else {})}
    with urlopen(Request(archive.url, headers=headers), timeout=_TIMEOUT_SECONDS) as response:
        if response.status == 206:
            content_range = response.headers.get("Content-Range", "")
            if not content_range.startswith(f"bytes {done}-"):
                part.unlink()
                return False
            total = _total(content_range)
        else:  # all of it comes, asked for or not
            done = 0
            length = response.headers.get("Content-Length")
            total = int(length) if length else None
        check_space(part.parent, (total or done) - done + archive.extracted_bytes, archive.name)
        with writing(part):
            part.touch()
        with open(part, "ab" if done else "wb") as file:
            while block := response.read1(_BLOCK_BYTES):
                with writing(part):
                    file.write(block)
                    file.flush()
                done += len(block)
                progress(done, total)
    return total is None or done >= total


def _failed(archive: Archive, part: Path, reason: str) -> DownloadError:
    hint = (
        f"Run the command again: it goes on at {_size(part) / 1e9:.2f} GB."
        if _size(part)
        else f"Check the connection and the proxy, or put {archive.name}.zip in {part.parent} and run it again."
    )
    return DownloadError(f"cannot download {archive.url}: {reason}", hint)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _total(content_range: str) -> int | None:
    """How many bytes there are in all by a Content-Range header, where it says so."""
    match = _CONTENT_RANGE.fullmatch(content_range.strip())
    return int(match[1]) if match else None
