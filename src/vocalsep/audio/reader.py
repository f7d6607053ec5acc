"""Audio files as a stream of sample blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np

from vocalsep.audio.chain import ChainDecoder, links
from vocalsep.audio.damage import Damage
from vocalsep.audio.decoder import Decoder
from vocalsep.audio.formats import HIGHEST_RATE, LOWEST_RATE
from vocalsep.audio.info import AudioInfo, clock
from vocalsep.audio.reading_options import ReadingOptions
from vocalsep.audio.samples import Samples
from vocalsep.audio.signatures import SNDFILE_SIGNATURES, is_audio
from vocalsep.audio.source import Source
from vocalsep.audio.stored_file import StoredFile, unreadable_error
from vocalsep.audio.streamed_header import with_real_sizes
from vocalsep.audio.takeover import TakeoverDecoder
from vocalsep.errors import EmptyAudioError, NonFiniteAudioError, NotAudioError
from vocalsep.system.threads import call_in_thread

__all__ = ["AUDIO_EXTENSIONS", "AudioInfo", "AudioReader", "open_audio"]

AUDIO_EXTENSIONS = frozenset(
    [
        ".aac",
        ".ac3",
        ".aif",
        ".aifc",
        ".aiff",
        ".alac",
        ".amr",
        ".ape",
        ".au",
        ".caf",
        ".dff",
        ".dsf",
        ".flac",
        ".m4a",
        ".m4b",
        ".mka",
        ".mkv",
        ".mov",
        ".mp2",
        ".mp3",
        ".mp4",
        ".mpc",
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
        ".wmv",
        ".wv",
    ]
)
"""Extensions of the files that a search of a folder takes for audio. Opening goes by content alone."""

_AS_IT_IS = ReadingOptions()


def open_audio(path: Path, reading: ReadingOptions = _AS_IT_IS) -> AudioReader:
    """Open an audio file, or an audio track of a video.

    Args:
        path: any file that libsndfile or FFmpeg decodes. Its content decides, not its extension. What comes
            through a pipe is kept in a temporary file.
        reading: how it is read.

    Raises:
        InputNotFoundError: there is no such file.
        InputUnreadableError: it is a folder, or cannot be read.
        EmptyAudioError: it is empty, or has no samples.
        NotAudioError: it is not audio, or has less than 1000 or more than 10 million samples a second.
        DamagedAudioError: it is audio, and damage shows at its start; `AudioReader.blocks` finds the rest.
        OptionError: it has no such track.
        OutputError: what comes through a pipe cannot be kept.
    """
    stored = StoredFile(path) if reading.shown_as is None else StoredFile(Path(reading.shown_as), path)
    return AudioReader(stored, reading)


class AudioReader:
    """An open audio file, to be used as a context manager. See `open_audio`.

    Attributes:
        info: what is known before the file is decoded.
        path: path of the file, as errors name it.
        stored: the regular file that is read: the one that was asked for, or a copy of what came through a pipe.
    """

    info: AudioInfo
    path: Path
    stored: Path

    def __init__(self, stored: StoredFile, reading: ReadingOptions, *, says_warnings: bool = True) -> None:
        self.path, self.stored = stored.path, stored.stored
        self._stored = stored
        self._reading = reading
        self._says_warnings = says_warnings
        self._damage = Damage(stored.path, reading)
        try:
            self._decoder = call_in_thread(self._open_decoder)
        except OSError as error:
            stored.close()
            raise unreadable_error(self.path, error) from error
        except BaseException:
            stored.close()
            raise
        self.info = self._decoder.info
        if not LOWEST_RATE <= self.info.sample_rate <= HIGHEST_RATE:
            self.close()
            raise NotAudioError(
                f"{self.path} has a sample rate of {self.info.sample_rate} Hz",
                f"Give audio of {LOWEST_RATE} to {HIGHEST_RATE} Hz.",
            )

    def opened_again(self) -> AudioReader:
        """The same file from its start, for another pass, which does not repeat the warnings of this one."""
        return AudioReader(self._stored.opened_again(), self._reading, says_warnings=False)

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
            raise unreadable_error(self.path, error) from error
        if self._says_warnings:
            self._damage.warn()

    def close(self) -> None:
        """Close the file."""
        self._decoder.close()
        self._stored.close()

    def __enter__(self) -> AudioReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open_decoder(self) -> Decoder:
        source = self._stored.source()
        if not source.size:
            raise EmptyAudioError(f"{self.path} is an empty file", "Give a file with sound.")
        parts = links(source, self._damage)
        if len(parts) > 1:
            return ChainDecoder(parts, self._open_link, self._damage)
        return self._open_link(parts[0])

    def _open_link(self, source: Source) -> Decoder:
        """A decoder by libsndfile where it knows the format, else by FFmpeg, which knows how to skip damage."""
        head = source.peek(0, 12)
        # The codec libraries are loaded when a file is opened: they take a third of the command's start-up time.
        wants_ffmpeg = self._reading.salvage or self._reading.audio_track is not None
        if head.startswith(SNDFILE_SIGNATURES) and not wants_ffmpeg:
            from vocalsep.audio.sndfile import SndfileDecoder

            try:
                decoder = SndfileDecoder(with_real_sizes(source), self._damage)
            except ValueError:
                pass  # a codec or a header that libsndfile leaves to FFmpeg
            else:
                # PCM has no frames to find again: what ends while it is read was cut by someone.
                if self._reading.strict or decoder.info.codec not in ("flac", "vorbis"):
                    return decoder
                return TakeoverDecoder(decoder, lambda: self._open_ffmpeg(source, is_audio=True))
        return self._open_ffmpeg(with_real_sizes(source), is_audio=is_audio(head))

    def _open_ffmpeg(self, source: Source, *, is_audio: bool) -> Decoder:
        from vocalsep.audio.ffmpeg_decoder import FfmpegDecoder

        decoder = FfmpegDecoder(source, self._reading, self._damage, is_audio=is_audio)
        if self._says_warnings:
            decoder.announce_track()
        return decoder

    def _finite(self, blocks: Iterator[Samples]) -> Iterator[Samples]:
        n = 0
        for block in blocks:
            finite = np.isfinite(block)
            if not finite.all():
                if not self._reading.salvage:
                    first = n + int(np.argmin(finite.all(axis=0)))
                    raise NonFiniteAudioError(
                        f"{self.path} has a sample that is not a finite number at "
                        f"{clock(first, self.info.sample_rate)}",
                        f"Pass {self._reading.to_salvage} to make such samples silent.",
                    )
                block[~finite] = 0
            n += block.shape[1]
            yield block


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
