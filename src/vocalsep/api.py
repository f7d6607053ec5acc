"""A song in, its stems out: arrays, streams and files."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vocalsep.audio.formats import HIGHEST_RATE, LOWEST_RATE, OutputFormat
from vocalsep.audio.loudspeakers import to_stereo
from vocalsep.audio.reader import open_audio
from vocalsep.audio.samples import Samples
from vocalsep.audio.stem_files import Clip, StemFiles
from vocalsep.audio.tags import read_tags
from vocalsep.errors import NonFiniteAudioError, OptionError, OutputExistsError
from vocalsep.separation.ensemble import Ensemble
from vocalsep.separation.options import SeparationOptions
from vocalsep.split_result import SplitResult
from vocalsep.stem_names import STEMS
from vocalsep.system.files import exists
from vocalsep.system.output_errors import output_exists
from vocalsep.system.threads import BackgroundConsumer
from vocalsep.template import DEFAULT_TEMPLATE, stem_paths

Progress = Callable[[float, "float | None"], None]
"""Called with the seconds of audio done and, where the file declares it, of all."""

Waveform = TypeVar("Waveform", Tensor, Samples)

_BLOCKS_BEHIND = 8
_MOST_LIKELY_CHANNELS = 64


class Separator:
    """A model, loaded once, that splits any number of songs.

    Several threads may use it: their songs take turns at the model. It can be pickled: the other process loads the
    model again. A process that is forked has to load its own, unless this one was made with one thread.

    Args:
        model: a name (see ``vocalsep models list``), the path of a weights file, or ``hf:OWNER/REPO``; several
            with ``+`` between, perhaps weighted, are averaged: ``A+B``, ``A:2+B``. None takes the default, which
            is in the package.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``.
        segment_seconds: length of the segments; None takes what is recommended for the weights.
        overlap: of the segments, 0 to 0.9, likewise.
        batch_size: segments that go through the model at once; None takes what suits the device.
        shifts: further passes over shifted segments, all averaged.
        wiener: iterations of a Wiener filter over the estimates (`vocalsep.separation.wiener`); 0 is none.
        threads: of the CPU; PyTorch's setting for the whole process.
        offline: never ask the network for weights.
        download_progress: called with the bytes downloaded and those of the whole file.

    Raises:
        ModelError: no such model, or its weights are corrupt.
        DeviceError: no such device here.
        OptionError: a value out of its range, or a Wiener filter for a model without spectrograms.

    Example:
        >>> separator = Separator()
        >>> noise = np.random.default_rng(0).standard_normal((2, 44100), dtype=np.float32)
        >>> stems = separator.separate(noise, 44100)
        >>> sorted(stems), stems["vocals"].shape
        (['accompaniment', 'vocals'], (2, 44100))
        >>> bool(np.allclose(stems["vocals"] + stems["accompaniment"], noise, atol=1e-6))
        True
    """

    def __init__(
        self,
        model: str | PathLike[str] | None = None,
        *,
        device: str = "auto",
        precision: str = "auto",
        segment_seconds: float | None = None,
        overlap: float | None = None,
        batch_size: int | None = None,
        shifts: int = 0,
        wiener: int = 0,
        threads: int | None = None,
        offline: bool = False,
        download_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        options = SeparationOptions(
            segment_seconds=segment_seconds,
            overlap=overlap,
            batch_size=batch_size,
            shifts=shifts,
            wiener=wiener,
            precision=precision,
            device=device,
            threads=threads,
        )
        self._load(None if model is None else str(model), options, offline, download_progress)

    def _load(
        self,
        model: str | None,
        options: SeparationOptions,
        offline: bool,
        download_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._arguments = (model, options, offline)
        self._ensemble = Ensemble(model, options, offline=offline, download_progress=download_progress)
        self.model_id, self.weights_sha256 = self._ensemble.id, self._ensemble.weights_sha256

    def __getstate__(self) -> tuple[Any, ...]:
        return self._arguments

    def __setstate__(self, arguments: tuple[Any, ...]) -> None:
        self._load(*arguments)

    @property
    def device(self) -> str:
        """The device that the model is on."""
        return self._ensemble.device

    @property
    def precision(self) -> str:
        """The precision that the network computes in."""
        return self._ensemble.precision

    def separate(self, waveform: Waveform, sample_rate: int) -> dict[str, Waveform]:
        """Separate a song that is in memory.

        Args:
            waveform: ``(channel, sample)`` or ``(sample,)``, of any rate, channel count and length.
            sample_rate: in Hz.

        Returns:
            ``{"vocals": ..., "accompaniment": ...}``, of the shape and kind (array or tensor) of the waveform.

        Raises:
            OptionError: the waveform has no samples, another number of axes, or no floating-point numbers; or it
                is ``(sample, channel)``; or the rate is no whole number of 1000 to 10 million.
            NonFiniteAudioError: a sample is not a number, or infinite.
        """
        samples = waveform if isinstance(waveform, Tensor) else np.asarray(waveform)
        shape = tuple(samples.shape)
        if len(shape) not in (1, 2) or 0 in shape:
            raise OptionError(f"a waveform of shape {shape} is neither (channel, sample) nor (sample,)")
        if len(shape) == 2 and shape[0] > max(shape[1], _MOST_LIKELY_CHANNELS):
            raise OptionError(f"a waveform of shape {shape} is not (channel, sample)", "Transpose it: waveform.T")
        sample_rate = _checked_rate(sample_rate)
        song = [_as_float32(samples.reshape(-1, shape[-1]))]
        level = self._ensemble.level(song)
        blocks = list(self._ensemble.stream(song, sample_rate=sample_rate, channels=len(song[0]), level=level))
        whole = {stem: np.concatenate([block[stem] for block in blocks], axis=1) for stem in STEMS}
        shaped = {stem: stem_samples.reshape(shape) for stem, stem_samples in whole.items()}
        if isinstance(waveform, Tensor):
            return {stem: torch.from_numpy(x).to(waveform.device) for stem, x in shaped.items()}
        return shaped

    def stream(
        self, blocks: Iterable[npt.NDArray[Any] | Tensor], sample_rate: int
    ) -> Generator[dict[str, Samples], None, None]:
        """Separate a song that comes in blocks; the memory used does not grow with its length.

        A model that normalises songs, such as ``scnet``, takes the level of what has come so far.

        Args:
            blocks: arrays or tensors ``(channel, sample)``, full scale 1.0, of any and changing numbers of
                samples. They are copied, so that one buffer may serve for all.
            sample_rate: in Hz.

        Yields:
            ``{"vocals": ..., "accompaniment": ...}``, each float32 ``(channel, sample)``; in all, as many samples
            as came.

        Raises:
            OptionError: a block holds no floating-point numbers, is not ``(channel, sample)``, or has not as many
                channels as the first; or the rate is no whole number of 1000 to 10 million.
            NonFiniteAudioError: a sample is not a number, or infinite.
        """
        sample_rate = _checked_rate(sample_rate)
        iterator = map(_as_float32, blocks)
        first = next(iterator, None)
        if first is None:
            return
        together = itertools.chain([first], _of_as_many_channels(iterator, len(first)))
        yield from self._ensemble.stream(together, sample_rate=sample_rate, channels=len(first))

    def separate_file(
        self,
        path: str | PathLike[str],
        out_dir: str | PathLike[str],
        *,
        stems: Sequence[str] | str = STEMS,
        template: str = DEFAULT_TEMPLATE,
        track: str | None = None,
        format: OutputFormat | str | None = None,
        clip: Clip = "rescale",
        downmix: bool = False,
        overwrite: bool = False,
        salvage: bool = False,
        progress: Progress | None = None,
    ) -> SplitResult:
        """Split a file into stems of the same rate, channels and length.

        The stems appear when all are whole, or not at all.

        Args:
            path: audio, or a video with sound.
            out_dir: made if it is not there.
            stems: ``vocals``, ``accompaniment`` or both.
            template: of the path under ``out_dir``.
            track: stands for ``{track}`` in it; None takes the file's name.
            format: of the stems, or its container's name, such as ``mp3``. None is wav, as deep as the input.
            clip: what to do where integers or a lossy format would clip: ``rescale`` all stems by one gain, or
                ``clamp``.
            downmix: bring what has more than two channels down to stereo once it is separated.
            overwrite: replace outputs that exist.
            salvage: split what can be decoded of a damaged file.
            progress: called now and then, in this thread.

        Raises:
            InputError: missing, unreadable, damaged, or no audio.
            OptionError: no such stem, format or ``clip``, or the format cannot hold the channels.
            OutputError: exists, is the input itself, cannot be written, or leaves ``out_dir``.
        """
        began = time.perf_counter()
        path, format = Path(path), OutputFormat.named(format)
        stems = (stems,) if isinstance(stems, str) else stems
        unknown = [stem for stem in stems if stem not in STEMS]
        if unknown or not stems:
            raise OptionError(
                f"unknown stem '{unknown[0]}'" if unknown else "no stem", f"Known: {', '.join(STEMS)}."
            )
        if clip not in get_args(Clip):
            raise OptionError(f"unknown clip '{clip}'", f"Known: {', '.join(get_args(Clip))}.")
        with open_audio(path, salvage=salvage) as audio:
            info = audio.info
            format = format.as_deep_as(info.depth)
            targets = stem_paths(
                Path(out_dir),
                template,
                track=path.stem if track is None else track,
                stems=stems,
                ext=format.extension,
                model=self.model_id,
            )
            for target in targets.values():
                _check_target(target, path, overwrite)
            level = None
            if self._ensemble.normalises_song and path.is_file():  # what is no file can be read once
                with open_audio(path, salvage=salvage) as whole:
                    level = self._ensemble.level(whole.blocks())
            downmix = downmix and info.channels > 2
            n_samples, silent = 0, True
            with (
                _no_empty_folders(targets.values()),
                StemFiles(
                    targets,
                    sample_rate=info.sample_rate,
                    channels=2 if downmix else info.channels,
                    layout=() if downmix else info.layout,
                    format=format,
                    clip=clip,
                    tags=read_tags(path).made_by(self.model_id),
                    replace=overwrite,
                ) as files,
                closing(
                    self._ensemble.stream(
                        audio.blocks(), sample_rate=info.sample_rate, channels=info.channels, level=level
                    )
                ) as blocks,
            ):
                with BackgroundConsumer(files.write, _BLOCKS_BEHIND) as drain:
                    for block in blocks:
                        n_samples += block[STEMS[0]].shape[-1]
                        silent = silent and not any(samples.any() for samples in block.values())
                        kept = {stem: block[stem] for stem in stems}
                        drain.put({s: to_stereo(x, info.layout) for s, x in kept.items()} if downmix else kept)
                        if progress:
                            total = info.n_samples / info.sample_rate if info.n_samples else None
                            progress(n_samples / info.sample_rate, total)
                gain = files.commit()
        return SplitResult(
            input=path,
            outputs=targets,
            seconds=n_samples / info.sample_rate,
            sample_rate=info.sample_rate,
            channels=info.channels,
            wall_seconds=time.perf_counter() - began,
            model=self.model_id,
            weights_sha256=self.weights_sha256,
            device=self.device,
            precision=self.precision,
            gain=gain,
            silent=silent,
        )


def _check_target(target: Path, source: Path, overwrite: bool) -> None:
    if not exists(target):
        return
    if not overwrite:
        raise output_exists(target)
    with suppress(OSError):  # a link that leads nowhere, or in a circle
        if target.samefile(source):
            raise OutputExistsError(f"{target} is the input itself", "Choose another -o folder or --template.")


@contextmanager
def _no_empty_folders(files: Iterable[Path]) -> Generator[None, None, None]:
    """Where the block fails, the folders that were made for ``files`` go, unless others put files there."""
    new = {folder for file in files for folder in file.parents if not os.path.lexists(folder)}
    try:
        yield
    except BaseException:
        for folder in sorted(new, key=lambda folder: len(folder.parts), reverse=True):
            with suppress(OSError):
                folder.rmdir()
        raise


def _checked_rate(sample_rate: object) -> int:
    """A sample rate that a caller gives, who may give anything; 44100.0 is 44100."""
    is_whole = isinstance(sample_rate, Real) and float(sample_rate).is_integer()
    rate = int(float(sample_rate)) if is_whole else None  # type: ignore[arg-type]
    if rate is None or not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise OptionError(
            f"a sample rate of {sample_rate!r} is not a whole number of {LOWEST_RATE} to {HIGHEST_RATE}",
            "Give that of the samples, in Hz: 44100.",
        )
    return rate


def _of_as_many_channels(blocks: Iterable[Samples], channels: int) -> Iterator[Samples]:
    for block in blocks:
        if len(block) != channels:
            raise OptionError(
                f"a block of {len(block)} channels comes after one of {channels}",
                "Give all blocks as many channels.",
            )
        yield block


def _as_float32(block: npt.NDArray[Any] | Tensor) -> Samples:
    """A copy of a block of the caller's, who may use its memory for the next while this one waits."""
    if isinstance(block, Tensor):
        block = block.detach().cpu()
        block = (block.float() if block.is_floating_point() else block).numpy()
    if not np.issubdtype(block.dtype, np.floating):
        raise OptionError(
            f"samples of type {block.dtype} have no known full scale", "Divide them by it: int16 by 32768."
        )
    if block.ndim != 2:
        raise OptionError(f"a block of shape {block.shape} is not (channel, sample)")
    with np.errstate(over="ignore"):
        copy = np.array(block, dtype=np.float32, order="C")
    if not np.isfinite(copy).all():
        raise NonFiniteAudioError("a sample is not a finite number", "Replace such samples: np.nan_to_num")
    return copy
