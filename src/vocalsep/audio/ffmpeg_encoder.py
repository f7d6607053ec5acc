"""Files that FFmpeg writes, through PyAV: those that libsndfile does not know."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import av
import numpy as np

from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.samples import Samples
from vocalsep.audio.target import TargetFile

_ENCODERS = {"opus": ("opus", "libopus"), "m4a": ("ipod", "aac")}
_OPUS_BITRATE_PER_CHANNEL = 256_000


class FfmpegEncoder:
    """An encoder by FFmpeg, for opus and m4a (AAC).

    Both record the encoder's delay and the exact length (pre-skip and granule position, edit list), so that
    players and decoders give the written samples back in place.

    Raises:
        OSError: the codec refuses.
    """

    def __init__(self, target: TargetFile, sample_rate: int, channels: int, output: OutputFormat) -> None:
        muxer, codec = _ENCODERS[output.container]
        # An edit list counts in the movie's time scale, which is milliseconds unless it is set.
        options = {"movie_timescale": str(sample_rate)} if output.container == "m4a" else {}
        bitrate = output.bitrate or 0
        if output.container == "opus":
            bitrate = min(bitrate, _OPUS_BITRATE_PER_CHANNEL * channels)
        self._layout = "stereo" if channels == 2 else "mono"
        self._sample_rate = sample_rate
        self._n_samples = 0
        with _codec_errors():
            self._container = av.open(target, "w", format=muxer, options=options)
            stream = self._container.add_stream(codec, rate=sample_rate, layout=self._layout)
            self._stream = cast(av.AudioStream, stream)
            self._stream.bit_rate = bitrate

    def write(self, block: Samples) -> None:
        """Encode a block ``(channel, sample)``."""
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout=self._layout)
        frame.sample_rate = self._sample_rate
        frame.pts = self._n_samples
        self._n_samples += block.shape[1]
        with _codec_errors():
            self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Encode what is left and write the header."""
        with _codec_errors():
            self._container.mux(self._stream.encode(None))
            self._container.close()


@contextmanager
def _codec_errors() -> Iterator[None]:
    try:
        yield
    except av.FFmpegError as error:
        raise OSError(errno.EIO, f"FFmpeg: {error.strerror}") from error
