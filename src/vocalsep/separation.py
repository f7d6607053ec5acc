"""The engine: segmented overlap-add over a stream of blocks, for any `SeparationModel`.

A song is cut into overlapping segments of one length, batches of which go through the model; where segments
overlap, the output is their weighted mean. Memory is that of a few segments, however long the song.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from numbers import Integral, Real

import torch
from torch import Tensor

from vocalsep.device import choose_device, choose_precision
from vocalsep.errors import OptionError, OutOfMemoryError, is_out_of_memory
from vocalsep.lanes import Lanes
from vocalsep.models.base import LEAST_SEGMENT_SECONDS, SeparationModel
from vocalsep.models.wiener import WienerFiltered

log = logging.getLogger("vocalsep")

_SHORTENED_SECONDS = 1.0
_GPU_BATCH_SIZE = 8
_MOST_THREADS = 512  # OpenMP crashes on many more


@dataclass(frozen=True, slots=True, kw_only=True)
class SeparationOptions:
    """How a model is run over a song.

    Attributes:
        segment_seconds: length of the segments; None takes the model's own.
        overlap: part of a segment that the next one covers too, 0 to 0.9; None takes the model's own.
        batch_size: segments that go through the model at once; it does not change the result. None takes 8 on a
            GPU, and on the CPU, whose caches a segment fills, as many as run side by side.
        shifts: further passes, each with the segments shifted by an equal part of the stride, all averaged.
        wiener: iterations of a Wiener filter over the estimates of each segment; 0 is none.
        precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        threads: of the CPU; None leaves PyTorch's choice.
    """

    segment_seconds: float | None = None
    overlap: float | None = None
    batch_size: int | None = None
    shifts: int = 0
    wiener: int = 0
    precision: str = "auto"
    device: str = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.segment_seconds is not None and not _is_within(
            self.segment_seconds, LEAST_SEGMENT_SECONDS, 600, Real
        ):
            raise OptionError(
                f"a segment of {self.segment_seconds} s is not within {LEAST_SEGMENT_SECONDS} to 600 s"
            )
        if self.overlap is not None and not _is_within(self.overlap, 0, 0.9, Real):
            raise OptionError(f"an overlap of {self.overlap} is not within 0 to 0.9")
        if self.batch_size is not None and not _is_within(self.batch_size, 1, 2**31, Integral):
            raise OptionError(f"a batch of {self.batch_size} segments is not a whole number from 1 on")
        if not _is_within(self.shifts, 0, 64, Integral):
            raise OptionError(f"{self.shifts} shifts are not within 0 to 64")
        if not _is_within(self.wiener, 0, 64, Integral):
            raise OptionError(f"{self.wiener} iterations of the Wiener filter are not within 0 to 64")
        if self.threads is not None and not _is_within(self.threads, 1, _MOST_THREADS, Integral):
            raise OptionError(f"{self.threads} threads are not within 1 to {_MOST_THREADS}")


def _is_within(value: object, lowest: float, highest: float, kind: type) -> bool:
    """Whether a value from a caller, who may give anything, is a number of this kind and range."""
    return isinstance(value, kind) and bool(lowest <= value <= highest)  # type: ignore[operator]


class SegmentedSeparation:
    """A model made ready to run over songs of any length, several at once if need be.

    Songs that are under way in several threads take turns at the model: it has all cores, or the GPU, for itself.

    Args:
        model: moved to the device, into the layout that it runs fastest in.
        options: see `SeparationOptions`.
        turn: held while the model runs; models that share one take turns with each other too.

    Raises:
        OptionError: an unknown device or precision, or a model that no Wiener filter fits.
        DeviceError: a device that is not there.
    """

    def __init__(
        self,
        model: SeparationModel,
        options: SeparationOptions | None = None,
        turn: threading.RLock | None = None,
    ) -> None:
        options = options or SeparationOptions()
        if options.wiener:
            model = WienerFiltered(model, options.wiener)
        self._turn = turn or threading.RLock()  # also held while what the model runs with is changed
        self.device = choose_device(options.device)
        self.model = model.eval().to(self.device)
        self._precision = options.precision
        self.dtype = self._choose_dtype(options.precision)
        contiguous = self.device.type == "cpu" and self.dtype in model.contiguous_in
        layout = torch.contiguous_format if contiguous else torch.channels_last
        self.model.to(memory_format=layout)  # type: ignore[call-overload]
        if options.threads is not None:
            torch.set_num_threads(options.threads)
        seconds = options.segment_seconds or model.segment_seconds
        overlap = model.overlap if options.overlap is None else options.overlap
        self.segment = max(1, round(seconds * model.config.sample_rate))
        # every shift adds a pass whose segments lie between the others: together they are one denser grid
        self._stride_share = (1 - overlap) / (1 + options.shifts)
        self._process = os.getpid()
        self._lanes = Lanes(torch.get_num_threads() if self.device.type == "cpu" and model.side_by_side else 1)
        self.batch_size = options.batch_size or (self._lanes.n if self.device.type == "cpu" else _GPU_BATCH_SIZE)

    def _choose_dtype(self, precision: str) -> torch.dtype:
        """The type for the network, float32 where it takes no other."""
        if self.model.takes_autocast:
            return choose_precision(precision, self.device)
        if precision in ("bf16", "fp16"):
            raise OptionError(f"an ONNX network computes in types of its own, not in {precision}", "Use fp32.")
        return choose_precision("fp32" if precision == "auto" else precision, self.device)

    def __call__(self, blocks: Iterable[Tensor]) -> Iterator[Tensor]:
        """Separate a song that comes in blocks.

        Args:
            blocks: float32 ``(channel, sample)`` at the model's rate, of any and changing numbers of samples.

        Yields:
            float32 ``(stem, channel, sample)`` on the CPU; all together as many samples as came in.

        Raises:
            OutOfMemoryError: even one second does not fit into the memory of the CPU.
            OptionError: the process was forked off the one that has this separation's threads.

        Example:
            >>> from vocalsep.models import build_model
            >>> separation = SegmentedSeparation(build_model({"architecture": "tdf_mask"}))
            >>> [out.shape for out in separation([torch.zeros(2, 50_000), torch.zeros(2, 50_001)])]
            [torch.Size([1, 2, 100001])]
        """
        if os.getpid() != self._process and max(self._lanes.n, torch.get_num_threads()) > 1:
            # it would wait for ever for threads that a fork leaves behind: the lanes' and OpenMP's
            raise OptionError(
                "this process was forked off the one that loaded the model, and has not got its threads",
                "Load the model after the fork, start processes by spawn, or load it with threads=1.",
            )
        mean = OverlapMean()
        with self._turn:
            segment, batch_size = self.segment, self.batch_size
        stride = max(1, round(segment * self._stride_share))
        for batch in _batches(cut(blocks, segment, stride), batch_size):
            estimates = self._estimate(torch.stack([samples for _, samples in batch]))
            for (start, _), estimate in zip(batch, estimates, strict=True):
                # starts only grow: what lies before this one is finished
                if (finished := mean.take_before(start)) is not None:
                    yield finished.cpu()
                mean.add(start, estimate)
        if (rest := mean.take_before(mean.end)) is not None:
            yield rest.cpu()

    def _estimate(self, waveforms: Tensor) -> Iterable[Tensor]:
        """``(batch, channel, sample)`` to as many ``(stem, channel, sample)``, in parts where memory is short."""
        with self._turn:
            return list(self._estimate_in_turn(waveforms))

    def _estimate_in_turn(self, waveforms: Tensor) -> Iterable[Tensor]:
        if len(waveforms) > self.batch_size:
            return itertools.chain.from_iterable(map(self._estimate, torch.split(waveforms, self.batch_size)))
        if waveforms.shape[-1] > self.segment:  # cut before memory ran out: each becomes a small song
            return [torch.cat(list(self([waveform])), dim=-1) for waveform in waveforms]
        try:
            parts = waveforms.tensor_split(min(len(waveforms), self._lanes.n))
            return list(itertools.chain.from_iterable(self._lanes.map(self._forward, parts)))
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        # after the except clause, whose traceback holds the tensors that have to go
        self._shrink(waveforms)
        return self._estimate(waveforms)

    @torch.inference_mode()
    def _forward(self, waveforms: Tensor) -> Tensor:
        reduced = self.dtype != torch.float32
        with torch.autocast(self.device.type, dtype=self.dtype, enabled=reduced):
            estimates: Tensor = self.model(waveforms.to(self.device))
        return estimates.float()

    def _shrink(self, waveforms: Tensor) -> None:
        """Need less memory than for ``waveforms``: half the batch, else half the segment, else the CPU."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        rate = self.model.config.sample_rate
        if len(waveforms) > 1:
            self.batch_size = len(waveforms) // 2
            log.warning("out of memory on %s: going on with batches of %d", self.device, self.batch_size)
        elif waveforms.shape[-1] // 2 >= _SHORTENED_SECONDS * rate:
            self.segment = waveforms.shape[-1] // 2
            log.warning("out of memory on %s: going on with segments of %.1f s", self.device, self.segment / rate)
        elif self.device.type != "cpu":
            log.warning("out of memory on %s, even for one second: going on on the CPU", self.device)
            self.device = torch.device("cpu")
            self.dtype = self._choose_dtype("auto" if self._precision == "fp16" else self._precision)
            self.model.to(self.device)
        else:
            raise OutOfMemoryError("out of memory, even for one second of audio", "Close other programs.")


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

    def take_before(self, position: int) -> Tensor | None:
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


def _batches(segments: Iterable[tuple[int, Tensor]], size: int) -> Iterator[list[tuple[int, Tensor]]]:
    iterator = iter(segments)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
