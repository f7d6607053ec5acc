"""The files of one song's stems, written together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

import numpy as np

from vocalsep.audio.formats import Clip, OutputFormat
from vocalsep.audio.samples import Samples
from vocalsep.audio.spool import Spool
from vocalsep.audio.tags import Tags
from vocalsep.audio.writer import AudioWriter
from vocalsep.system.threads import call_in_thread, prefetch


class StemFiles:
    """The stem files of one song: all of them whole and with one gain, or none.

    A format that clips loses samples beyond ±1.0, and whether there are any is known only at the end. With
    ``rescale`` the stems are encoded as they come and kept as float32 on disk as well (as large as a float wav,
    deleted at the end). The first sample beyond full scale stops the encoders; `commit` then encodes the kept
    samples with one gain for all stems, so that they still sum to the mixture times that gain. A format that
    does not clip, and ``clamp``, keep nothing.

    A context manager: left without `commit`, it leaves nothing behind. Files are made and completed in threads:
    see `vocalsep.system.threads.call_in_thread`.

    Args:
        targets: stem name to file; the folders are made.
        sample_rate: sample rate in hertz.
        channels: number of channels of each stem.
        format: format of all files.
        layout: the loudspeaker of each channel.
        clip: what to do with samples beyond full scale.
        tags: tags of the song; each stem gets them with its name in the title.
        replace: whether `commit` replaces files that are there.

    Raises:
        OptionError: the format cannot hold this number of channels.
        OutputError: a file cannot be made.
    """

    def __init__(
        self,
        targets: Mapping[str, Path],
        *,
        sample_rate: int,
        channels: int,
        format: OutputFormat,
        layout: tuple[str, ...] = (),
        clip: Clip = "rescale",
        tags: Tags | None = None,
        replace: bool = True,
    ) -> None:
        self._targets = targets
        self._sample_rate = sample_rate
        self._channels = channels
        self._format = format
        self._layout = layout
        self._tags = tags.fitting(format.container) if tags else None
        self._replace = replace
        self._rescales = clip == "rescale" and format.clips
        self._peak = 0.0
        self._writers: dict[str, AudioWriter] = {}
        self._spools: dict[str, Spool] = {}
        try:
            call_in_thread(self._open_writers)
            if self._rescales:
                for stem, target in targets.items():
                    self._spools[stem] = Spool(target, channels)
        except BaseException:
            self.discard()
            raise

    @property
    def peak(self) -> float:
        """The largest magnitude of a sample of any stem so far."""
        return self._peak

    def write(self, stems: Mapping[str, Samples]) -> None:
        """Write a block ``(channel, sample)`` of each stem; all have the same length.

        Raises:
            OutputError: the disk is full, or a file cannot be written.
        """
        for stem in self._targets:
            self._peak = max(self._peak, float(np.abs(stems[stem]).max(initial=0.0)))
        if self._rescales and self._peak > 1.0:
            self._discard_writers()
        for stem, spool in self._spools.items():
            spool.write(stems[stem])
        for stem, writer in self._writers.items():
            writer.write(stems[stem])

    def commit(self) -> float:
        """Complete all files, then give them their names.

        Returns:
            The gain of all stems: 1.0, or less where they were rescaled.

        Raises:
            OutputError: the disk is full, or a file cannot be written. Of the files that did not exist before,
                none is left.
        """
        gain = 1.0
        try:
            if self._rescales and self._peak > 1.0:
                gain = _gain(self._format.full_scale, self._peak)
            for _ in prefetch(self._complete(gain), depth=1):
                pass  # Ctrl-C ends it after the step under way
        finally:
            self.discard()
        return gain

    def discard(self) -> None:
        """Remove what was written. Does nothing after `commit`."""
        self._discard_writers()
        while self._spools:
            self._spools.popitem()[1].close()

    def __enter__(self) -> StemFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def _open_writers(self) -> None:
        for stem, target in self._targets.items():
            self._writers[stem] = AudioWriter(
                target,
                sample_rate=self._sample_rate,
                channels=self._channels,
                format=self._format,
                layout=self._layout,
                tags=self._tags.for_stem(stem) if self._tags else None,
                replace=self._replace,
            )

    def _discard_writers(self) -> None:
        while self._writers:
            self._writers.popitem()[1].discard()

    def _complete(self, gain: float) -> Iterator[None]:
        """Do what is left, step by step."""
        if gain < 1.0:
            self._open_writers()
            for stem, writer in self._writers.items():
                for block in self._spools[stem].blocks():
                    yield
                    writer.write(block * np.float32(gain))
        for writer in self._writers.values():
            yield
            writer.finish()
        yield
        self._name_files()

    def _name_files(self) -> None:
        new: list[Path] = []
        try:
            for writer in self._writers.values():
                existed = writer.path.exists()
                writer.commit()
                if not existed:
                    new.append(writer.path)
        except BaseException:
            for path in new:
                path.unlink(missing_ok=True)
            raise


def _gain(full_scale: float, peak: float) -> float:
    """The largest float32 with which ``peak``, in float32, does not round to more than ``full_scale``."""
    return float(np.nextafter(np.float32(full_scale / peak), np.float32(0.0)))
