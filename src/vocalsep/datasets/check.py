"""What a data set holds, and what is wrong with it: every file is read once, in blocks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

from vocalsep.audio.excerpt import Extent
from vocalsep.datasets.candidates import Candidate, find_candidates
from vocalsep.datasets.dataset import Dataset
from vocalsep.datasets.levels import Level, Measurements, measure
from vocalsep.errors import NoTracksError
from vocalsep.system.threads import map_in_order

MODEL_RATE = 44100
"""Sample rate that models work at, in Hz."""

SHORTEST_SECONDS = 3.0
"""What training takes of a track at a time."""

WORST_SUM_DB = -40.0
"""Level of what the stems lack to the mixture, relative to it, above which they do not sum to it."""

_MOST_JOBS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong with a track, or worth to know of it.

    Attributes:
        track: name of the track, or of a folder that is not a track.
        level: ``wrong``, or ``note`` for what does no harm.
        what: the finding in words.
    """

    track: str
    level: Literal["wrong", "note"]
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What `check_dataset` found.

    Attributes:
        spec: spec of the data set.
        n_tracks: how many tracks there are, good or not.
        seconds: length of them all, each by its shortest file.
        sample_rates: how many files have each rate, in Hz.
        stems: how many tracks have a file of each name.
        findings: what was found, in the order of the tracks.
    """

    spec: str
    n_tracks: int
    seconds: float
    sample_rates: Mapping[int, int]
    stems: Mapping[str, int]
    findings: tuple[Finding, ...]

    @property
    def n_wrong(self) -> int:
        """How many tracks have something wrong."""
        return len({finding.track for finding in self.findings if finding.level == "wrong"})


def check_dataset(
    dataset: Dataset, *, jobs: int | None = None, progress: Callable[[float, float], None] | None = None
) -> Report:
    """Read all files of a data set and say what is wrong with them.

    Wrong are: files that cannot be read to their end; rates that differ in a track, or are not `MODEL_RATE`;
    lengths and channels that differ; stems that are missing, doubled or silent; samples that are not finite; and
    stems that do not sum to the mixture. Noted are clipping, a silent file of a stem that has others, tracks
    shorter than `SHORTEST_SECONDS`, and folders of audio without vocals.

    Args:
        dataset: as `open_dataset` gives it.
        jobs: tracks that are read at once; None takes the number of CPUs, 8 at most.
        progress: called with the tracks that are done and those there are.

    Raises:
        NoTracksError: there are no tracks.
    """
    candidates = find_candidates(dataset)
    tracks = [candidate for candidate in candidates if candidate.files]
    if not tracks:
        raise NoTracksError(
            f"{dataset.spec} has no tracks", "A track is a folder with vocals.wav and other stems."
        )
    measured: list[Measurements] = []
    with ThreadPoolExecutor(jobs or min(_MOST_JOBS, os.cpu_count() or 1)) as pool:
        try:
            for one in map_in_order(pool, _measure, candidates):
                measured.append(one)
                if progress:
                    progress(len(measured), len(candidates))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    stems = chain.from_iterable({file.stem.lower() for file in track.files} for track in tracks)
    rates = (extent.sample_rate for one in measured for extent in one.extents.values())
    return Report(
        spec=dataset.spec,
        n_tracks=len(tracks),
        seconds=sum(_seconds(one.extents) for one in measured),
        sample_rates=dict(sorted(Counter(rates).items())),
        stems=dict(sorted(Counter(stems).items())),
        findings=tuple(chain.from_iterable(map(_judged, candidates, measured))),
    )


def _measure(candidate: Candidate) -> Measurements:
    stems = [file for files in candidate.stems.values() for file in files]
    return measure(stems, candidate.mixture)


def _seconds(extents: Mapping[Path, Extent]) -> float:
    return min((extent.n_samples / extent.sample_rate for extent in extents.values()), default=0.0)


def _judged(candidate: Candidate, measured: Measurements) -> Iterator[Finding]:
    """All findings about a track."""
    wrong = chain(
        candidate.wrong,
        measured.problems.values(),
        _mismatches(measured.extents),
        _bad_samples(measured.levels),
        _silent_stems(candidate, measured.levels),
        [] if candidate.wrong else _bad_sum(measured),
    )
    for what in wrong:
        yield Finding(track=candidate.name, level="wrong", what=what)
    for what in chain(candidate.notes, _remarks(candidate, measured)):
        yield Finding(track=candidate.name, level="note", what=what)


def _mismatches(extents: Mapping[Path, Extent]) -> Iterator[str]:
    rates: dict[int, str] = {}  # to the first file that has it
    channels: dict[int, str] = {}
    lengths: dict[int, str] = {}
    for file, extent in extents.items():
        rates.setdefault(extent.sample_rate, file.name)
        channels.setdefault(extent.channels, file.name)
        lengths.setdefault(extent.n_samples, file.name)
    if len(rates) > 1:
        yield f"has different rates: {_listed(rates, 'Hz')}"
    elif rates.keys() - {MODEL_RATE}:
        yield f"is at {next(iter(rates))} Hz, and models work at {MODEL_RATE} Hz"
    if len(channels.keys() - {1}) > 1:
        yield f"has different numbers of channels: {_listed(channels, 'channels')}"
    if len(lengths) > 1:
        yield f"has different lengths: {_listed(dict([min(lengths.items()), max(lengths.items())]), 'samples')}"
    elif 0 in lengths:
        yield "has no samples"


def _listed(files: Mapping[int, str], unit: str) -> str:
    return ", ".join(f"{name} {number} {unit}" for number, name in files.items())


def _bad_samples(levels: Mapping[Path, Level]) -> Iterator[str]:
    for file, level in levels.items():
        if level.n_not_finite:
            yield f"{file.name} has {level.n_not_finite} samples that are not finite numbers"


def _silent_stems(candidate: Candidate, levels: Mapping[Path, Level]) -> Iterator[str]:
    stems = {**candidate.stems, "mixture": [candidate.mixture] if candidate.mixture else []}
    for stem, files in stems.items():
        if files and all(file in levels and levels[file].is_silent for file in files):
            yield f"{stem} is silent, {_level(max(levels[file].db for file in files))}"


def _bad_sum(measured: Measurements) -> Iterator[str]:
    if measured.sum_db is not None and measured.sum_db > WORST_SUM_DB:
        yield f"the stems do not sum to the mixture: the difference is at {measured.sum_db:.1f} dB of it"


def _remarks(candidate: Candidate, measured: Measurements) -> Iterator[str]:
    with_others = {file for files in candidate.stems.values() if len(files) > 1 for file in files}
    for file, level in measured.levels.items():
        if level.n_clipped:
            yield f"{file.name} clips at {level.n_clipped} samples"
        if file in with_others and level.is_silent:
            yield f"{file.name} is silent, {_level(level.db)}"
    if 0 < _seconds(measured.extents) < SHORTEST_SECONDS:
        yield f"is shorter than {SHORTEST_SECONDS:.0f} s: {_seconds(measured.extents):.2f} s"


def _level(db: float) -> str:
    return f"at {db:.1f} dBFS" if db > -200 else "all zeros"
