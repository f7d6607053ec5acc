"""What the codec libraries have in common once they have opened a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from vocalsep.audio.info import AudioInfo
from vocalsep.audio.samples import Samples


class Decoder(Protocol):
    """A file opened by one of the codec libraries."""

    info: AudioInfo

    def decode(self) -> Iterator[Samples]:
        """The blocks of the file, of whatever size is natural to it; a block may be empty."""

    def close(self) -> None:
        """Release the file."""
