"""How a model is run over a song. Imports no PyTorch, so that the command line can read it at its start."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Literal

from vocalsep.errors import OptionError
from vocalsep.models.run_hints import LEAST_SEGMENT_SECONDS

Precision = Literal["auto", "fp32", "bf16", "fp16"]

_MOST_THREADS = 512  # OpenMP crashes on many more


@dataclass(frozen=True, slots=True, kw_only=True)
class SeparationOptions:
    """How a model is run over a song.

    Each field is an option of the command line (`vocalsep.cli.options`) and a keyword of `vocalsep.api.Separator`
    too. A test compares the three.

    Attributes:
        segment_seconds: length of a segment in seconds. None takes the model's own.
        overlap: part of a segment that the next segment covers too, 0 to 0.9. None takes the model's own.
        batch_size: number of segments that go through the model at once. It does not change the result. None takes
            8 on a GPU. On a CPU, where one segment fills the caches, None takes as many as run side by side.
        shifts: number of further passes, each with the segments shifted by an equal part of the stride. All passes
            are averaged.
        wiener: number of iterations of a Wiener filter over the estimates of each segment. 0 filters nothing.
        precision: number format of the network: ``auto``, ``fp32``, ``bf16`` or ``fp16``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        threads: number of threads that PyTorch uses on the CPU. None leaves PyTorch's own choice.

    Raises:
        OptionError: a number is out of its range.
    """

    segment_seconds: float | None = None
    overlap: float | None = None
    batch_size: int | None = None
    shifts: int = 0
    wiener: int = 0
    precision: Precision = "auto"
    device: str = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.segment_seconds is not None and not _is_within(
            self.segment_seconds, LEAST_SEGMENT_SECONDS, 600, Real
        ):
            raise OptionError(
                f"a segment of {self.segment_seconds} s is not within {LEAST_SEGMENT_SECONDS} to 600 s"
            )
        if self.overlap is not None and not _is_within(self.overlap, 0, 0.9, Real):
            raise OptionError(f"an overlap of {self.overlap} is not within 0 to 0.9")
        if self.batch_size is not None and not _is_within(self.batch_size, 1, 2**31, Integral):
            raise OptionError(f"the batch size must be a whole number from 1 on, not {self.batch_size}")
        if not _is_within(self.shifts, 0, 64, Integral):
            raise OptionError(f"{self.shifts} shifts are not within 0 to 64")
        if not _is_within(self.wiener, 0, 64, Integral):
            raise OptionError(f"{self.wiener} iterations of the Wiener filter are not within 0 to 64")
        if self.threads is not None and not _is_within(self.threads, 1, _MOST_THREADS, Integral):
            raise OptionError(f"{self.threads} threads are not within 1 to {_MOST_THREADS}")

    def effective_overlap(self, recommended: float) -> float:
        """The overlap to run with: each shift adds a pass whose segments lie between the others.

        Together the passes are one denser grid of segments, so N shifts are nothing but a larger overlap.

        Args:
            recommended: overlap of the model, which is taken where `overlap` is None.

        Example:
            >>> SeparationOptions(overlap=0.5, shifts=1).effective_overlap(0.1)
            0.75
        """
        overlap = recommended if self.overlap is None else self.overlap
        return 1 - (1 - overlap) / (1 + self.shifts)


def _is_within(value: object, lowest: float, highest: float, kind: type) -> bool:
    """Whether a value from a caller, who may give anything, is a number of this kind and range."""
    return isinstance(value, kind) and bool(lowest <= value <= highest)  # type: ignore[operator]
