"""Audio files of every kind, and what bad disks, broken downloads and evil minds make of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
import soundfile

from helpers.audio_encoding import encode

CODECS = {
    "pcm16.wav": "WAV:PCM_16",
    "pcm24.wav": "WAV:PCM_24",
    "float.wav": "WAV:FLOAT",
    "extensible.wav": "WAVEX:PCM_24",
    "a.rf64": "RF64:PCM_16",
    "a.w64": "W64:PCM_16",
    "a.aiff": "AIFF:PCM_16",
    "a.caf": "CAF:PCM_16",
    "a.au": "AU:PCM_16",
    "a.flac": "FLAC:PCM_16",
    "a.mp3": "mp3/libmp3lame",
    "a.ogg": "OGG:VORBIS",
    "a.opus": "ogg/libopus",
    "aac.m4a": "ipod/aac",
    "alac.m4a": "ipod/alac",
    "a.aac": "adts/aac",
    "a.wma": "asf/wmav2",
    "a.webm": "webm/libopus",
    "a.mkv": "matroska/aac",
}
_EXTREMES = (0, 1, 2, 0x7F, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)

Mutation = Callable[[bytes, np.random.Generator, Sequence[bytes]], bytes]


def whole_files(folder: Path, seconds: float = 0.25) -> dict[str, bytes]:
    """Name to content of a file of every kind that can be made here."""
    rate = 48000
    noise = 0.2 * np.random.default_rng(0).standard_normal((2, round(seconds * rate))).astype(np.float32)
    contents = {}
    for name, codec in CODECS.items():
        try:
            encode(folder / name, noise, codec, rate)
        except (av.FFmpegError, ValueError, soundfile.LibsndfileError):  # a codec that these libraries lack
            continue
        contents[name] = (folder / name).read_bytes()
    return contents


def mutated(contents: dict[str, bytes], rng: np.random.Generator) -> tuple[str, bytes]:
    """One of the files, changed in one to three ways."""
    names = list(contents)
    name = names[rng.integers(len(names))]
    data = contents[name]
    for _ in range(rng.integers(1, 4)):
        data = _MUTATIONS[rng.integers(len(_MUTATIONS))](data, rng, list(contents.values()))
    return name, data


def _place(data: bytes, rng: np.random.Generator) -> int:
    """Anywhere, or as often in the header."""
    return int(rng.integers(min(len(data), 512) if rng.integers(2) else len(data))) if data else 0


def _flipped(data: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.integers(1, 17) if data else 0):
        changed[_place(data, rng)] ^= 1 << rng.integers(8)
    return bytes(changed)


def _truncated(data: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    return data[: _place(data, rng)]


def _spliced(data: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """The head of another file before, or in place of, its own."""
    other = others[rng.integers(len(others))]
    head = other[: _place(other, rng)]
    return head + data[len(head) if rng.integers(2) else 0 :]


def _inserted(data: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    place = _place(data, rng)
    return data[:place] + rng.bytes(rng.integers(1, 4000)) + data[place:]


def _zeroed(data: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    place = _place(data, rng)
    hole = bytes(min(int(rng.integers(1, 4000)), len(data) - place))
    return data[:place] + hole + data[place + len(hole) :]


def _lengthened(data: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """A number that may be a length, a rate or a count, replaced by another."""
    place, size = _place(data, rng), (2, 4, 8)[rng.integers(3)]
    value = _EXTREMES[rng.integers(len(_EXTREMES))] if rng.integers(2) else int(rng.integers(2**32))
    number = (value % 256**size).to_bytes(size, ("little", "big")[rng.integers(2)])
    return data[:place] + number + data[place + size :]


def _repeated(data: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    start, end = sorted((_place(data, rng), _place(data, rng)))
    return data[:end] + data[start:]


_MUTATIONS: tuple[Mutation, ...] = (
    _flipped,
    _truncated,
    _spliced,
    _inserted,
    _zeroed,
    _lengthened,
    _repeated,
)
