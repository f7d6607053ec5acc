"""One model, or several whose estimates are averaged, loaded by name and ready to run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, closing

import numpy as np
import torch

from vocalsep.audio.samples import Samples
from vocalsep.errors import OptionError
from vocalsep.separation.engine import SegmentedSeparation
from vocalsep.separation.front import front_groups, in_step, stream_front
from vocalsep.separation.level import LevelMeter, SongLevel
from vocalsep.separation.options import SeparationOptions
from vocalsep.separation.stems import stream_stems
from vocalsep.stem_names import STEMS
from vocalsep.system.threads import broadcast
from vocalsep.weights.checkpoint import load_model_file
from vocalsep.weights.ensemble_spec import EnsembleSpec
from vocalsep.weights.resolve import resolve

_log = logging.getLogger("vocalsep")

_PRECISIONS = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}


class Ensemble:
    """Models that hear the same song; a stem is the weighted mean of their estimates.

    Args:
        spec: the models and their shares of the mean.
        options: options of each model; segment and overlap that are None are those recommended for the weights.
        offline: never ask the network for weights.
        download_progress: called with the bytes downloaded and those of the whole file.

    Attributes:
        id: id of the model, or the ids of all models.
        weights_sha256: of the weights file, or those of all with ``+`` between.
        separations: the engines, each with its model.

    Raises:
        ModelError: no such model, or its weights are corrupt.
        DeviceError: no such device here.
        OptionError: a weight is not above zero, a model has other stems, or cannot be run with the options.
    """

    def __init__(
        self,
        spec: EnsembleSpec,
        options: SeparationOptions,
        *,
        offline: bool = False,
        download_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.id = spec.id
        self._shares = list(spec.shares.values())
        files = [resolve(name, offline=offline, progress=download_progress) for name in spec.shares]
        self.weights_sha256 = "+".join(file.sha256 for file in files)
        self.separations: list[SegmentedSeparation] = []
        # of several songs at once, two would otherwise compute in two models on all cores
        lock = threading.RLock()
        for file in files:
            network = load_model_file(file.path, file.config)
            if not set(network.config.stems) & set(STEMS):
                raise OptionError(
                    f"{file.id} gives {', '.join(network.config.stems)}, neither {' nor '.join(STEMS)}",
                    "Choose another model, see `vocalsep models list`.",
                )
            network.keep_stems(STEMS)
            if file.entry:
                network.hints = network.hints.advised(file.entry.segment_seconds, file.entry.overlap)
            separation = SegmentedSeparation(network, options, lock)
            self.separations.append(separation)
            _log.info("%s: weights %s, sha256 %s", file.id, file.path, file.sha256)
            _log.info("%s: %s", file.id, _run_of(separation))

    @property
    def device(self) -> str:
        """The device that the models are on, or devices."""
        return "+".join(dict.fromkeys(str(separation.device) for separation in self.separations))

    @property
    def precision(self) -> str:
        """The precision that the networks compute in, or precisions."""
        return "+".join(dict.fromkeys(_PRECISIONS[separation.dtype] for separation in self.separations))

    @property
    def normalises_song(self) -> bool:
        """Whether any model does."""
        return any(separation.model.hints.normalises_song for separation in self.separations)

    def levels(
        self, blocks: Iterable[Samples], *, channels: int, layout: Sequence[str] = ()
    ) -> list[SongLevel] | None:
        """The level of each group of channels of a song, for `stream`; None where no model needs it.

        ``blocks`` are then left alone. See `front_groups` for the groups.
        """
        if not self.normalises_song:
            return None
        groups = [list(group) for group in front_groups(channels, layout)]
        meters = [LevelMeter() for _ in groups]
        for block in blocks:
            for meter, group in zip(meters, groups, strict=True):
                meter.hear(torch.from_numpy(block[group]))
        return [meter.level for meter in meters]

    def stream(
        self,
        blocks: Iterable[Samples],
        *,
        sample_rate: int,
        channels: int,
        layout: Sequence[str] = (),
        levels: Sequence[SongLevel] | None = None,
    ) -> Generator[dict[str, Samples], None, None]:
        """Separate audio that comes in blocks.

        Args:
            blocks: float32 ``(channel, sample)``, of any and changing numbers of samples.
            sample_rate: sample rate of the blocks, in Hz.
            channels: number of channels of the blocks. Of more than two, only front pair and centre are separated.
            layout: the loudspeaker of each channel.
            levels: what `levels` found; None takes the level of what has come so far.

        Yields:
            the stems ``(channel, sample)``; all together as many samples as came in.
        """
        groups = front_groups(channels, layout)

        def stream_group(i: int, blocks: Iterable[Samples]) -> Generator[dict[str, Samples], None, None]:
            return self._stream_group(blocks, sample_rate, len(groups[i]), levels[i] if levels else None)

        if channels <= 2:
            yield from stream_group(0, blocks)
        else:
            yield from stream_front(stream_group, blocks, groups)

    def _stream_group(
        self, blocks: Iterable[Samples], sample_rate: int, channels: int, level: SongLevel | None
    ) -> Generator[dict[str, Samples], None, None]:
        """See `stream_stems`; what waits for the slowest model is held, a segment or two."""
        branches = broadcast(blocks, len(self.separations))
        with ExitStack() as stack:
            streams = [
                stack.enter_context(
                    closing(
                        stream_stems(separation, branch, sample_rate=sample_rate, channels=channels, level=level)
                    )
                )
                for separation, branch in zip(self.separations, branches, strict=True)
            ]
            yield from _mean(streams, self._shares) if len(streams) > 1 else streams[0]


def _run_of(separation: SegmentedSeparation) -> str:
    """How a model is run, for the log."""
    threads = f", threads {torch.get_num_threads()}" if separation.device.type == "cpu" else ""
    seconds = separation.segment / separation.model.config.sample_rate
    return (
        f"{separation.device}{threads}, {_PRECISIONS[separation.dtype]}, segments of {seconds:.3g} s"
        f" that overlap by {separation.overlap:.0%}, {separation.batch_size} at once"
    )


def _mean(
    streams: Sequence[Generator[dict[str, Samples], None, None]], shares: Sequence[float]
) -> Generator[dict[str, Samples], None, None]:
    """The weighted mean of streams of stems that have as many samples in all, each in blocks of its own."""
    for blocks in in_step(streams):
        yield {
            stem: sum(
                (np.float32(share) * block[stem] for share, block in zip(shares, blocks, strict=True)),
                start=np.float32(0),
            )
            for stem in STEMS
        }
