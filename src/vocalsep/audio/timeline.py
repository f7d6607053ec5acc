"""Where the frames of a stream belong, and how much is missing between two of them."""

from __future__ import annotations

import re
from fractions import Fraction

import av

# Containers whose time stamps count samples, or packets that are of one length: a jump ahead is what was lost.
_COUNTING = {"flac", "ogg", "asf"}
_LEAST_JUMP_SECONDS = Fraction(1, 50)
# Containers whose time stamps may be those of a recorder's clock: up to 60 ms late in whole files.
_CLOCKED = {"matroska", "flv"}
_LEAST_CLOCKED_JUMP_SECONDS = Fraction(3, 50)
_CLOCK_RESET_SECONDS = 1
# In a stream of bare frames, a packet holds all that was skipped up to the next frame. No frame is larger.
_LARGEST_FRAME_BYTES = 2000
# Where files were joined, the tags and the header of the later one are packets too.
_NO_AUDIO = re.compile(rb"^(?:TAG|ID3|APETAGEX|LYRICSBEGIN)|Xing|Info|VBRI")
_LONGEST_SIDE_INFORMATION = 64


class Timeline:
    """Counts what is missing before each frame, by time stamps or, in a stream of bare frames, by bytes.

    Args:
        container: name of the container, as FFmpeg has it.
        is_bare: whether the stream consists of frames without time stamps.
        start: time stamp in seconds at which the stream begins; None where the container does not say it.
    """

    def __init__(self, container: str, *, is_bare: bool, start: Fraction | None) -> None:
        self._is_bare = is_bare
        self._is_flac = container == "flac"
        names = set(container.split(","))
        self._is_clocked = not _CLOCKED.isdisjoint(names)
        self._jumps_count = self._is_clocked or not _COUNTING.isdisjoint(names)
        self._end = start
        self._sizes: set[int] = set()
        self._n_bytes = self._n_packets = 0
        self._failed: list[tuple[int, Fraction]] = []

    def failed(self, packet: av.Packet[av.AudioStream]) -> None:
        """Take note of a packet that cannot be decoded."""
        if self._is_bare and _NO_AUDIO.search(bytes(packet)[:_LONGEST_SIDE_INFORMATION]):
            return
        duration = (packet.duration or 0) * (packet.time_base or Fraction(0))
        self._failed.append((packet.size, duration))

    def decoded(self, packet: av.Packet[av.AudioStream]) -> None:
        """Take note of a packet that gave frames."""
        if self._is_bare and packet.size:
            self._sizes.add(packet.size)
            self._n_bytes += packet.size
            self._n_packets += 1

    @property
    def failed_seconds(self) -> Fraction:
        """The length of the packets that failed since the last frame, where they say it."""
        return sum((duration for _, duration in self._failed), Fraction(0))

    def gap_before(self, frame: av.AudioFrame) -> int:
        """How many samples are missing between the frame before and this one."""
        failed, self._failed = self._failed, []
        if self._is_bare:
            # What fails at the start is a tag, or what is left of a frame where a broadcast was cut.
            return self._skipped_frames(failed) * frame.samples if failed and self._n_packets > 1 else 0
        seconds = Fraction(frame.samples, frame.sample_rate)
        at = None if frame.pts is None or not frame.time_base else frame.pts * frame.time_base
        end = self._end
        if at is not None:
            # what one stamp is late by, the next ones are early by
            start = at
            if self._is_clocked and end is not None and end - _CLOCK_RESET_SECONDS < at < end:
                start = end
            self._end = start + seconds
        else:  # as FFmpeg has it of a flac in the neighbourhood of damage; an asf may begin so
            self._end = end + seconds if end is not None and self._is_flac else None
        if at is None or end is None:
            lost = sum((duration for _, duration in failed), Fraction(0))
            if self._end is not None:
                self._end += lost
            return round(lost * frame.sample_rate)
        jump = at - end
        n_samples = jump * frame.sample_rate
        resolution = (frame.time_base or 0) * frame.sample_rate
        least = _LEAST_CLOCKED_JUMP_SECONDS if self._is_clocked else max(_LEAST_JUMP_SECONDS, seconds / 2)
        if jump <= (0 if failed else least) or not (failed or self._jumps_count):
            return 0
        n_frames = round(n_samples / frame.samples)
        # Stamps in milliseconds do not tell the sample: codecs of one frame length do.
        if resolution > 1 and abs(n_frames * frame.samples - n_samples) <= 2 * resolution:
            return n_frames * frame.samples
        return round(n_samples)

    def _skipped_frames(self, failed: list[tuple[int, Fraction]]) -> int:
        """How many frames the packets stand for that failed."""
        mean = self._n_bytes / self._n_packets
        is_constant = max(self._sizes) - min(self._sizes) <= 1
        if is_constant:
            return max(1, round(sum(size for size, _ in failed) / mean))
        return sum(max(1, round(size / mean)) if size > _LARGEST_FRAME_BYTES else 1 for size, _ in failed)
