"""Scores of songs, and what they come to."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from vocalsep._version import __version__
from vocalsep.stem_names import STEMS

METRICS = ("sdr", "chunk_sdr", "si_sdr")

Setting = str | int | float | None

_PROTOCOL = (
    "vocals and accompaniment (two stems), whole songs at their own rate and channels, nothing rescaled; "
    "sdr: global (MDX), mean over songs; chunk_sdr: museval BSSEval v4, windows of 1 s, median over windows, "
    "median over songs; si_sdr: mean over songs; in dB; undefined (silence) and infinite scores are left out"
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StemScores:
    """Scores of one stem of a song in dB; None where one is undefined or infinite.

    A silent reference has none of them. ``chunk_sdr`` needs one window in which both references and both
    estimates sound, ``si_sdr`` an estimate that is not silent. A perfect estimate is infinitely good.
    """

    sdr: float | None
    chunk_sdr: float | None
    si_sdr: float | None

    @classmethod
    def of(cls, **scores: float) -> StemScores:
        """The scores; None stands for those that are not finite."""
        return cls(**{metric: score if math.isfinite(score) else None for metric, score in scores.items()})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SongScores:
    """Scores of a song.

    Attributes:
        name: name of the track.
        seconds: length of the audio in seconds.
        wall_seconds: time that the separation took in seconds, without the scoring.
        stems: the scores of each stem.
    """

    name: str
    seconds: float
    wall_seconds: float
    stems: Mapping[str, StemScores]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SongScores:
        """Take back what `dataclasses.asdict` gives.

        Raises:
            TypeError: a value is missing, or one too many.
        """
        stems = {stem: StemScores(**scores) for stem, scores in values["stems"].items()}
        return cls(**{**values, "stems": stems})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A song that could not be scored, and why."""

    name: str
    error: str
    message: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What scores depend on; only songs scored under the same ones go into one result.

    Attributes:
        model: its id.
        weights_sha256: of the weights file; None for an oracle.
        data: spec of the data set.
        split: part of it.
        settings: settings of the separation; None is the model's own.
    """

    model: str
    weights_sha256: str | None
    data: str
    split: str
    settings: Mapping[str, Setting]

    def differences(self, earlier: Conditions) -> list[str]:
        """What is not as it was, each with both values; of models with weights, these and not the name count.

        Example:
            >>> now = Conditions(model="a", weights_sha256="1f", data="songs", split="all", settings={"shifts": 2})
            >>> now.differences(dataclasses.replace(now, settings={"shifts": 0}, model="b"))
            ['shifts (0, now 2)']
        """
        old, new = ({**dataclasses.asdict(conditions), **conditions.settings} for conditions in (earlier, self))
        compared = (old.keys() | new.keys()) - {"settings"}
        if self.weights_sha256 and earlier.weights_sha256:
            compared.remove("model")
        return [
            f"{key} ({old.get(key)}, now {new.get(key)})"
            for key in sorted(compared)
            if old.get(key) != new.get(key)
        ]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """One metric of one stem over songs: mean and median in dB (None without songs), and how many had it."""

    mean: float | None
    median: float | None
    songs: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Scores of the songs of a data set under the same conditions.

    Attributes:
        conditions: conditions of all songs.
        songs: songs that were scored.
        failed: songs that could not be scored.
    """

    conditions: Conditions
    songs: Sequence[SongScores]
    failed: Sequence[Failure] = ()

    @property
    def protocol(self) -> str:
        """What was scored and how: no number means anything without it."""
        return f"{len(self.songs)} songs of {self.conditions.data}, split {self.conditions.split}: {_PROTOCOL}"

    @property
    def summary(self) -> dict[str, dict[str, Aggregate]]:
        """For each stem each metric over the songs."""
        return {stem: {metric: _aggregate(self.scores(stem, metric)) for metric in METRICS} for stem in STEMS}

    @property
    def seconds(self) -> float:
        """Of audio."""
        return sum(song.seconds for song in self.songs)

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of separation for a second of audio; songs that are done at once slow each other down."""
        return sum(song.wall_seconds for song in self.songs) / self.seconds if self.songs else None

    def scores(self, stem: str, metric: str) -> list[float]:
        """One metric of one stem of the songs that have it."""
        scores = (getattr(song.stems[stem], metric) for song in self.songs)
        return [score for score in scores if score is not None]

    def to_json(self) -> dict[str, Any]:
        """The plain form, in which every number is finite."""
        summary = {
            stem: {metric: dataclasses.asdict(aggregate) for metric, aggregate in metrics.items()}
            for stem, metrics in self.summary.items()
        }
        return {
            "protocol": self.protocol,
            **dataclasses.asdict(self.conditions),
            "versions": {"vocalsep": __version__, "torch": version("torch"), "numpy": version("numpy")},
            "summary": summary,
            "seconds": self.seconds,
            "real_time_factor": self.real_time_factor,
            "songs": [dataclasses.asdict(song) for song in self.songs],
            "failed": [dataclasses.asdict(failure) for failure in self.failed],
        }


def _aggregate(scores: Sequence[float]) -> Aggregate:
    return Aggregate(
        mean=statistics.fmean(scores) if scores else None,
        median=statistics.median(scores) if scores else None,
        songs=len(scores),
    )
