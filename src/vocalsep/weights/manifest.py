"""The manifest: every model by id, with where its weights are, their hash, licence and scores."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from vocalsep.errors import CorruptWeightsError, UnknownModelError, VocalsepError
from vocalsep.system.mapping import from_mapping

_PACKAGE = Path(__file__).parents[1]
_FILE_NAME = "weights_manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file in a Hugging Face Hub repository, at a commit.

    Attributes:
        repo: ``OWNER/REPO``.
        revision: the commit, 40 hexadecimal digits; None where it is not known, and the file is that of the main
            branch, which the entry's hash guards.
        file: path in the repository.
    """

    repo: str
    revision: str | None
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """The licence of the weights.

    Attributes:
        name: as people call it; "not stated" where it is not.
        spdx: the SPDX identifier, where there is one.
        url: of the statement.
        statement: who states what.
    """

    name: str
    spdx: str | None
    url: str | None
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One score, meaningless without its protocol.

    Attributes:
        name: ``sdr`` (global), ``chunk_sdr`` (museval) or ``si_sdr``.
        stem: which stem was scored.
        value: the score.
        unit: of the value, ``dB``.
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
        stems: that the network estimates; vocals or accompaniment that is not among them is the mixture minus it.
        licence: of the weights.
        attribution: whom to credit.
        training_data: what the weights were trained on.
        file: name of the weights file.
        sha256: of the file, 64 hexadecimal digits.
        bytes: size of the file (None: not known).
        config: of the model, as `vocalsep.models.architectures.build_model` takes it, where the file does not
            say it.
        bundled: whether the file comes with the package.
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
    sources: tuple[Source, ...] = ()
    segment_seconds: float | None = None
    overlap: float | None = None
    cost: Cost | None = None
    metrics: tuple[Metric, ...] = ()
    published: str | None = None

    @property
    def bundled_path(self) -> Path | None:
        """The weights file in the package, or None where it is not bundled."""
        return _PACKAGE / "weights" / "bundled" / self.file if self.bundled else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All models, in the order to show them.

    Attributes:
        schema_version: of the file's format, 1.
        default: id of the model used when none is chosen.
        qualities: the models for a wish instead of a name.
        models: the entries.
    """

    schema_version: int
    default: str
    qualities: Qualities
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


def read_manifest(path: Path) -> Manifest:
    """Read a manifest file.

    Raises:
        CorruptWeightsError: it cannot be read, or is no manifest.
    """
    try:
        return from_mapping(Manifest, json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, AttributeError, VocalsepError) as error:
        raise CorruptWeightsError(f"{path} is no weights manifest: {error}", "Install vocalsep again.") from error


@cache
def load_manifest() -> Manifest:
    """The manifest of this installation: in the package, or at the top of its source tree.

    Example:
        >>> load_manifest().entry("tdt").parameters
        84172
    """
    installed = _PACKAGE / _FILE_NAME
    return read_manifest(installed if installed.exists() else _PACKAGE.parents[1] / _FILE_NAME)
