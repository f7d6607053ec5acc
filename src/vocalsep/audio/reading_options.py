"""How the input is read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingOptions:
    """How an audio file is read.

    Each field is an option of the command line (`vocalsep.cli.options`) and a keyword of
    `vocalsep.api.Separator.separate_file` too. A test compares the three.

    Attributes:
        salvage: take what can be decoded of a damaged file, and zero for samples that are not finite numbers.
    """

    salvage: bool = False
