"""How the input is read."""

from __future__ import annotations

from dataclasses import dataclass

from vocalsep.errors import OptionError


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingOptions:
    """How an audio file is read.

    Each field but ``shown_as`` is an option of the command line (`vocalsep.cli.options`) and a keyword of
    `vocalsep.api.Separator.separate_file` too. A test compares the three.

    Attributes:
        salvage: take what can be decoded of a damaged file, and zero for samples that are not finite numbers.
        strict: refuse a file with any damage, also where the decoder finds its way again.
        audio_track: which track of a file that has several: its number from 1 on, or its language, such as ``en``.
            None takes the track that the file marks as its default, or else the first.
        shown_as: what errors and warnings call the file, in place of its path: the file may be a copy of a stream.

    Raises:
        OptionError: ``salvage`` and ``strict`` exclude each other.
    """

    salvage: bool = False
    strict: bool = False
    audio_track: str | None = None
    shown_as: str | None = None

    def __post_init__(self) -> None:
        if self.salvage and self.strict:
            raise OptionError("salvage takes damaged files and strict refuses them", "Choose one of the two.")

    @property
    def to_salvage(self) -> str:
        """What the hint of an error tells the caller to pass, whose ``strict`` would exclude ``salvage``."""
        return "salvage=True in place of strict=True" if self.strict else "salvage=True"
