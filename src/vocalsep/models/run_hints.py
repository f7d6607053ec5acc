"""How a model is best run. Imports no PyTorch, so that the command line can read it at its start."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

LEAST_SEGMENT_SECONDS = 0.1
"""The shortest segment that a model is run on, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHints:
    """How a model is best run.

    Attributes:
        segment_seconds: length of a segment in seconds, where nothing else is asked for.
        overlap: part of a segment that the next segment covers too, where nothing else is asked for.
        contiguous_in: number formats in which a CPU runs the model faster in PyTorch's own layout than in
            channels-last.
        takes_autocast: whether the network computes in the number format that `torch.autocast` asks for.
        side_by_side: whether a CPU runs several segments at once, each on a share of its threads. That is faster,
            and takes the memory of each.
        normalises_song: whether the network wants songs whose mono mix has a mean of zero and a deviation of one.
            The engine brings songs to that level, and the estimates back.
    """

    segment_seconds: float = 6.0
    overlap: float = 0.1
    contiguous_in: tuple[torch.dtype, ...] = ()
    takes_autocast: bool = True
    side_by_side: bool = True
    normalises_song: bool = False

    def advised(self, segment_seconds: float | None, overlap: float | None) -> RunHints:
        """These hints with the segment and the overlap that certain weights recommend; None recommends nothing.

        Example:
            >>> RunHints().advised(None, 0.25).overlap
            0.25
        """
        return dataclasses.replace(
            self,
            segment_seconds=self.segment_seconds if segment_seconds is None else segment_seconds,
            overlap=self.overlap if overlap is None else overlap,
        )
