"""Files that libsndfile reads and writes: linear PCM in any wrapping, FLAC, Vorbis; for output mp3 as well.

Vorbis and mp3 could be left to FFmpeg, but FFmpeg's Vorbis decoder loses the last 128 samples of a file whose
length is a multiple of 128, and its mp3 files are up to 46 samples too long.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile

from vocalsep.audio.damage import Damage
from vocalsep.audio.flac import counts_too_few, is_flac, starts_late
from vocalsep.audio.formats import Depth, OutputFormat
from vocalsep.audio.info import AudioInfo
from vocalsep.audio.loudspeakers import sndfile_layout
from vocalsep.audio.quantise import quantise
from vocalsep.audio.samples import Samples
from vocalsep.audio.source import Source
from vocalsep.audio.streamed_header import is_placeholder
from vocalsep.audio.target import TargetFile

# The output depth that loses nothing. Codecs that are not here are left to FFmpeg.
_DEPTHS: dict[str, Depth] = {
    "PCM_S8": "16",
    "PCM_U8": "16",
    "PCM_16": "16",
    "PCM_24": "24",
    "PCM_32": "float",
    "FLOAT": "float",
    "DOUBLE": "float",
    "ULAW": "16",
    "ALAW": "16",
    "VORBIS": "16",
}
_DECODE_SAMPLES = 65536
_UNKNOWN_FRAMES = 2**36 - 1  # libsndfile's is larger; this is all ones in a flac, by an encoder that cannot seek
_SMALL_SHORTAGE_BYTES = 512

# libsndfile clamps a size that the file does not hold, and says so only in its log.
_SHORT = re.compile(r"^ *(?:data|SSND|Data Size|riff|Riff size) *: (\d+) \(should be (\d+)\)", re.MULTILINE)
# Of an ogg file with more than one stream it reads the first, and it fills what it cannot decode with a guess.
_UNFINISHED_OGG = re.compile(r"^Ogg: (?:Junk after|Last page lacks)", re.MULTILINE)
_CORRUPT_OGG = re.compile(r"^Ogg : (?:Skipped|Warning, libogg reports a hole)", re.MULTILINE)

# mp3: the lowest and highest bitrate of a file from this sample rate up, between which libsndfile's level runs.
_MP3_BITRATES = ((32000, 32, 320), (16000, 8, 160), (0, 8, 64))
_VORBIS_LEVEL = 0.4  # quality 6: the level is 1 - quality / 10
_LOSSY_SAMPLES = 8192


class SndfileDecoder:
    """A decoder by libsndfile.

    Args:
        source: a file whose first bytes are of a container that libsndfile knows.
        damage: told what the file lacks.

    Raises:
        ValueError: libsndfile cannot open the file, or it holds a codec that is left to FFmpeg, or its header does
            not say how many samples there are: let FFmpeg try.
        DamagedAudioError: the file ends before its header says it does.
        OSError: the file cannot be read.
    """

    def __init__(self, source: Source, damage: Damage) -> None:
        if is_flac(source) and (starts_late(source) or counts_too_few(source)):
            raise ValueError("libsndfile would seek to frame 0, or end where the header says")
        self._damage = damage
        self._bytes = None if source.is_whole_file else source.open()
        try:
            self._file = open_sndfile(source.stored) if self._bytes is None else soundfile.SoundFile(self._bytes)
        except soundfile.LibsndfileError as error:
            raise ValueError(str(error)) from error
        file = self._file
        if not _is_readable(file):
            file.close()
            raise ValueError(f"{file.format} {file.subtype}")
        self.info = AudioInfo(
            sample_rate=file.samplerate,
            channels=file.channels,
            n_samples=file.frames,
            codec=(file.format if file.format == "FLAC" else file.subtype).lower(),
            depth=_DEPTHS[file.subtype],
            layout=sndfile_layout(file),
        )
        try:
            self._check_size()
            if file.format == "CAF" and missing_bytes(file):  # libsndfile would drop its last samples
                raise ValueError("a CAF file that is too short")
        except BaseException:
            file.close()
            raise

    def decode(self) -> Iterator[Samples]:
        """The blocks of the file.

        Raises:
            DamagedAudioError: a FLAC frame or a Vorbis page is corrupt or missing.
        """
        n = 0
        failure: Exception | None = None
        while n < self._file.frames and failure is None:
            try:
                block = self._file.read(_DECODE_SAMPLES, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError as error:
                failure = error
            if self._bytes is not None:
                self._bytes.check()
            if failure or not len(block) or has_skipped(self._file):
                where = self._damage.place(n, self.info.sample_rate)
                raise self._damage.error(f"it cannot be decoded at {where} or soon after") from failure
            n += len(block)
            yield np.ascontiguousarray(block.T)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _check_size(self) -> None:
        missing = missing_bytes(self._file)
        if not missing:
            return
        # Headers count a chunk too much, or the header itself; a file that was cut lacks more.
        if missing <= _SMALL_SHORTAGE_BYTES:
            self._damage.allow(f"it ends {missing} bytes before its header says")
        else:
            self._damage.refuse(cut_short(self._file) or "")


def open_sndfile(path: Path) -> soundfile.SoundFile:
    """Open a file to read, whatever bytes its name is made of.

    Raises:
        LibsndfileError: it cannot be opened, or libsndfile does not know it.
    """
    return soundfile.SoundFile(path if sys.platform == "win32" else os.fsencode(path))


def missing_bytes(file: soundfile.SoundFile) -> int:
    """How many bytes a PCM file lacks of what its header announces; 0 where the header says nothing."""
    short = _SHORT.search(file.extra_info)
    return 0 if short is None or is_placeholder(int(short[1])) else int(short[1]) - int(short[2])


def cut_short(file: soundfile.SoundFile) -> str | None:
    """Say how much a PCM file lacks of what its header announces, or None."""
    short = _SHORT.search(file.extra_info)
    if short is None or is_placeholder(int(short[1])):
        return None
    return f"{short[2]} bytes of audio of the {short[1]} that its header announces"


def has_skipped(file: soundfile.SoundFile) -> bool:
    """Whether a part of an ogg file that was read up to here could not be decoded, and was left out or guessed."""
    return _CORRUPT_OGG.search(file.extra_info) is not None


def _is_readable(file: soundfile.SoundFile) -> bool:
    """Whether the file is libsndfile's to read.

    Vorbis orders the channels of a surround layout in its own way, which only FFmpeg puts right.
    """
    if file.format == "OGG":
        whole = not _UNFINISHED_OGG.search(file.extra_info)
        return file.subtype == "VORBIS" and file.channels <= 2 and whole and file.frames > 0
    if file.format == "SVX" and file.channels > 1:  # libsndfile takes one channel after the other for pairs
        return False
    return file.subtype in _DEPTHS and 0 < file.frames < _UNKNOWN_FRAMES


class SndfileEncoder:
    """An encoder by libsndfile, for flac, ogg (Vorbis) and mp3.

    Raises:
        OSError: libsndfile refuses, of a sample rate for example.
    """

    def __init__(self, target: TargetFile, sample_rate: int, channels: int, output: OutputFormat) -> None:
        self._depth = output.sample_depth
        options: dict[str, object]
        if output.container == "flac":
            options = {"format": "FLAC", "subtype": f"PCM_{self._depth}"}
        elif output.container == "ogg":
            options = {"format": "OGG", "subtype": "VORBIS", "compression_level": _VORBIS_LEVEL}
        else:
            level = _mp3_level(sample_rate, (output.bitrate or 0) / 1000)
            options = {"format": "MP3", "bitrate_mode": "CONSTANT", "compression_level": level}
        with _codec_errors():
            self._file = soundfile.SoundFile(target, "w", sample_rate, channels, **options)

    def write(self, block: Samples) -> None:
        """Encode a block ``(channel, sample)``."""
        frames = np.ascontiguousarray(block.T)
        with _codec_errors():
            if self._depth == "16" or self._depth == "24":
                self._file.write(quantise(frames, self._depth))
                return
            # libvorbis analyses a write in one go, in a buffer on the stack.
            for start in range(0, len(frames), _LOSSY_SAMPLES):
                self._file.write(frames[start : start + _LOSSY_SAMPLES])

    def close(self) -> None:
        """Write what is left and the header."""
        with _codec_errors():
            self._file.close()


def _mp3_level(sample_rate: int, kbps: float) -> float:
    """Libsndfile's compression level for a bitrate: 0 is the highest of this sample rate, 1 the lowest."""
    lowest, highest = next((low, high) for rate, low, high in _MP3_BITRATES if sample_rate >= rate)
    return (highest - min(max(kbps, lowest), highest)) / (highest - lowest)


@contextmanager
def _codec_errors() -> Iterator[None]:
    try:
        yield
    except soundfile.LibsndfileError as error:
        raise OSError(errno.EIO, f"libsndfile: {error.error_string}") from error
