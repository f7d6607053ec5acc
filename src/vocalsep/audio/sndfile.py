"""Files that libsndfile reads and writes: linear PCM in any wrapping, and FLAC; Vorbis for output."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile

from vocalsep.audio.formats import Depth, OutputFormat
from vocalsep.audio.info import AudioInfo, Samples, clock, damaged
from vocalsep.audio.quantise import quantise
from vocalsep.audio.target import TargetFile

# What a 16-bit, 24-bit or float output loses nothing of. Other codecs that libsndfile knows are left to FFmpeg.
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
}
_DECODE_SAMPLES = 65536
_VORBIS_SAMPLES = 8192
_VORBIS_LEVEL = 0.4  # quality 6: libsndfile's level is 1 - quality / 10

# libsndfile clamps a size that the file does not hold, and says so only in its log.
_SHORT = re.compile(r"^ *(?:data|SSND|Data Size|riff|Riff size) *: (\d+) \(should be (\d+)\)", re.MULTILINE)


class SndfileDecoder:
    """A decoder by libsndfile.

    Args:
        path: a file whose first bytes are of a container that libsndfile knows.

    Raises:
        ValueError: libsndfile cannot open the file, or it holds a codec that is left to FFmpeg, or no samples
            as far as the header says: let FFmpeg try.
        DamagedAudioError: the file ends before its header says it does.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = soundfile.SoundFile(path)
        except soundfile.LibsndfileError as error:
            raise ValueError(str(error)) from error
        file = self._file
        if file.subtype not in _DEPTHS or file.frames == 0:
            file.close()
            raise ValueError(f"{file.format} {file.subtype}")
        self.info = AudioInfo(
            sample_rate=file.samplerate,
            channels=file.channels,
            n_samples=file.frames,
            codec="flac" if file.format == "FLAC" else file.subtype.lower(),
            depth=_DEPTHS[file.subtype],
        )
        short = _SHORT.search(file.extra_info)
        if short and not _is_placeholder(int(short[1])):
            file.close()
            raise damaged(path, f"{short[2]} bytes of audio of the {short[1]} that its header announces")

    def decode(self) -> Iterator[Samples]:
        """The blocks of the file.

        Raises:
            DamagedAudioError: a FLAC frame is corrupt or missing.
        """
        n = 0
        while True:
            try:
                block = self._file.read(_DECODE_SAMPLES, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError as error:
                where = clock(n, self.info.sample_rate)
                raise damaged(self._path, f"it cannot be decoded after {where}") from error
            if not len(block):
                return
            n += len(block)
            yield np.ascontiguousarray(block.T)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _is_placeholder(size: int) -> bool:
    """Whether a size is what programs write that cannot go back to the header: about 2 or 4 GiB."""
    return 0x7FFFE000 <= size <= 0x80000000 or 0xFFFFE000 <= size <= 0xFFFFFFFF


class SndfileEncoder:
    """An encoder by libsndfile, for flac and ogg (Vorbis).

    Raises:
        OSError: libsndfile refuses, of a sample rate for example.
    """

    def __init__(self, target: TargetFile, sample_rate: int, channels: int, output: OutputFormat) -> None:
        self._depth = output.sample_depth
        options = (
            {"format": "FLAC", "subtype": f"PCM_{self._depth}"}
            if output.container == "flac"
            else {"format": "OGG", "subtype": "VORBIS", "compression_level": _VORBIS_LEVEL}
        )
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
            for start in range(0, len(frames), _VORBIS_SAMPLES):
                self._file.write(frames[start : start + _VORBIS_SAMPLES])

    def close(self) -> None:
        """Write what is left and the header."""
        with _codec_errors():
            self._file.close()


@contextmanager
def _codec_errors() -> Iterator[None]:
    try:
        yield
    except soundfile.LibsndfileError as error:
        raise OSError(errno.EIO, f"libsndfile: {error.error_string}") from error
