"""Weights from the Hugging Face Hub: downloaded by its own client, verified, and used from its cache."""

from __future__ import annotations

import dataclasses
import errno
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vocalsep.errors import CorruptWeightsError, DiskFullError, DownloadError, ModelError, OptionError
from vocalsep.weights.manifest import Entry, Source
from vocalsep.weights.verify import find_mismatch

Progress = Callable[[int, int], None]
"""Called with the bytes that have come and those there will be."""

HUB_PREFIX = "hf:"
REPO_FILE = "model.safetensors"
"""What `fetch_repo` takes of a repository, besides its ``config.json``."""

_SPEC = re.compile(r"hf:(?P<repo>\w[\w.-]*/\w[\w.-]*)(?:@(?P<revision>(?!.*\.\.)\w[\w./-]*))?", re.ASCII)
_AGAIN = "Try again."


def cache_folder() -> Path:
    """Where the Hub's client keeps what it downloads (``HF_HUB_CACHE``, ``HF_HOME``)."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def offline_switches(offline: bool) -> str:
    """What forbids to ask the network, by name; empty where it may be asked.

    Args:
        offline: the argument of that name.
    """
    from huggingface_hub import constants

    switches = {"offline=True": offline, "HF_HUB_OFFLINE": constants.HF_HUB_OFFLINE}
    return " and ".join(name for name, is_on in switches.items() if is_on)


def cached_path(entry: Entry) -> Path | None:
    """Where the weights lie in the Hub's cache, unverified; None if they do not. Fast, no network."""
    paths = (_path_in_cache(source) for source in entry.published_sources)
    return next((path for path in paths if path.exists()), None)


def fetch(entry: Entry, *, offline: bool = False, progress: Progress | None = None) -> Path:
    """Give the verified weights of an entry, from the cache or the first of its sources that has them.

    Raises:
        CorruptWeightsError: all sources give other bytes than the manifest says.
        DownloadError: no source gives the file, each with its reason; or none may be asked.
        DiskFullError: it does not fit into the cache.
    """
    if (switches := offline_switches(offline)) and not cached_path(entry):
        raise _not_here(f"the weights of '{entry.id}' are", switches)
    failures: list[tuple[Source, ModelError]] = []
    for source in sorted(entry.published_sources, key=lambda source: not _path_in_cache(source).exists()):
        try:
            return _fetch_verified(entry, source, offline, progress)
        except (DownloadError, CorruptWeightsError) as error:  # noqa: PERF203 - the next source is tried
            failures.append((source, error))
    if len({error.message for _, error in failures}) == 1:  # one source, or no connection to where all are
        raise failures[0][1]
    all_corrupt = all(isinstance(error, CorruptWeightsError) for _, error in failures)
    reasons = "; ".join(f"{source.repo}: {error.message}" for source, error in failures)
    kind = CorruptWeightsError if all_corrupt else DownloadError
    raise kind(f"no source has '{entry.id}': {reasons}", failures[0][1].hint)


def fetch_repo(spec: str, *, offline: bool = False, progress: Progress | None = None) -> Path:
    """Give ``model.safetensors`` of any repository: ``hf:OWNER/REPO`` or ``hf:OWNER/REPO@REVISION``.

    Nothing in a safetensors file is executed; other formats are not taken. The config is inside the file or in the
    repository's ``config.json``. There is no known hash to verify.

    Raises:
        OptionError: the spec is malformed.
        DownloadError: there is no such repository or file, or no way to get it.
        DiskFullError: it does not fit into the cache.
    """
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise OptionError(f"'{spec}' is no Hub repository", "Write hf:OWNER/REPO or hf:OWNER/REPO@REVISION.")
    revision = match["revision"] or "main"
    path = _download(Source(repo=match["repo"], revision=revision, file=REPO_FILE), offline, progress)
    # The commit of the weights, not a branch that may have moved on between the two files.
    config = Source(repo=match["repo"], revision=path.parent.name, file="config.json")
    try:
        _download(config, offline, None)
    except DownloadError as error:
        from huggingface_hub.errors import EntryNotFoundError

        if not isinstance(error.__cause__, EntryNotFoundError):
            raise
    return path


def _fetch_verified(entry: Entry, source: Source, offline: bool, progress: Progress | None) -> Path:
    """Fetch a file, and once more if what came is wrong."""
    problem = None
    for _ in range(2):
        path = _download(_at_commit(source), offline, progress, entry.bytes)
        problem = find_mismatch(entry, path)
        if problem is None:
            return path
        _remove(path)
    raise CorruptWeightsError(
        f"{source.file} of {source.repo} is not '{entry.id}', twice: {problem}; it was deleted from {path.parent}",
        "Try again later, or report it to the repository.",
    )


def _path_in_cache(source: Source) -> Path:
    return _repo_in_cache(source) / "snapshots" / (_at_commit(source).revision or "main") / source.file


def _repo_in_cache(source: Source) -> Path:
    return cache_folder() / ("models--" + source.repo.replace("/", "--"))


def _at_commit(source: Source) -> Source:
    """A source of the main branch at the commit that its cached file is of, wherever the branch has gone since."""
    if source.revision is None:
        snapshots = sorted((_repo_in_cache(source) / "snapshots").glob("*"))
        commit = next((folder.name for folder in snapshots if (folder / source.file).exists()), None)
        return dataclasses.replace(source, revision=commit)
    return source


def _remove(path: Path) -> None:
    """Delete a cached file: the link, and the blob it points to."""
    blob = path.resolve()
    path.unlink(missing_ok=True)
    blob.unlink(missing_ok=True)


def _download(source: Source, offline: bool, progress: Progress | None, total: int | None = None) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # it warns of each retry; the outcome is said once, below
    try:
        path = hf_hub_download(
            source.repo,
            source.file,
            revision=source.revision,
            local_files_only=offline,
            tqdm_class=_progress_bar(progress, total),
        )
    except Exception as error:  # which class a failed transfer has depends on the client's HTTP and Xet libraries
        raise _explained(error, source, offline) from error
    finally:
        logging.set_verbosity(verbosity)
    return Path(path)


def _progress_bar(progress: Progress | None, total: int | None) -> Any:
    """A class that the client takes for a progress bar: it prints nothing and calls ``progress``."""
    from huggingface_hub.utils.tqdm import tqdm

    furthest = 0

    class SilentBar(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})  # type: ignore[no-untyped-call]
            self.done = int(kwargs.get("initial") or 0)

        def update(self, n: float | None = 1) -> None:
            nonlocal furthest
            self.done += int(n or 0)
            if progress and self.done > furthest:  # Xet has two bars, for bytes received and bytes written
                furthest = self.done
                progress(furthest, total or int(self.total or 0))

    return SilentBar


def _explained(error: Exception, source: Source, offline: bool) -> ModelError | DiskFullError:
    """What a failure of the client means to the user."""
    from huggingface_hub import constants, errors

    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(f"no space left in {cache_folder()}", "Free some, or set HF_HOME to another disk.")
    if not cache_folder().is_absolute():
        return DownloadError(
            f"there is no home folder to keep {source.file} in", "Set HF_HOME to a folder that you may write to."
        )
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
        return DownloadError(
            f"cannot write to {cache_folder()}: {error.strerror}", "Set HF_HOME to a folder that you may write to."
        )
    revision = source.revision or "main"
    where = f"{source.repo} at {revision[:12]}"
    cause = error.__cause__
    status = getattr(getattr(error, "response", None) or getattr(cause, "response", None), "status_code", None)
    # older clients close their session when a connection fails, then try again with the closed one
    closed = isinstance(error, RuntimeError) and "client has been closed" in str(error)
    if (closed or isinstance(error, errors.LocalEntryNotFoundError)) and status is None:
        if switches := offline_switches(offline):
            return _not_here(f"{source.file} of {where} is", switches)
        reason = "it cannot be made" if closed else first_line(cause or error)
        return DownloadError(
            f"no connection to {constants.ENDPOINT}: {reason}",
            "Check the connection, HF_ENDPOINT and the proxy.",
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return DownloadError(f"{source.repo} has no revision {revision}", "Check the name after the @.")
    if isinstance(error, errors.EntryNotFoundError) and status == 404:
        return DownloadError(f"{where} has no file {source.file}", "Check the name of the repository.")
    if status in (401, 403):
        return DownloadError(
            f"access to {source.repo} is refused ({status}): it is private or gated, or does not exist",
            f"Accept its terms at {constants.ENDPOINT}/{source.repo}, then set HF_TOKEN or run `hf auth login`.",
        )
    if status == 404:
        return DownloadError(f"there is no repository {source.repo}", "Check its name.")
    return DownloadError(f"cannot download {source.file} of {where}: {first_line(cause or error)}", _AGAIN)


def first_line(error: BaseException) -> str:
    """The class of an error and the first line of what it says."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def _not_here(what: str, switches: str) -> DownloadError:
    return DownloadError(
        f"{what} not on this machine, and nothing is downloaded offline", f"Run it once without {switches}."
    )
