"""A decoder that another takes over from where it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vocalsep.audio.decoder import Decoder
from vocalsep.audio.samples import Samples
from vocalsep.errors import DamagedAudioError


class TakeoverDecoder:
    """Decodes with one library, and from the first damage on with another that finds its way through it.

    The second decodes the file from its start; the samples that the first has given are left out.

    Args:
        first: decoder that stops at damage.
        open_second: opens the other.
    """

    def __init__(self, first: Decoder, open_second: Callable[[], Decoder]) -> None:
        self._decoder = first
        self._open_second = open_second
        self.info = first.info

    def decode(self) -> Iterator[Samples]:
        """The blocks of the file.

        Raises:
            DamagedAudioError: the second decoder refuses the file too.
        """
        n_samples = 0
        try:
            for block in self._decoder.decode():
                n_samples += block.shape[1]
                yield block
            return
        except DamagedAudioError:
            self._decoder.close()
        self._decoder = self._open_second()
        for block in self._decoder.decode():
            done = min(n_samples, block.shape[1])
            n_samples -= done
            yield block[:, done:]

    def close(self) -> None:
        """Release the file."""
        self._decoder.close()
