"""The result of splitting a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitResult:
    """The result of splitting one file.

    Attributes:
        input: the file that was split.
        outputs: the file of each stem, by the name of the stem.
        seconds: length of the audio.
        sample_rate: sample rate of input and outputs, in Hz.
        channels: number of channels of input and outputs.
        wall_seconds: time that the split took.
        model: id or path of the model.
        weights_sha256: SHA-256 of the weights file.
        device: where the model ran.
        precision: number format in which the network computed: ``fp32``, ``bf16`` or ``fp16``.
        gain: factor that all stems were multiplied by so that none clips; 1 where none would.
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
