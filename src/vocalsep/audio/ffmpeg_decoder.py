"""Files that FFmpeg reads, through PyAV: all that libsndfile does not know, or only half."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np

from vocalsep.audio.formats import Depth
from vocalsep.audio.info import AudioInfo, clock, damaged
from vocalsep.audio.samples import Samples
from vocalsep.audio.source import SourceFile
from vocalsep.errors import DamagedAudioError, EmptyAudioError, NotAudioError

# Containers that declare how long they are. Of the others FFmpeg guesses it, from the bitrate.
_DECLARING = {"mov", "matroska", "asf", "ogg", "wav", "w64", "aiff", "caf", "flac", "au", "wv", "ape", "tta"}
# Streams of bare frames, where anything may stand before the first and after the last.
_BARE = {"mp3", "aac", "ac3", "eac3", "dts", "loas", "mpegts", "mpeg"}
# Less than this may be missing: declarations in milliseconds are rough, and FFmpeg 7 counts the delay and the
# padding of an mp3, up to two frames, as part of it.
_TOLERANCE_SECONDS = 0.2
_TOLERANCE_SAMPLES = 2 * 1152
# Nothing but the file itself is read: a playlist must not open other files, or the network.
_INPUT_OPTIONS = {"protocol_whitelist": "none"}
# Tags of another encoding must not stop the audio: PyAV from 19 on takes care of that itself.
_LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}


class FfmpegDecoder:
    """A decoder by FFmpeg.

    Encoder delay and padding are removed where the file declares them (mp3 with a LAME header, mp4 with an edit
    list, opus, vorbis). A stream that changes its rate or channels is converted to what it began with.

    Args:
        path: of the file.
        file: the file, opened, at its start.
        is_audio: whether the first bytes are those of a known container, so that a file that cannot be opened
            is damaged rather than not audio.
        salvage: skip what cannot be decoded.

    Raises:
        NotAudioError: the file is not audio, or a video without sound.
        EmptyAudioError: it has no samples.
        DamagedAudioError: nothing of it can be decoded, or it is cut short.
        OSError: it cannot be read.
    """

    def __init__(self, path: Path, file: BinaryIO, *, is_audio: bool, salvage: bool) -> None:
        self._path = path
        self._salvage = salvage
        self._any_failure = False
        self._mp3_counts_frames = _mp3_counts_frames(path)
        # FFmpeg takes some mp3s of a few frames for video.
        name = "mp3" if self._mp3_counts_frames else None
        self._source = SourceFile(file)
        try:
            self._container = av.open(self._source, "r", name, options=_INPUT_OPTIONS, **_LENIENT)
        except av.FFmpegError as error:
            self._source.check()
            raise _unusable(path, is_audio) from error
        try:
            self._read_start(is_audio)
        except BaseException:
            self.close()
            raise

    def _read_start(self, is_audio: bool) -> None:
        if not self._container.streams.audio:
            raise NotAudioError(f"{self._path} has no audio stream", "Give a file with sound.")
        self._stream = self._container.streams.audio[0]
        self._names = set(self._container.format.name.split(","))
        if "ogg" in self._names and not self._salvage and not _ogg_is_whole(self._path):
            raise damaged(self._path, "its last page is cut short")
        self._frames = self._decode_frames()
        # The header of an HE-AAC or a WMA stream may be wrong about the signal: its first frame is not.
        first = next(self._frames, None)
        if first is None:
            raise _empty(self._path) if is_audio and not self._any_failure else _unusable(self._path, is_audio)
        self._first = first
        codec = self._stream.codec_context.codec
        self.info = AudioInfo(
            sample_rate=first.sample_rate,
            channels=first.layout.nb_channels,
            n_samples=self._declared_samples(first.sample_rate),
            codec=codec.canonical_name,
            depth=_depth(codec, first.format.packed.name),
            layout=tuple(channel.name for channel in first.layout.channels),
        )

    def decode(self) -> Iterator[Samples]:
        """The blocks of the file, one to a frame of the codec.

        Raises:
            DamagedAudioError: a part cannot be decoded, or much less is there than the container declares.
        """
        declared, rate = self.info.n_samples, self.info.sample_rate
        blocks = self._blocks()
        if declared is not None and self._stream.time_base == Fraction(1, rate):
            blocks = _without_padding(blocks, declared)
        n = 0
        for block in blocks:
            n += block.shape[1]
            yield block
        if not n:
            raise _unusable(self._path, is_audio=True)
        tolerance = _TOLERANCE_SECONDS * rate + _TOLERANCE_SAMPLES
        if declared is not None and not self._salvage and n < declared - tolerance:
            raise damaged(self._path, f"it decodes to {clock(n, rate)} of {clock(declared, rate)}")

    def close(self) -> None:
        """Release the codec; the file stays open."""
        self._container.close()

    def _blocks(self) -> Iterator[Samples]:
        """The frames as float32 ``(channel, sample)``, of one rate and layout."""
        source: tuple[str, str, int] | None = None
        resampler: av.AudioResampler | None = None
        # PyAV reads a planar frame of eight channels and more beyond its end.
        sample_format = "fltp" if self.info.channels < 8 else "flt"
        for frame in chain((self._first,), self._frames):
            signature = frame.format.name, frame.layout.name, frame.sample_rate
            if resampler is None or signature != source:
                if resampler is not None:
                    yield from map(_samples, resampler.resample(None))
                resampler = av.AudioResampler(sample_format, self._first.layout, self.info.sample_rate)
                source = signature
            try:
                frames = resampler.resample(frame)
            except av.FFmpegError as error:  # a header made of noise: more channels, say, than FFmpeg can take
                if not self._salvage:
                    raise damaged(self._path, "it holds what cannot be converted") from error
                resampler = None
                continue
            yield from map(_samples, frames)
        if resampler is not None:
            yield from map(_samples, resampler.resample(None))

    def _decode_frames(self) -> Iterator[av.AudioFrame]:
        """The decoded frames.

        A packet that fails is damage, except at the very start or end of a bare stream: there it is a tag, or
        what is left of a frame where a broadcast was cut.
        """
        bare = not self._names.isdisjoint(_BARE)
        n, failed = 0, False
        for packet in self._packets():
            try:
                frames = self._stream.decode(packet)
            except av.FFmpegError:
                self._any_failure = True
                failed = not self._salvage and (n > 0 or not bare)
                continue
            if frames and failed:
                break
            n += sum(frame.samples for frame in frames)
            yield from frames
        else:
            failed = failed and n > 0 and not bare
        if failed:
            raise damaged(self._path, f"it cannot be decoded at {clock(n, self._stream.sample_rate or 1)}")

    def _packets(self) -> Iterator[av.Packet[av.AudioStream]]:
        """The packets of the stream, with an empty one at the end that flushes the decoder."""
        try:
            for packet in self._container.demux(self._stream):
                self._source.check()
                yield packet
        except av.FFmpegError as error:
            self._source.check()
            self._any_failure = True
            if not self._salvage:
                raise damaged(self._path, "a part of its container is corrupt") from error

    def _declared_samples(self, rate: int) -> int | None:
        stream = self._stream
        if "mp3" in self._names:
            if not self._mp3_counts_frames:
                return None
        elif self._names.isdisjoint(_DECLARING):
            return None
        if stream.duration is not None and stream.time_base is not None:
            seconds = stream.duration * stream.time_base
        elif self._container.duration is not None and len(self._container.streams) == 1:
            # Matroska counts from zero, not from the first sample.
            start = max(self._container.start_time or 0, 0)
            seconds = Fraction(self._container.duration - start, av.time_base)
        else:
            return None
        if stream.codec_context.name == "opus" and "ogg" in self._names:
            pre_skip = int.from_bytes((stream.codec_context.extradata or b"")[10:12], "little")
            seconds -= Fraction(pre_skip, 48000)
        # Of a PCM file that is cut short, FFmpeg shortens the duration and keeps the number of frames.
        return max(round(seconds * rate), stream.frames) or None


def _samples(frame: av.AudioFrame) -> Samples:
    """A frame of floats as ``(channel, sample)``."""
    array = np.asarray(frame.to_ndarray(), np.float32)
    if frame.format.is_planar:
        return array
    return np.ascontiguousarray(array.reshape(-1, frame.layout.nb_channels).T)


def _without_padding(blocks: Iterator[Samples], n_samples: int) -> Iterator[Samples]:
    """The blocks, without what an encoder appended to fill its last frame.

    Only the last block is cut: where the declared length ends in an earlier one, it is wrong.
    """
    n = 0
    last: Samples | None = None
    for block in blocks:
        if last is not None:
            yield last
        last = block
        n += block.shape[1]
    if last is not None:
        padding = n - n_samples
        yield np.ascontiguousarray(last[:, :-padding]) if 0 < padding < last.shape[1] else last


def _depth(codec: av.Codec, sample_format: str) -> Depth:
    if not codec.lossless:
        return "16"
    if sample_format in ("flt", "dbl") or codec.name.startswith(("pcm_s32", "pcm_u32")):
        return "float"
    return "24" if sample_format == "s32" else "16"


def _mp3_counts_frames(path: Path) -> bool:
    """Whether a file is an mp3 with a Xing (or Info) header that has its number of frames.

    The length of any other mp3 is a guess: FFmpeg looks for that header in the first frame only, and for that
    frame only right behind the ID3 tags.
    """
    with open(path, "rb") as file:
        while len(start := file.read(10)) == 10 and start.startswith(b"ID3"):
            size = sum((byte & 0x7F) << shift for byte, shift in zip(start[6:10], (21, 14, 7, 0), strict=True))
            file.seek(size, os.SEEK_CUR)
        header = re.match(rb"\xff[\xe2-\xff].{11,36}?(?:Xing|Info)...(.)", start + file.read(60), re.DOTALL)
    return header is not None and bool(header[1][0] & 1)


def _ogg_is_whole(path: Path) -> bool:
    """Whether the last page of an ogg file is complete: the ogg container does not say how long it is."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 2 * 65536, 0))  # a page is shorter than 64 KiB
        tail = file.read()
    page = tail[max(tail.rfind(b"OggS"), 0) :]
    n_segments = page[26] if len(page) > 26 else 255
    segments = page[27 : 27 + n_segments]
    return len(segments) == n_segments and len(page) >= 27 + n_segments + sum(segments)


def _unusable(path: Path, is_audio: bool) -> DamagedAudioError | NotAudioError:
    if is_audio:
        return DamagedAudioError(f"{path} is damaged: nothing of it can be decoded", "Get a whole copy of it.")
    return NotAudioError(f"{path} is not audio that can be decoded", "Give a wav, flac, mp3, ogg or m4a file.")


def _empty(path: Path) -> EmptyAudioError:
    return EmptyAudioError(f"{path} has no samples", "Give a file with sound.")
