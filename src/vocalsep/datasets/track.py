"""A song whose stems are apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vocalsep.audio.excerpt import Extent, extent_of, read_excerpt
from vocalsep.audio.samples import Samples
from vocalsep.errors import UnfitTrackError
from vocalsep.stem_names import MIXTURE


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A song, or one side of one, as files of its stems.

    Attributes:
        name: unique in its data set; slashes are folders.
        stems: ``vocals``, ``accompaniment`` or both, each to the files whose sum it is.
        mixture: the file of the mixture; None where it is the sum of the stems.
        sample_rate: sample rate of all files, in Hz.
        channels: the most that a file has; a mono file is the same in all of them.
        n_samples: length of the shortest file in samples.
    """

    name: str
    stems: Mapping[str, tuple[Path, ...]]
    mixture: Path | None = None
    sample_rate: int
    channels: int
    n_samples: int

    def read(self, stem: str, start: int = 0, n_samples: int | None = None) -> Samples:
        """Read a part of ``vocals``, ``accompaniment`` or ``mixture`` as float32 ``(channel, sample)``.

        Args:
            stem: which; a stem that the track does not have is a KeyError.
            start: first sample.
            n_samples: how many; None is up to the end.

        Raises:
            InputError: a file is gone or damaged.
        """
        length = self.n_samples - start if n_samples is None else n_samples
        if stem != MIXTURE:
            files: Sequence[Path] = self.stems[stem]
        elif self.mixture:
            files = [self.mixture]
        else:
            files = [file for stem_files in self.stems.values() for file in stem_files]
        total = np.zeros((self.channels, length), np.float32)
        for file in files:
            total += read_excerpt(file, start, length)
        return total

    def blocks(self, stem: str, block_samples: int = 2**18) -> Iterator[Samples]:
        """The whole of a stem or the mixture, see `read`, in blocks. The last block may be shorter."""
        for start in range(0, self.n_samples, block_samples):
            yield self.read(stem, start, min(block_samples, self.n_samples - start))


def open_track(name: str, stems: Mapping[str, Sequence[Path]], mixture: Path | None = None) -> Track:
    """Make a track of files, whose headers are read.

    Raises:
        UnfitTrackError: the files have different rates, or numbers of channels that do not go together.
        InputError: a file is missing or damaged.
    """
    files = [file for stem_files in stems.values() for file in stem_files] + ([mixture] if mixture else [])
    extents = {file: extent_of(file) for file in files}
    rates = {extent.sample_rate: file for file, extent in extents.items()}
    if len(rates) > 1:
        (one, one_file), (other, other_file), *_ = rates.items()
        raise UnfitTrackError(
            f"track '{name}' has files of different rates: {one_file} is at {one} Hz, {other_file} at {other} Hz",
            "Bring them to one rate; 'vocalsep data check' lists all such tracks.",
        )
    channels = _common_channels(name, extents)
    return Track(
        name=name,
        stems={stem: tuple(stem_files) for stem, stem_files in stems.items()},
        mixture=mixture,
        sample_rate=next(iter(rates)),
        channels=channels,
        n_samples=min(extent.n_samples for extent in extents.values()),
    )


def _common_channels(name: str, extents: Mapping[Path, Extent]) -> int:
    counts = {extent.channels for extent in extents.values()}
    if len(counts - {1}) > 1:
        raise UnfitTrackError(
            f"track '{name}' has files of {' and '.join(map(str, sorted(counts)))} channels",
            "Make them all stereo.",
        )
    return max(counts)
