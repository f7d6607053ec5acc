"""The files of a track, read once and together: their levels, and what their sum lacks to the mixture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vocalsep.audio.excerpt import Extent, extent_of, read_excerpt
from vocalsep.audio.samples import Samples
from vocalsep.errors import InputError

SILENT_DB = -60.0
"""Mean level, relative to full scale, below which a signal counts as silent."""

_BLOCK_SAMPLES = 2**18
_FULL_SCALE = 1 - 2**-15  # the largest sample of a 16-bit file


@dataclass(slots=True)
class Level:
    """Sums over the samples of a signal.

    Attributes:
        energy: energy of the finite samples.
        n_values: how many there are, in all channels.
        n_clipped: how many at full scale, or above, follow another.
        n_not_finite: how many are not a number, or infinite.
    """

    energy: float = 0.0
    n_values: int = 0
    n_clipped: int = 0
    n_not_finite: int = 0

    def add(self, block: Samples) -> None:
        """Count a block ``(channel, sample)``."""
        energy = float(np.vdot(block, block))
        if not math.isfinite(energy):
            finite = np.isfinite(block)
            self.n_not_finite += block.size - int(np.count_nonzero(finite))
            block = np.where(finite, block, np.float32(0))
            energy = float(np.sum(block.astype(np.float64) ** 2))
        self.energy += energy
        self.n_values += block.size
        if block.size and max(block.max(), -block.min()) >= _FULL_SCALE:
            full = np.abs(block) >= _FULL_SCALE
            self.n_clipped += int(np.count_nonzero(full[:, 1:] & full[:, :-1]))

    @property
    def db(self) -> float:
        """The mean level relative to full scale; minus infinity for silence."""
        return decibels(self.energy, self.n_values)

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing to hear."""
        return self.n_values > 0 and self.db < SILENT_DB


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """What `measure` found in the files of a track.

    Attributes:
        extents: extents of the files that can be opened.
        problems: why the others cannot, or cannot be read to their end.
        levels: levels of the files that can be opened.
        sum_db: level of the mixture less all other files, relative to the mixture; None where there is no mixture,
            a file cannot be read, or their rates or channels do not go together.
    """

    extents: Mapping[Path, Extent]
    problems: Mapping[Path, str]
    levels: Mapping[Path, Level]
    sum_db: float | None


def measure(stems: Sequence[Path], mixture: Path | None) -> Measurements:
    """Read the files of a track."""
    files = [*stems, mixture] if mixture else list(stems)
    extents, problems = {}, {}
    for file in files:
        try:
            extents[file] = extent_of(file)
        except InputError as error:  # noqa: PERF203 - the next file may be good
            problems[file] = error.message
    levels = {file: Level() for file in extents}
    rest = Level()
    for start in range(0, max((extent.n_samples for extent in extents.values()), default=0), _BLOCK_SAMPLES):
        blocks = {}
        for file, extent in extents.items():
            n_samples = min(_BLOCK_SAMPLES, extent.n_samples - start)
            if n_samples <= 0 or file in problems:
                continue
            try:
                blocks[file] = read_excerpt(file, start, n_samples)
            except InputError as error:
                problems[file] = error.message
                continue
            levels[file].add(blocks[file])
        if mixture and len(blocks) == len(files) and _go_together(extents):
            rest.add(_remainder(blocks, mixture))
    readable = {file: level for file, level in levels.items() if file not in problems}
    sum_db = decibels(rest.energy, levels[mixture].energy) if mixture and rest.n_values and not problems else None
    return Measurements(extents=extents, problems=problems, levels=readable, sum_db=sum_db)


def decibels(energy: float, reference: float) -> float:
    """A ratio of energies in dB; minus infinity where there is none, infinity where there is no reference."""
    if not energy:
        return -math.inf
    return 10 * math.log10(energy / reference) if reference else math.inf


def _go_together(extents: Mapping[Path, Extent]) -> bool:
    rates = {extent.sample_rate for extent in extents.values()}
    return len(rates) == 1 and len({extent.channels for extent in extents.values()} - {1}) < 2


def _remainder(blocks: Mapping[Path, Samples], mixture: Path) -> Samples:
    """The mixture less all other files, as long as the shortest; a mono file is the same in all channels."""
    n_samples = min(block.shape[1] for block in blocks.values())
    stems = [block[:, :n_samples] for file, block in blocks.items() if file != mixture]
    return np.ascontiguousarray(blocks[mixture][:, :n_samples] - sum(stems))
