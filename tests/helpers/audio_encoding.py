from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import av
import numpy as np
import soundfile
from av.stream import Disposition


def encode(path: Path, samples: np.ndarray, codec: str, sample_rate: int = 44100, **options: str) -> None:
    """Make a file; ``codec`` is ``muxer/codec`` of FFmpeg, or ``FORMAT:SUBTYPE`` of libsndfile."""
    if "/" in codec:
        muxer, name = codec.split("/")
        _encode_ffmpeg(path, samples, muxer, name, sample_rate, options)
    else:
        format, subtype = codec.split(":")
        soundfile.write(path, samples.T, sample_rate, format=format, subtype=subtype)


def _encode_ffmpeg(
    path: Path, samples: np.ndarray, muxer: str, codec: str, sample_rate: int, options: Mapping[str, str]
) -> None:
    layout = "stereo" if samples.shape[0] == 2 else "mono"
    with av.open(str(path), "w", format=muxer, options=dict(options)) as container:
        stream = container.add_stream(codec, rate=sample_rate, layout=layout, bit_rate=128_000)
        for start in range(0, samples.shape[1], 50000):
            block = np.ascontiguousarray(samples[:, start : start + 50000])
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = sample_rate, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def encode_tracks(path: Path, muxer: str, tracks: Sequence[tuple[int, str, bool]]) -> None:
    """Make a file of tone tracks of a second; each is (frequency, language, is default)."""
    time = np.arange(44100) / 44100
    with av.open(str(path), "w", format=muxer) as container:
        streams = []
        for _, language, is_default in tracks:
            stream = container.add_stream("aac", rate=44100, layout="mono")
            stream.metadata["language"] = language
            stream.disposition = Disposition.default if is_default else Disposition(0)
            streams.append(stream)
        for stream, (frequency, _, _) in zip(streams, tracks, strict=True):
            tone = (0.5 * np.sin(2 * np.pi * frequency * time)).astype(np.float32)[None]
            frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44100, 0
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
