"""The engine: segmented overlap-add over a stream of blocks, for any `SeparationModel`.

A song is cut into overlapping segments of one length, which go through the model in batches. Where segments
overlap, the output is their weighted mean. Memory is that of a few segments, however long the song.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from vocalsep.errors import OptionError, OutOfMemoryError, is_out_of_memory
from vocalsep.models.base import SeparationModel
from vocalsep.separation.device import choose_device, choose_precision
from vocalsep.separation.lanes import Lanes
from vocalsep.separation.layout import use_fast_layout
from vocalsep.separation.level import LevelMeter, SongLevel
from vocalsep.separation.options import SeparationOptions
from vocalsep.separation.overlap_add import OverlapMean, cut
from vocalsep.separation.repair import Repair
from vocalsep.separation.wiener import WienerFiltered
from vocalsep.stem_names import ACCOMPANIMENT
from vocalsep.system.freed_memory import keep_freed_memory

log = logging.getLogger("vocalsep")

_SHORTENED_SECONDS = 1.0
_GPU_BATCH_SIZE = 8


class SegmentedSeparation:
    """A model made ready to run over songs of any length, several at once if need be.

    Songs that are under way in several threads take turns at the model: it has all cores, or the GPU, for itself.

    Args:
        model: moved to the device, into the layout in which it runs fastest.
        options: see `SeparationOptions`.
        lock: held while the model runs; models that share one take turns with each other too.

    Raises:
        OptionError: an unknown device or precision, or a model that no Wiener filter fits.
        DeviceError: a device that is not there.
    """

    def __init__(
        self,
        model: SeparationModel,
        options: SeparationOptions | None = None,
        lock: threading.RLock | None = None,
    ) -> None:
        options = options or SeparationOptions()
        if options.wiener:
            model = WienerFiltered(model, options.wiener)
        self._lock = lock or threading.RLock()  # also held while what the model runs with is changed
        self.device = choose_device(options.device)
        if self.device.type == "cpu" and not model.hints.side_by_side:
            keep_freed_memory()  # where each lane keeps some, the gain is not worth the memory
        self.model = model.eval().to(self.device)
        self._precision = options.precision
        self.dtype = self._choose_dtype(options.precision)
        use_fast_layout(self.model, self.device, self.dtype)
        if options.threads is not None:
            torch.set_num_threads(options.threads)
        seconds = options.segment_seconds or model.hints.segment_seconds
        self.segment = max(1, round(seconds * model.config.sample_rate))
        self.overlap = options.effective_overlap(model.hints.overlap)
        self._process = os.getpid()
        self._lanes = Lanes(
            torch.get_num_threads() if self.device.type == "cpu" and model.hints.side_by_side else 1
        )
        self.batch_size = options.batch_size or (self._lanes.n if self.device.type == "cpu" else _GPU_BATCH_SIZE)

    def _choose_dtype(self, precision: str) -> torch.dtype:
        """The type for the network, float32 where it takes no other."""
        if self.model.hints.takes_autocast:
            return choose_precision(precision, self.device)
        if precision in ("bf16", "fp16"):
            raise OptionError(f"an ONNX network computes in types of its own, not in {precision}", "Use fp32.")
        return choose_precision("fp32" if precision == "auto" else precision, self.device)

    def __call__(self, blocks: Iterable[Tensor], level: SongLevel | None = None) -> Iterator[Tensor]:
        """Separate a song that comes in blocks.

        Args:
            blocks: float32 ``(channel, sample)`` at the model's rate, of any and changing numbers of samples.
            level: level of the whole song, for a model that normalises it. None takes, for each segment, the level
                of all that came before the segment's end.

        Yields:
            float32 ``(stem, channel, sample)`` on the CPU; all together as many samples as came in.

        Raises:
            OutOfMemoryError: even one second does not fit into the memory of the CPU.
            OptionError: the process was forked off the one that has this separation's threads.

        Example:
            >>> from vocalsep.models.architectures import build_model
            >>> separation = SegmentedSeparation(build_model({"architecture": "tdf_mask"}))
            >>> [out.shape for out in separation([torch.zeros(2, 50_000), torch.zeros(2, 50_001)])]
            [torch.Size([1, 2, 100001])]
        """
        if os.getpid() != self._process and max(self._lanes.n, torch.get_num_threads()) > 1:
            # it would wait forever for threads that a fork leaves behind: the lanes' and OpenMP's
            raise OptionError(
                "this process was forked off the one that loaded the model, and does not have its threads",
                "Load the model after the fork, start processes by spawn, or load it with threads=1.",
            )
        mean, meter = OverlapMean(), LevelMeter()
        with self._lock:
            segment, batch_size = self.segment, self.batch_size
        stride = max(1, round(segment * (1 - self.overlap)))
        stems = self.model.config.stems
        accompaniment = stems.index(ACCOMPANIMENT) if ACCOMPANIMENT in stems else None
        for batch in _batches(cut(blocks, segment, stride), batch_size):
            repairs = [Repair.of(samples) for _, samples in batch]
            heard = [repair.apply(samples) for repair, (_, samples) in zip(repairs, batch, strict=True)]
            levels = [
                self._level_at(level, meter, start, samples, repair.offset)
                for repair, (start, samples) in zip(repairs, batch, strict=True)
            ]
            waveforms = [of.normalise(samples) for of, samples in zip(levels, heard, strict=True)]
            estimates = self._estimate(torch.stack(waveforms))
            for (start, _), repair, of, normalised in zip(batch, repairs, levels, estimates, strict=True):
                estimate = repair.undo(of.undo(normalised), accompaniment)
                # starts only grow: what lies before this one is finished
                if (finished := mean.pop_until(start)) is not None:
                    yield finished.cpu()
                mean.add(start, estimate)
        if (rest := mean.pop_until(mean.end)) is not None:
            yield rest.cpu()

    def _level_at(
        self, level: SongLevel | None, meter: LevelMeter, start: int, samples: Tensor, offset: Tensor | None
    ) -> SongLevel:
        """The level to take off a segment without its offset: the song's, or that of what came up to its end."""
        if not self.model.hints.normalises_song:
            return SongLevel()
        if level is None:
            meter.hear(samples[:, meter.n_samples - start :])
            level = meter.level
        return level.without(offset)

    def _estimate(self, waveforms: Tensor) -> list[Tensor]:
        """``(batch, channel, sample)`` to as many ``(stem, channel, sample)``; where memory is short, in parts."""
        with self._lock:
            while True:
                try:
                    return self._run_in_parts(waveforms)
                except RuntimeError as error:
                    if not is_out_of_memory(error):
                        raise
                # after the except clause, whose traceback holds the tensors that have to go
                self._need_less(waveforms)

    def _run_in_parts(self, waveforms: Tensor) -> list[Tensor]:
        """Run the model on batches and segments that are no larger than memory was found to hold."""
        if waveforms.shape[-1] > self.segment:  # each becomes a small song
            return [torch.cat(list(self([waveform], SongLevel())), dim=-1) for waveform in waveforms]
        estimates: list[Tensor] = []
        for batch in waveforms.split(self.batch_size):
            for part in self._lanes.map(self._forward, batch.tensor_split(min(len(batch), self._lanes.n))):
                estimates += part
        return estimates

    @torch.inference_mode()
    def _forward(self, waveforms: Tensor) -> Tensor:
        reduced = self.dtype != torch.float32
        with torch.autocast(self.device.type, dtype=self.dtype, enabled=reduced):
            estimates: Tensor = self.model(waveforms.to(self.device))
        return estimates.float()

    def _need_less(self, waveforms: Tensor) -> None:
        """Go on with half the batch of the last try, else with half its segment, else on the CPU."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        rate, batch_size = self.model.config.sample_rate, min(self.batch_size, len(waveforms))
        segment = min(self.segment, waveforms.shape[-1])
        if batch_size > 1:
            self.batch_size = batch_size // 2
            log.warning("out of memory on %s: going on with batches of %d", self.device, self.batch_size)
        elif segment // 2 >= _SHORTENED_SECONDS * rate:
            self.segment = segment // 2
            log.warning("out of memory on %s: going on with segments of %.1f s", self.device, self.segment / rate)
        elif self.device.type != "cpu":
            log.warning("out of memory on %s, even for one second: going on on the CPU", self.device)
            self.device = torch.device("cpu")
            self.dtype = self._choose_dtype("auto" if self._precision == "fp16" else self._precision)
            self.model.to(self.device)
        else:
            raise OutOfMemoryError("out of memory, even for one second of audio", "Close other programs.")


def _batches(segments: Iterable[tuple[int, Tensor]], size: int) -> Iterator[list[tuple[int, Tensor]]]:
    iterator = iter(segments)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
