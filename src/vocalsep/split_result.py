"""What came of a file that was split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitResult:
    """What came of one file.

    Attributes:
        input: the file that was split.
        outputs: stem to file.
        seconds: of audio.
        sample_rate: of the input, in Hz.
        channels: of the input.
        wall_seconds: that the split took.
        model: id or path of the model.
        weights_sha256: of the weights file.
        device: it ran on.
        precision: ``fp32``, ``bf16`` or ``fp16``.
        gain: that all stems were multiplied by so that none clips; 1 where none would.
        silent: whether every sample of the input is zero.
    """

    input: Path
    outputs: dict[str, Path]
    seconds: float
    sample_rate: int
    channels: int
    wall_seconds: float
    model: str
    weights_sha256: str
    device: str
    precision: str
    gain: float
    silent: bool

    @property
    def real_time_factor(self) -> float:
        """Seconds of work for a second of audio."""
        return self.wall_seconds / self.seconds
