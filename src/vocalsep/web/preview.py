"""What can be heard and seen of the stems while a song is separated."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vocalsep.audio.loudspeakers import to_stereo
from vocalsep.audio.resample import StreamResampler
from vocalsep.audio.samples import Samples
from vocalsep.stem_names import STEMS

LOWEST_RATE, HIGHEST_RATE = 8000, 96_000
"""Sample rates that every browser plays, in Hz."""

FULL_SCALE = 16384
"""The integer that stands for 1.0. Stems may exceed 1.0 before they are rescaled, so 6 dB are left above it."""

PEAKS_A_SECOND = 50

_BYTES = 2


class Preview:
    """Both stems as 16-bit samples in a file that grows, and their peaks for a picture of the waveform.

    One thread adds blocks; any number of threads read at the same time.

    Args:
        path: path of the file, which is made new.
        sample_rate: sample rate of the blocks, in Hz.
        channels: number of channels of the blocks. More than two are brought down to stereo.
        layout: the loudspeaker of each channel.

    Attributes:
        sample_rate: sample rate of the preview, in Hz: that of the blocks where browsers play it.
        channels: number of channels of each stem, 1 or 2.
        n_samples: number of samples that can be read so far.
    """

    def __init__(self, path: Path, sample_rate: int, channels: int, layout: Sequence[str] = ()) -> None:
        self.sample_rate = preview_rate(sample_rate)
        self.channels = min(channels, 2)
        self.n_samples = 0
        self._layout = layout
        self._resampler = StreamResampler(sample_rate, self.sample_rate, len(STEMS) * self.channels)
        self._bin = max(1, self.sample_rate // PEAKS_A_SECOND)
        self._rest = np.zeros((len(STEMS), 0), np.float32)
        self._peaks = bytearray()
        self._lock = threading.Lock()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
        self._closed = False

    @property
    def seconds(self) -> float:
        """How much can be heard so far."""
        return self.n_samples / self.sample_rate

    @property
    def n_peaks(self) -> int:
        """The bins of the waveform picture so far."""
        return len(self._peaks) // len(STEMS)

    @property
    def bin_seconds(self) -> float:
        """The length of a bin."""
        return self._bin / self.sample_rate

    def add(self, stems: Mapping[str, Samples]) -> None:
        """Append a block ``(channel, sample)`` of each stem."""
        blocks = [stems[stem] for stem in STEMS]
        if len(blocks[0]) > 2:
            blocks = [to_stereo(block, self._layout) for block in blocks]
        self._append(self._resampler.push(np.concatenate(blocks)))

    def finish(self) -> None:
        """Append what the resampler and the last bin hold back."""
        if self._resampler.in_rate != self._resampler.out_rate:
            self._append(self._resampler.finish())
        if self._rest.shape[1]:
            self._add_peaks(np.pad(self._rest, ((0, 0), (0, self._bin - self._rest.shape[1]))))

    def samples(self, start: int, count: int) -> bytes:
        """Samples from ``start`` on, at most ``count``.

        Returns:
            16-bit little-endian integers, `FULL_SCALE` for 1.0. Each sample has the channels of the vocals, then
            those of the accompaniment.
        """
        frame = len(STEMS) * self.channels * _BYTES
        with self._lock:
            if self._closed:
                return b""
            count = max(0, min(count, self.n_samples - start))
            os.lseek(self._file, start * frame, os.SEEK_SET)
            return _read(self._file, count * frame)

    def peaks(self, start: int) -> bytes:
        """The peaks of the bins from ``start`` on: each a byte for the vocals and one for the rest; 255 is 1.0."""
        return bytes(self._peaks[start * len(STEMS) :])

    def close(self) -> None:
        """Close the file. Nothing is added after it, and nothing more can be heard."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._file)

    def _append(self, block: Samples) -> None:
        if not block.shape[1]:
            return
        data = np.round(np.clip(block * FULL_SCALE, -32768, 32767)).astype("<i2").T.tobytes()
        with self._lock:
            os.lseek(self._file, 0, os.SEEK_END)
            _write(self._file, data)
        levels = np.abs(block).reshape(len(STEMS), self.channels, -1).max(axis=1)
        levels = np.concatenate([self._rest, levels], axis=1)
        n_whole = levels.shape[1] - levels.shape[1] % self._bin
        self._rest = levels[:, n_whole:]
        self._add_peaks(levels[:, :n_whole])
        self.n_samples += block.shape[1]

    def _add_peaks(self, levels: Samples) -> None:
        highest = levels.reshape(len(STEMS), -1, self._bin).max(axis=2)
        self._peaks += np.minimum(np.ceil(highest * 255), 255).astype(np.uint8).T.tobytes()


def preview_rate(sample_rate: int) -> int:
    """The rate at which a song is heard: its own, or 48 kHz where browsers may refuse it."""
    return sample_rate if LOWEST_RATE <= sample_rate <= HIGHEST_RATE else 48_000


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _read(file: int, n_bytes: int) -> bytes:
    parts: list[bytes] = []
    while n_bytes and (part := os.read(file, n_bytes)):
        parts.append(part)
        n_bytes -= len(part)
    return b"".join(parts)
