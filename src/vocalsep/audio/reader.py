"""Audio files as a stream of sample blocks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

from vocalsep.audio.decoder import Decoder
from vocalsep.audio.formats import HIGHEST_RATE, LOWEST_RATE
from vocalsep.audio.info import AudioInfo, clock
from vocalsep.audio.reading_options import ReadingOptions
from vocalsep.audio.samples import Samples
from vocalsep.errors import (
    EmptyAudioError,
    InputNotFoundError,
    InputUnreadableError,
    NonFiniteAudioError,
    NotAudioError,
)
from vocalsep.system.threads import call_in_thread

__all__ = ["AUDIO_EXTENSIONS", "AudioInfo", "AudioReader", "open_audio"]

AUDIO_EXTENSIONS = frozenset(
    [
        ".aac",
        ".aif",
        ".aifc",
        ".aiff",
        ".alac",
        ".amr",
        ".ape",
        ".au",
        ".caf",
        ".flac",
        ".m4a",
        ".m4b",
        ".mka",
        ".mkv",
        ".mov",
        ".mp2",
        ".mp3",
        ".mp4",
        ".oga",
        ".ogg",
        ".opus",
        ".rf64",
        ".snd",
        ".spx",
        ".tta",
        ".w64",
        ".wav",
        ".wave",
        ".weba",
        ".webm",
        ".wma",
        ".wv",
    ]
)
"""Extensions of the files that a search of a folder takes for audio. Opening goes by content alone."""

_SNDFILE_SIGNATURES = (b"RIFF", b"RF64", b"riff", b"fLaC", b"FORM", b"caff", b".snd", b"OggS")
_FFMPEG_SIGNATURES = (b"ID3", b"\x1a\x45\xdf\xa3", b"\x30\x26\xb2\x75")

_AS_IT_IS = ReadingOptions()


def open_audio(path: Path, reading: ReadingOptions = _AS_IT_IS) -> AudioReader:
    """Open an audio file, or the first audio stream of a video.

    Args:
        path: of any file that libsndfile or FFmpeg decodes; its content decides, not its extension.
        reading: how it is read.

    Raises:
        InputNotFoundError: there is no such file.
        InputUnreadableError: it is a folder, or cannot be read.
        EmptyAudioError: it is empty, or has no samples.
        NotAudioError: it is not audio, or has less than 1000 or more than 10 million samples a second.
        DamagedAudioError: it is audio, and damage shows at its start; `AudioReader.blocks` finds the rest.
    """
    return AudioReader(path, reading)


class AudioReader:
    """An open audio file, to be used as a context manager. See `open_audio`.

    Attributes:
        info: what is known before the file is decoded.
    """

    info: AudioInfo

    def __init__(self, path: Path, reading: ReadingOptions = _AS_IT_IS) -> None:
        self._path = path
        self._reading = reading
        self._file = _open_file(path)
        try:
            self._decoder = call_in_thread(lambda: _open_decoder(path, self._file, reading))
        except OSError as error:
            self._file.close()
            raise _unreadable(path, error) from error
        except BaseException:
            self._file.close()
            raise
        self.info = self._decoder.info
        if not LOWEST_RATE <= self.info.sample_rate <= HIGHEST_RATE:
            self.close()
            raise NotAudioError(
                f"{path} has a sample rate of {self.info.sample_rate} Hz",
                f"Give audio of {LOWEST_RATE} to {HIGHEST_RATE} Hz.",
            )

    def blocks(self, block_samples: int = 65536) -> Iterator[Samples]:
        """Decode the file, once, in blocks ``(channel, sample)`` of ``block_samples``; the last may be shorter.

        Raises:
            DamagedAudioError: a part is missing or cannot be decoded.
            NonFiniteAudioError: a sample is not a number, or infinite.
            InputUnreadableError: the file cannot be read to its end.
        """
        try:
            yield from _cut(self._finite(self._decoder.decode()), block_samples)
        except OSError as error:
            raise _unreadable(self._path, error) from error

    def close(self) -> None:
        """Close the file."""
        self._decoder.close()
        self._file.close()

    def __enter__(self) -> AudioReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _finite(self, blocks: Iterator[Samples]) -> Iterator[Samples]:
        n = 0
        for block in blocks:
            finite = np.isfinite(block)
            if not finite.all():
                if not self._reading.salvage:
                    first = n + int(np.argmin(finite.all(axis=0)))
                    raise NonFiniteAudioError(
                        f"{self._path} has a sample that is not a finite number at "
                        f"{clock(first, self.info.sample_rate)}",
                        "Pass salvage=True to make such samples silent.",
                    )
                block[~finite] = 0
            n += block.shape[1]
            yield block


def _open_file(path: Path) -> BinaryIO:
    try:
        if not (path.is_file() or path.is_dir()) and path.exists():  # opening a pipe would wait for its writer
            raise InputUnreadableError(f"{path} is not a regular file", "Pipe it in: vocalsep split - < FILE")
        file = path.open("rb")
    except FileNotFoundError as error:
        raise InputNotFoundError(f"{path} does not exist", "Check the name and the folder.") from error
    except OSError as error:
        raise _unreadable(path, error) from error
    return file


def _open_decoder(path: Path, file: BinaryIO, reading: ReadingOptions) -> Decoder:
    """A decoder by libsndfile where it knows the format, else by FFmpeg, which also knows how to skip damage."""
    head = file.read(12)
    file.seek(0, os.SEEK_SET)
    if not head:
        raise EmptyAudioError(f"{path} is an empty file", "Give a file with sound.")
    # The codec libraries are loaded when a file is opened: they take a third of the command's start-up time.
    if head.startswith(_SNDFILE_SIGNATURES) and not reading.salvage:
        from vocalsep.audio.sndfile import SndfileDecoder

        try:
            return SndfileDecoder(path)
        except ValueError:
            pass  # a codec or a header that libsndfile leaves to FFmpeg
    from vocalsep.audio.ffmpeg_decoder import FfmpegDecoder

    is_audio = head.startswith(_SNDFILE_SIGNATURES + _FFMPEG_SIGNATURES) or head[4:8] == b"ftyp"
    return FfmpegDecoder(path, file, is_audio=is_audio, salvage=reading.salvage)


def _unreadable(path: Path, error: OSError) -> InputUnreadableError:
    reason = error.strerror or type(error).__name__
    return InputUnreadableError(f"cannot read {path}: {reason}", "Give a file that you may read.")


def _cut(blocks: Iterator[Samples], block_samples: int) -> Iterator[Samples]:
    """Cut a stream of blocks of any size anew."""
    pending: list[Samples] = []
    n_pending = 0
    for block in blocks:
        pending.append(block)
        n_pending += block.shape[1]
        if n_pending < block_samples:
            continue
        joined = np.concatenate(pending, axis=1)
        n_whole = n_pending - n_pending % block_samples
        for start in range(0, n_whole, block_samples):
            yield np.ascontiguousarray(joined[:, start : start + block_samples])
        pending, n_pending = [joined[:, n_whole:]], n_pending - n_whole
    if n_pending:
        yield np.ascontiguousarray(np.concatenate(pending, axis=1))
