"""One audio file, written block by block, that appears whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

import numpy as np

from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.resample import StreamResampler
from vocalsep.audio.samples import Samples
from vocalsep.audio.target import TargetFile
from vocalsep.errors import OptionError
from vocalsep.system.files import AtomicFile
from vocalsep.system.output_errors import output_error

if TYPE_CHECKING:
    from vocalsep.audio.tags import Tags


class Encoder(Protocol):
    """A file being written by one of the codec libraries."""

    def write(self, block: Samples) -> None:
        """Encode a block ``(channel, sample)``."""

    def close(self) -> None:
        """Finish the file."""


class AudioWriter:
    """Writes an audio file next to its target and renames it when it is complete.

    A context manager: left without `commit`, it leaves nothing behind. A file decodes to the samples that
    were written, in number and place, by readers that honour the LAME header of mp3 and the edit list of m4a
    (but one sample becomes two in m4a, and fewer than 48 get 529 more in an mp3 of 24 kHz and less).
    A rate that the format cannot hold is resampled to `OutputFormat.supported_rate`. Samples beyond ±1.0 are
    clamped, except in float wav.

    Args:
        path: the file to write, whose folder is made.
        sample_rate: sample rate of the blocks, in hertz.
        channels: number of channels.
        format: format of the file, whatever the extension of ``path``.
        layout: the loudspeaker of each channel, which a wav keeps.
        tags: tags to write into the file.
        replace: whether `commit` replaces a file that is there.

    Raises:
        OptionError: the format cannot hold this number of channels.
        OutputError: the file cannot be made.
    """

    def __init__(
        self,
        path: Path,
        *,
        sample_rate: int,
        channels: int,
        format: OutputFormat,
        layout: tuple[str, ...] = (),
        tags: Tags | None = None,
        replace: bool = True,
    ) -> None:
        if channels > format.most_channels:
            raise OptionError(
                f"{format.container} cannot hold the {channels} channels of {path}",
                "Pass downmix=True for stereo, or choose wav, or flac for up to 8.",
            )
        self.path = path
        self._format = format
        self._tags = tags
        rate = format.supported_rate(sample_rate)
        self._resampler = StreamResampler(sample_rate, rate, channels)
        self._file = AtomicFile(path, replace=replace)
        self._target: TargetFile | None = None
        self._encoder: Encoder | None = None
        with self._output_errors():
            self._target = TargetFile(self._file.path)
            self._encoder = _encoder_class(format, layout)(self._target, rate, channels, format)

    def write(self, block: Samples) -> None:
        """Write a block ``(channel, sample)`` of any size.

        Raises:
            OutputError: the disk is full, or the file cannot be written. Nothing is left of it.
        """
        if self._format.clips:
            block = np.clip(block, -1.0, 1.0)
        self._encode(self._resampler.push(block))

    def finish(self) -> None:
        """Complete the temporary file, tags included, without giving it its name yet.

        Raises:
            OutputError: the disk is full, or the file cannot be written. Nothing is left of it.
        """
        if self._encoder is None or self._target is None:
            return
        self._encode(self._resampler.finish())
        with self._output_errors():
            self._encoder.close()
            self._encoder = None
            self._target.check()
            self._target.close()
            if self._tags is not None:
                from vocalsep.audio.tags import write_tags

                write_tags(self._file.path, self._tags)

    def commit(self) -> None:
        """Complete the file and give it its name.

        Raises:
            OutputError: the disk is full, the file cannot be written, or must not replace another. Nothing is left
                of it.
        """
        self.finish()
        self._file.commit()

    def discard(self) -> None:
        """Remove what was written. Does nothing after `commit`."""
        if self._target is not None:
            self._target.mute()
            if self._encoder is not None:
                with suppress(OSError):
                    self._encoder.close()
                self._encoder = None
            self._target.close()
        self._file.discard()

    def __enter__(self) -> AudioWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def _encode(self, block: Samples) -> None:
        if block.shape[1]:
            with self._output_errors():
                if self._encoder is None or self._target is None:
                    raise ValueError(f"{self.path} is finished or discarded")
                self._encoder.write(block)

    @contextmanager
    def _output_errors(self) -> Iterator[None]:
        try:
            try:
                yield
            finally:
                if self._target is not None:
                    self._target.check()  # says more than what the codec made of it
        except OSError as error:
            self.discard()
            raise output_error(error, self.path) from error
        except BaseException:
            self.discard()
            raise


def _encoder_class(
    format: OutputFormat, layout: tuple[str, ...]
) -> Callable[[TargetFile, int, int, OutputFormat], Encoder]:
    if format.container == "wav":
        from vocalsep.audio.wav import WavEncoder

        return partial(WavEncoder, layout=layout)
    if format.container in ("flac", "ogg", "mp3"):
        from vocalsep.audio.sndfile import SndfileEncoder

        return SndfileEncoder
    from vocalsep.audio.ffmpeg_encoder import FfmpegEncoder

    return FfmpegEncoder
