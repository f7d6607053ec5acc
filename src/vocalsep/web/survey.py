"""What a song is, found out before it is separated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vocalsep.audio.info import AudioInfo
from vocalsep.audio.reader import open_audio
from vocalsep.audio.reading_options import ReadingOptions
from vocalsep.errors import InputError
from vocalsep.web.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The signal of a song.

    Attributes:
        info: what its file says.
        n_samples: counted number of samples of each channel.
    """

    info: AudioInfo
    n_samples: int

    @property
    def seconds(self) -> float:
        """Length of the song."""
        return self.n_samples / self.info.sample_rate

    @property
    def disk_bytes(self) -> int:
        """Most disk space that the song's stems take: as floats, once as files and once as they are rescaled."""
        return self.n_samples * self.info.channels * 4 * 2 * 3


def survey(path: Path, limits: Limits, reading: ReadingOptions) -> Survey:
    """Decode a song once, to know that it can be separated and how long it is.

    A few kilobytes may decode to days of silence, and the header may not say so. Decoding therefore ends where
    the limit is passed.

    Raises:
        InputError: the file is not audio, is damaged, or is beyond a limit.
    """
    with open_audio(path, reading) as audio:
        info = audio.info
        if info.channels > limits.max_channels:
            raise InputError(
                f"{path} has {info.channels} channels", f"This page takes up to {limits.max_channels}."
            )
        if info.sample_rate > limits.max_rate:
            raise InputError(
                f"{path} has a sample rate of {info.sample_rate} Hz",
                f"This page takes up to {limits.max_rate} Hz.",
            )
        longest = round(limits.max_minutes * 60 * info.sample_rate)
        n_samples = info.n_samples or 0
        if n_samples <= longest:
            n_samples = 0
            for block in audio.blocks():
                n_samples += block.shape[1]
                if n_samples > longest:
                    break
        if n_samples > longest:
            raise InputError(
                f"{path} is longer than {limits.max_minutes:g} minutes",
                "Split it with the command line, which takes songs of any length.",
            )
    return Survey(info=info, n_samples=n_samples)
