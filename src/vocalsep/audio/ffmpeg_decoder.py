"""Files that FFmpeg reads, through PyAV: all that libsndfile does not know, or only half."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np

from vocalsep.audio.damage import Damage
from vocalsep.audio.ffmpeg_length import declared_samples, find_cut
from vocalsep.audio.flac import counts_too_few, is_flac, starts_late
from vocalsep.audio.formats import Depth
from vocalsep.audio.info import AudioInfo, clock
from vocalsep.audio.mp3_header import read_mp3_header
from vocalsep.audio.musepack import musepack_length
from vocalsep.audio.reading_options import ReadingOptions
from vocalsep.audio.resample import resample_blocks, resampled_length
from vocalsep.audio.samples import Samples
from vocalsep.audio.source import Source
from vocalsep.audio.timeline import Timeline
from vocalsep.audio.tracks import announce_choice, choose_track
from vocalsep.errors import DamagedAudioError, EmptyAudioError, NotAudioError

# Streams of bare frames, where anything may stand before the first and after the last.
_BARE = {"mp3", "aac", "ac3", "eac3", "dts", "loas", "mpegts", "mpeg"}
# Codecs that otherwise give noise where a checksum says that a frame is damaged.
_WITH_CHECKSUM = {"flac", "tta", "wavpack", "ape"}
# Containers of one codec whose header counts the samples.
_EXACT = {"flac", "tta", "wv"}
# Of others, less than this may be missing: declarations in milliseconds are rough, and FFmpeg 7 counts the delay
# and the padding of an mp3, up to two frames, as part of it.
_TOLERANCE_SECONDS = 0.2
_TOLERANCE_SAMPLES = 2 * 1152
_PCM_TOLERANCE_SAMPLES = 512
_HALF_BARE_FRAME = 576
_SILENCE_SAMPLES = 65536
# Nothing but the file itself is read: a playlist must not open other files, or the network.
_INPUT_OPTIONS = {"protocol_whitelist": "none"}
# Tags of another encoding must not stop the audio: PyAV from 19 on takes care of that itself.
_LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}


class FfmpegDecoder:
    """A decoder by FFmpeg.

    Encoder delay and padding are removed where the file declares them (mp3 with a LAME header, mp4 with an edit
    list, opus, vorbis). A stream that changes its rate or channels is converted to what it began with. Samples
    that cannot be decoded are zeros. DSD becomes samples at 88.2 or 96 kHz.

    Args:
        source: the file.
        reading: which track is taken, and what is salvaged.
        damage: told what cannot be decoded.
        is_audio: whether the first bytes are those of a known container, so that a file that cannot be opened
            is damaged rather than not audio.

    Raises:
        NotAudioError: the file is not audio, or a video without sound.
        EmptyAudioError: it has no samples.
        DamagedAudioError: nothing of it can be decoded, or it is cut short.
        OptionError: it has no such track.
        OSError: it cannot be read.
    """

    def __init__(self, source: Source, reading: ReadingOptions, damage: Damage, *, is_audio: bool) -> None:
        self._path = source.path
        self._damage = damage
        self._any_failure = False
        self._n_silent = 0
        self._lost_start: tuple[_Gap, ...] = ()
        self._mp3_header = read_mp3_header(source)
        # FFmpeg takes some mp3s of a few frames for video.
        name = "mp3" if self._mp3_header else None
        self._file = source.open()
        try:
            self._container = av.open(self._file, "r", name, options=_INPUT_OPTIONS, **_LENIENT)
        except av.FFmpegError as error:
            self._file.check()
            raise _unusable(self._path, is_audio) from error
        try:
            self._read_start(source, reading, is_audio)
        except BaseException:
            self.close()
            raise

    def _read_start(self, source: Source, reading: ReadingOptions, is_audio: bool) -> None:
        tracks = self._tracks()
        if not tracks:
            if self._container.streams.audio:
                raise _unusable(self._path, is_audio)
            raise NotAudioError(f"{self._path} has no audio stream", "Give a file with sound.")
        self._stream = tracks[choose_track(tracks, reading.audio_track, self._path)]
        if self._stream.codec_context.name in _WITH_CHECKSUM:
            self._stream.codec_context.options = {"err_detect": "crccheck+explode"}
        self._names = set(self._container.format.name.split(","))
        self._is_bare = not self._names.isdisjoint(_BARE)
        if problem := find_cut(source, self._names):
            self._damage.refuse(problem)
        self._parts = self._decode_frames()
        # The header of an HE-AAC or a WMA stream may be wrong about the signal: its first frame is not.
        first = next(self._parts, None)
        if first is None:
            is_empty = is_audio and not (self._any_failure or self._declared_samples(1))
            raise _empty(self._path) if is_empty else _unusable(self._path, is_audio)
        self._first = first
        codec = self._stream.codec_context.codec
        self._rate = self._first_frame.sample_rate
        is_dsd = codec.name.startswith("dsd_")
        rate = _pcm_rate(self._rate) if is_dsd else self._rate
        declared = musepack_length(source) or self._declared_samples(self._rate)
        is_segment = is_flac(source) and starts_late(source)
        if is_segment or source.head or (is_flac(source) and counts_too_few(source)):  # the header is wrong
            declared = None
        if is_segment and self._lost_start:  # the number of its first frame is what was lost
            self._damage.refuse("its first frame is damaged, and it cannot be told how much is missing")
            self._lost_start = ()
        self._declared = declared
        self.info = AudioInfo(
            sample_rate=rate,
            channels=self._first_frame.layout.nb_channels,
            n_samples=None if declared is None else resampled_length(declared, self._rate, rate),
            codec=codec.canonical_name,
            depth="24" if is_dsd else _depth(codec, self._first_frame.format.packed.name),
            layout=_layout(self._first_frame),
        )

    def announce_track(self) -> None:
        """Say which track is taken, where there are several."""
        tracks = self._tracks()
        announce_choice(tracks, tracks.index(self._stream), self._path)

    def decode(self) -> Iterator[Samples]:
        """The blocks of the file, one to a frame of the codec.

        Raises:
            DamagedAudioError: a part cannot be decoded, or much less is there than the container declares.
        """
        blocks = self._at_own_rate()
        return resample_blocks(blocks, self._rate, self.info.sample_rate)

    def close(self) -> None:
        """Release the codec; the file stays open."""
        self._container.close()

    def _tracks(self) -> list[av.AudioStream]:
        """The audio tracks whose codec FFmpeg knows."""
        return [stream for stream in self._container.streams.audio if stream.codec_context is not None]

    def _declared_samples(self, rate: int) -> int | None:
        return declared_samples(self._container, self._stream, rate, self._mp3_header)

    def _at_own_rate(self) -> Iterator[Samples]:
        declared = self._declared
        blocks = self._blocks()
        is_exact = self._stream.time_base == Fraction(1, self._rate) or self._mp3_header is not None
        if declared is not None and is_exact:
            blocks = _without_padding(blocks, declared)
        n = 0
        for block in blocks:
            n += block.shape[1]
            yield block
        if not n:
            raise _unusable(self._path, is_audio=True)
        if missing := self._check_end(n):
            yield np.zeros((self.info.channels, missing), np.float32)

    def _check_end(self, n: int) -> int:
        """Compare the length with what is declared; give how many samples the end lacks that can be silent."""
        rate, declared = self._rate, self._declared
        failed = 0 if self._is_bare else round(self._timeline.failed_seconds * rate)
        tolerance = _TOLERANCE_SECONDS * rate + _TOLERANCE_SAMPLES
        missing = failed if declared is None else declared - n
        is_exact = not self._names.isdisjoint(_EXACT)
        if missing <= 0:
            return 0
        if declared is None:
            what = f"it cannot be decoded from {self._damage.place(n, rate)} on"
            (self._damage.allow if missing <= tolerance else self._damage.refuse)(what)
        elif failed and missing <= tolerance:
            self._damage.silence(n, missing, rate)
            return missing
        elif is_exact and missing <= tolerance:
            self._damage.refuse(f"{missing} samples are missing, and it cannot be told where")
        elif missing > (_PCM_TOLERANCE_SAMPLES if self.info.codec.startswith("pcm_") else tolerance):
            what = f"it decodes to {clock(n, rate)} of {clock(declared, rate)}"
            if self._mp3_header is not None and self._mp3_header.is_contradicted:
                self._damage.allow(f"{what} that its header announces")
            elif "asf" not in self._names:  # whose packets have been counted
                self._damage.refuse(what)
        elif self._is_bare and self._n_silent and missing > _HALF_BARE_FRAME:
            self._damage.refuse(f"{1000 * missing / rate:.0f} ms are missing, and it cannot be told where")
        return 0

    @property
    def _first_frame(self) -> av.AudioFrame:
        assert isinstance(self._first, av.AudioFrame)
        return self._first

    def _blocks(self) -> Iterator[Samples]:
        """The frames as float32 ``(channel, sample)``, of one rate and layout."""
        signature: tuple[str, str, int] | None = None
        resampler: av.AudioResampler | None = None
        # PyAV reads a planar frame of eight channels and more beyond its end.
        sample_format = "fltp" if self.info.channels < 8 else "flt"
        n = 0
        for part in chain(self._lost_start, (self._first,), self._parts):
            if isinstance(part, _Gap):
                n_samples = part.at_rate(self._rate)
                self._damage.silence(n, n_samples, self._rate)
                for start in range(0, n_samples, _SILENCE_SAMPLES):
                    size = min(_SILENCE_SAMPLES, n_samples - start)
                    yield np.zeros((self.info.channels, size), np.float32)
                n += n_samples
                self._n_silent += n_samples
                continue
            own = part.format.name, part.layout.name, part.sample_rate
            if resampler is None or own != signature:
                if resampler is not None:
                    yield from map(_samples, resampler.resample(None))
                resampler = av.AudioResampler(sample_format, self._first_frame.layout, self._rate)
                signature = own
            try:
                frames = resampler.resample(part)
            except av.FFmpegError:  # a header made of noise: more channels, say, than FFmpeg can take
                self._damage.refuse("it holds what cannot be converted")
                resampler = None
                continue
            for block in map(_samples, frames):
                n += block.shape[1]
                yield block
        if resampler is not None:
            yield from map(_samples, resampler.resample(None))

    def _decode_frames(self) -> Iterator[av.AudioFrame | _Gap]:
        """The decoded frames, and the gaps between them. The first of them is a frame.

        What was lost ahead of it is kept in ``_lost_start``.
        """
        stream = self._stream
        start = None
        if stream.start_time is not None and stream.time_base is not None:
            start = stream.start_time * stream.time_base
        self._timeline = Timeline(self._container.format.name, is_bare=self._is_bare, start=start)
        begun = False
        for packet in self._packets():
            try:
                frames = stream.decode(packet)
            except av.FFmpegError:
                self._any_failure = True
                self._timeline.failed(packet)
                continue
            if frames:
                self._timeline.decoded(packet)
            for frame in frames:
                gap = self._timeline.gap_before(frame)
                if gap and begun:
                    yield _Gap(gap, frame.sample_rate)
                elif gap and self._any_failure:
                    self._lost_start = (_Gap(gap, frame.sample_rate),)
                yield frame
                begun = True

    def _packets(self) -> Iterator[av.Packet[av.AudioStream]]:
        """The packets of the stream, with an empty one at the end that flushes the decoder."""
        try:
            for packet in self._container.demux(self._stream):
                self._file.check()
                yield packet
        except av.FFmpegError:
            self._file.check()
            self._any_failure = True
            self._damage.refuse("a part of its container is corrupt")


@dataclass(frozen=True, slots=True)
class _Gap:
    """Samples that are missing between two frames, and the rate that they would have."""

    n_samples: int
    sample_rate: int

    def at_rate(self, rate: int) -> int:
        return resampled_length(self.n_samples, self.sample_rate, rate)


def _layout(frame: av.AudioFrame) -> tuple[str, ...]:
    """The loudspeaker of each channel; empty where the file does not say, which FFmpeg names ``NONE``."""
    names = tuple(channel.name for channel in frame.layout.channels)
    return () if "NONE" in names else names


def _pcm_rate(rate: int) -> int:
    """The rate that DSD is brought down to: 96 kHz where it divides ``rate``, else 88.2 kHz."""
    return 96000 if rate % 96000 == 0 else 88200


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


def _unusable(path: Path, is_audio: bool) -> DamagedAudioError | NotAudioError:
    if is_audio:
        return DamagedAudioError(f"{path} is damaged: nothing of it can be decoded", "Get a whole copy of it.")
    return NotAudioError(f"{path} is not audio that can be decoded", "Give a wav, flac, mp3, ogg or m4a file.")


def _empty(path: Path) -> EmptyAudioError:
    return EmptyAudioError(f"{path} has no samples", "Give a file with sound.")
