"""Files that are several files, one behind the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from vocalsep.audio.damage import Damage
from vocalsep.audio.decoder import Decoder
from vocalsep.audio.flac import flac_links, is_flac
from vocalsep.audio.loudspeakers import as_many_channels
from vocalsep.audio.ogg import ogg_links
from vocalsep.audio.resample import resample_blocks
from vocalsep.audio.samples import Samples
from vocalsep.audio.source import Source
from vocalsep.errors import EmptyAudioError


def links(source: Source, damage: Damage) -> list[Source]:
    """The parts of an ogg or FLAC file that are whole files; of any other file, the file.

    Radio stations begin a new link with each song, and ``cat`` joins files.

    Raises:
        OSError: the file cannot be read.
    """
    if source.peek(0, 4) == b"OggS":
        return ogg_links(source, damage)
    return flac_links(source) if is_flac(source) else [source]


class ChainDecoder:
    """Decodes the links of a chain in turn, each as if it were alone, in the rate and channels of the first.

    Args:
        sources: links, two or more.
        open_link: makes the decoder of a link.
        damage: told where each link begins.

    Raises:
        InputError: the first link cannot be decoded, or no link has samples.
    """

    def __init__(self, sources: list[Source], open_link: Callable[[Source], Decoder], damage: Damage) -> None:
        self._open_link = open_link
        self._damage = damage
        self._rest = list(sources)
        self._decoder = self._next()
        if self._decoder is None:
            raise EmptyAudioError(f"{sources[0].path} has no samples", "Give a file with sound.")
        self.info = self._decoder.info.of_unknown_length()

    def decode(self) -> Iterator[Samples]:
        """The blocks of all links.

        Raises:
            InputError: a link cannot be decoded.
        """
        n_samples = 0
        while self._decoder is not None:
            for block in self._as_first(self._decoder):
                n_samples += block.shape[1]
                yield block
            self.close()
            self._damage.offset_seconds = n_samples / self.info.sample_rate
            self._decoder = self._next()

    def close(self) -> None:
        """Release the link that is open."""
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None

    def _next(self) -> Decoder | None:
        while self._rest:
            with suppress(EmptyAudioError):  # a link of headers alone: a song that was skipped
                return self._open_link(self._rest.pop(0))
        return None

    def _as_first(self, decoder: Decoder) -> Iterator[Samples]:
        link, first = decoder.info, self.info
        blocks = decoder.decode()
        if link.channels != first.channels:
            blocks = (as_many_channels(block, link.layout, first.channels) for block in blocks)
        return resample_blocks(blocks, link.sample_rate, first.sample_rate)
