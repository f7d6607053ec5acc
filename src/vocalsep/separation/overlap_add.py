"""Overlap-add over a stream: a song is cut into overlapping segments, and their estimates become one again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor


def cut(blocks: Iterable[Tensor], segment: int, stride: int) -> Iterator[tuple[int, Tensor]]:
    """Cut a stream of blocks into overlapping segments.

    All segments have the same length: the last one ends where the stream ends, and so starts less than a stride
    after the one before it. A stream that is shorter than a segment is one short segment.

    Yields:
        the first sample's position in the stream and the samples ``(channel, sample)``.

    Example:
        >>> blocks = torch.arange(8).view(1, 8).split(3, dim=1)
        >>> [(start, samples[0].tolist()) for start, samples in cut(blocks, segment=4, stride=3)]
        [(0, [0, 1, 2, 3]), (3, [3, 4, 5, 6]), (4, [4, 5, 6, 7])]
    """
    held: Tensor | None = None  # what came since the start of the segment before
    start = ahead = 0
    for block in blocks:
        held = block if held is None else torch.cat([held, block], dim=-1)
        while held.shape[-1] > ahead + segment:  # not >=: the last segment is for the end of the stream
            held, start, ahead = held[..., ahead:], start + ahead, stride
            yield start, held[..., :segment]
    if held is not None and held.shape[-1]:
        tail = max(0, held.shape[-1] - segment)
        yield start + tail, held[..., tail:]


class OverlapMean:
    """The weighted mean of overlapping segments, kept as a running mean.

    With w_i the window of segment i at a sample and W_i = w_1 + ... + w_i, the mean of i segments is

        m_i = m_(i-1) + (x_i - m_(i-1)) w_i / W_i.

    Unlike a sum that is divided at the end it needs no special case at the ends of the song, and where all
    segments agree it is what they agree on to the last bit. The window is a squared sine: it fades out the ends
    of a segment, where the model lacks context, and is nowhere zero.
    """

    def __init__(self) -> None:
        self.start = self.end = 0
        self._mean = self._weight = torch.empty(0)

    def add(self, start: int, estimate: Tensor) -> None:
        """Take in a segment ``(stem, channel, sample)``; ``start`` is not before what was taken out."""
        length = estimate.shape[-1]
        offset, missing = start - self.start, start + length - self.end
        if missing > 0:
            new = estimate.new_zeros(*estimate.shape[:-1], missing)
            self._mean = _extended(self._mean, new)
            self._weight = _extended(self._weight, new.new_zeros(missing))
            self.end += missing
        window = _window(length, estimate.device)
        weight = self._weight[offset : offset + length].add_(window)
        self._mean[..., offset : offset + length].lerp_(estimate, window / weight)

    def pop_until(self, position: int) -> Tensor | None:
        """Take out the samples before ``position``: ``(stem, channel, sample)``, or None if there are none."""
        n = position - self.start
        if n <= 0:
            return None
        taken, self._mean = self._mean[..., :n], self._mean[..., n:]
        self._weight = self._weight[n:]
        self.start = position
        return taken


def _extended(held: Tensor, new: Tensor) -> Tensor:
    # on the device of what is new: when a GPU's memory runs out, a song goes on on the CPU
    return torch.cat([held.to(new.device), new], dim=-1) if held.numel() else new


def _window(length: int, device: torch.device) -> Tensor:
    phase = (torch.arange(length, dtype=torch.float32, device=device) + 0.5) * (torch.pi / length)
    return phase.sin().square()
