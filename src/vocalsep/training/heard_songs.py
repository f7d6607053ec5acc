"""Which songs of a stream were heard how often; those that were heard often enough are removed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from vocalsep.datasets.stream import Stream

_FEWEST = 32
"""Songs that stay in a stream however often they were heard: when none come, training goes on with these."""


class HeardSongs:
    """Counts the epochs in which the songs of streams were there to be heard.

    Args:
        streams: data sets whose songs are counted.
        passes: number of epochs after which a song is removed.
    """

    def __init__(self, streams: Sequence[Stream], *, passes: int) -> None:
        self._streams, self._passes = streams, passes
        self._epochs: Counter[Path] = Counter()

    def count(self, songs: Sequence[Path]) -> None:
        """Count an epoch for each of these songs, and remove those that were heard often enough, oldest first."""
        self._epochs.update(songs)
        for stream in self._streams:
            there = stream.songs()
            heard = [song for song in there if self._epochs[song] >= self._passes]
            for song in heard[: max(len(there) - _FEWEST, 0)]:
                stream.remove(song)
                del self._epochs[song]

    def songs(self) -> list[Path]:
        """The songs that are there now, of all streams."""
        return [song for stream in self._streams for song in stream.songs()]
