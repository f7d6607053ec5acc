"""WAV files, written by hand: bit-exact, of any length, and with the operating system's own errors."""

from __future__ import annotations

import struct

import numpy as np

from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.loudspeakers import channel_mask
from vocalsep.audio.quantise import quantise
from vocalsep.audio.samples import Samples
from vocalsep.audio.target import TargetFile

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_SUBFORMAT = bytes.fromhex("000000001000800000aa00389b71")  # the fixed part of a format's GUID
_UNKNOWN = 0xFFFFFFFF


class WavEncoder:
    """A WAV file, which becomes RF64 (EBU Tech 3306) when it grows past 4 GiB.

    The room for RF64's long sizes is a JUNK chunk, which readers of plain WAV skip. More than two channels are
    written as WAVE_FORMAT_EXTENSIBLE, with their loudspeakers where ``layout`` has them.
    """

    def __init__(
        self,
        target: TargetFile,
        sample_rate: int,
        channels: int,
        output: OutputFormat,
        layout: tuple[str, ...] = (),
    ) -> None:
        self._mask = channel_mask(layout)
        self._target = target
        self._sample_rate = sample_rate
        self._channels = channels
        self._depth = output.sample_depth
        self._sample_bytes = 4 if self._depth == "float" else int(self._depth or 0) // 8
        self._data_bytes = 0
        target.write(self._header())

    def write(self, block: Samples) -> None:
        """Write a block ``(channel, sample)``."""
        data = self._encode(np.ascontiguousarray(block.T))
        self._data_bytes += len(data)
        self._target.write(data)

    def close(self) -> None:
        """Pad the data to an even size and put the sizes into the header."""
        self._target.write(b"\0" * (self._data_bytes % 2))
        self._target.seek(0)
        self._target.write(self._header())

    def _encode(self, frames: Samples) -> bytes:
        if self._depth == "float":
            return frames.astype("<f4", copy=False).tobytes()
        if self._depth == "16":
            return quantise(frames, "16").astype("<i2", copy=False).tobytes()
        upper = quantise(frames, "24").astype("<i4", copy=False).reshape(-1, 1).view(np.uint8)[:, 1:]
        return upper.tobytes()

    def _header(self) -> bytes:
        """The chunks ahead of the samples; their size does not depend on how many samples there are."""
        frame_bytes = self._sample_bytes * self._channels
        n_samples = self._data_bytes // frame_bytes
        chunks = _chunk(b"fmt ", self._format(frame_bytes))
        if self._depth == "float":
            chunks += _chunk(b"fact", struct.pack("<I", min(n_samples, _UNKNOWN)))
        riff_bytes = 4 + 36 + len(chunks) + 8 + self._data_bytes + self._data_bytes % 2
        if riff_bytes < _UNKNOWN:
            room = _chunk(b"JUNK", bytes(28))
            form, riff_size, data_size = b"RIFF", riff_bytes, self._data_bytes
        else:
            room = _chunk(b"ds64", struct.pack("<QQQI", riff_bytes, self._data_bytes, n_samples, 0))
            form, riff_size, data_size = b"RF64", _UNKNOWN, _UNKNOWN
        riff = form + struct.pack("<I", riff_size) + b"WAVE"
        return riff + room + chunks + b"data" + struct.pack("<I", data_size)

    def _format(self, frame_bytes: int) -> bytes:
        code = _FLOAT if self._depth == "float" else _PCM
        bits = 8 * self._sample_bytes
        extensible = self._channels > 2
        fields = struct.pack(
            "<HHIIHH",
            _EXTENSIBLE if extensible else code,
            self._channels,
            self._sample_rate,
            min(self._sample_rate * frame_bytes, _UNKNOWN),
            frame_bytes,
            bits,
        )
        if extensible:
            return fields + struct.pack("<HHIH", 22, bits, self._mask, code) + _SUBFORMAT
        return fields + (struct.pack("<H", 0) if code == _FLOAT else b"")


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body
