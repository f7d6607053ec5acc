"""A temporary file of samples, for what does not fit in memory and must be read again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vocalsep.audio.samples import Samples
from vocalsep.system.files import TEMPORARY_PREFIX
from vocalsep.system.output_errors import output_error

_READ_SAMPLES = 65536


class Spool:
    """Keeps a stream of float32 blocks on disk, without a name where the system allows that.

    It lies next to the output: the system's folder for temporary files may be memory.

    Args:
        target: the output whose samples these are; its folder must exist.
        channels: number of channels.

    Raises:
        OutputError: the file cannot be made.
    """

    def __init__(self, target: Path, channels: int) -> None:
        self._target = target
        self._channels = channels
        try:
            # Unbuffered, so that closing it can always succeed.
            self._file = tempfile.TemporaryFile(dir=target.parent, prefix=TEMPORARY_PREFIX, buffering=0)  # noqa: SIM115
        except OSError as error:
            raise output_error(error, target) from error

    def write(self, block: Samples) -> None:
        """Append a block ``(channel, sample)``.

        Raises:
            OutputError: the disk is full.
        """
        rest = memoryview(block.T.tobytes())
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise output_error(error, self._target) from error

    def blocks(self) -> Iterator[Samples]:
        """All that was written, from the start, in blocks ``(channel, sample)``.

        Raises:
            OutputError: the file cannot be read.
        """
        try:
            self._file.seek(0)
            while data := self._file.read(_READ_SAMPLES * self._channels * 4):
                frames = np.frombuffer(data, np.float32).reshape(-1, self._channels)
                yield np.ascontiguousarray(frames.T)
        except OSError as error:
            raise output_error(error, self._target) from error

    def close(self) -> None:
        """Delete the file."""
        self._file.close()
