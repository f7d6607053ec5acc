"""Damage of a file: what is mended, what is refused, and the words for both.

`docs/damaged-files.md` has the rule. What a decoder can resynchronise is taken, as long as before. What ends
before its declared end, or cannot be aligned, is refused.
"""

from __future__ import annotations

import logging
from pathlib import Path

from vocalsep.audio.info import clock
from vocalsep.audio.reading_options import ReadingOptions
from vocalsep.errors import DamagedAudioError

_log = logging.getLogger("vocalsep")


class Damage:
    """The damage that was found in one file.

    Args:
        path: path of the file.
        reading: whether damage is mended, refused or salvaged.

    Attributes:
        path: path of the file, as errors name it.
        offset_seconds: where the part that is decoded begins in the file.
    """

    def __init__(self, path: Path, reading: ReadingOptions) -> None:
        self.path = path
        self._reading = reading
        self.offset_seconds = 0.0
        self._seconds = 0.0
        self._places: list[str] = []
        self._notes: list[str] = []

    def place(self, start: int, sample_rate: int) -> str:
        """Where a sample of the part that is decoded is in the file, as ``minutes:seconds``."""
        return clock(start + round(self.offset_seconds * sample_rate), sample_rate)

    def silence(self, start: int, n_samples: int, sample_rate: int) -> None:
        """Note that samples from ``start`` on cannot be decoded, and are zeros instead.

        Raises:
            DamagedAudioError: damage of any kind is to be refused.
        """
        place = self.place(start, sample_rate)
        if self._reading.strict:
            raise self.error(f"it cannot be decoded at {place}")
        self._places.append(place)
        self._seconds += n_samples / sample_rate

    def allow(self, what: str) -> None:
        """Note a flaw that costs no more than a moment at the end.

        Raises:
            DamagedAudioError: damage of any kind is to be refused.
        """
        if self._reading.strict:
            raise self.error(what)
        self._notes.append(what)

    def refuse(self, what: str) -> None:
        """Refuse a file that ends early or cannot be aligned, unless the caller wants it salvaged.

        Raises:
            DamagedAudioError: the file is not to be salvaged.
        """
        if not self._reading.salvage:
            hint = f"Pass {self._reading.to_salvage} to take what can be decoded."
            raise DamagedAudioError(f"{self.path} is damaged: {what}", hint)
        self._notes.append(what)

    def error(self, what: str) -> DamagedAudioError:
        """The error of a decoder that stops at damage. Its hint fits how the file is read."""
        hint = "Pass salvage=True to take what can be decoded."
        if self._reading.strict:
            hint = "Leave out strict=True to split the rest."
        return DamagedAudioError(f"{self.path} is damaged: {what}", hint)

    def warn(self) -> None:
        """Give one warning of all that was found, if anything was."""
        found = list(dict.fromkeys(self._notes))
        if self._places:
            others = len(self._places) - 1
            more = f" and {others} more {'place' if others == 1 else 'places'}" if others else ""
            lost = f"{1000 * self._seconds:.0f} ms cannot be decoded and are silent in the stems"
            found.insert(0, f"at {self._places[0]}{more}, {lost}")
        if found:
            _log.warning("%s is damaged: %s", self.path, "; ".join(found))
