"""A song in, its stems out: arrays, streams and files."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vocalsep.audio.formats import Clip, OutputFormat
from vocalsep.audio.outputs import Outputs
from vocalsep.audio.reading_options import ReadingOptions
from vocalsep.audio.samples import Samples
from vocalsep.separation.ensemble import Ensemble
from vocalsep.separation.given_samples import as_float32, check_waveform_shape, checked_rate, of_as_many_channels
from vocalsep.separation.options import Precision, SeparationOptions
from vocalsep.separation.split_file import Progress, StemListener, split_file
from vocalsep.split_result import SplitResult
from vocalsep.stem_names import STEMS
from vocalsep.template import DEFAULT_TEMPLATE
from vocalsep.weights.ensemble_spec import EnsembleSpec, parse_ensemble

Waveform = TypeVar("Waveform", Tensor, Samples)

_AS_IT_IS = ReadingOptions()


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
        overlap: part of a segment that the next segment covers too, 0 to 0.9; None takes what is recommended.
        batch_size: segments that go through the model at once; None takes what suits the device.
        shifts: further passes over shifted segments, all averaged.
        wiener: number of iterations of a Wiener filter over the estimates (`vocalsep.separation.wiener`); 0
            filters nothing.
        threads: number of CPU threads; it is PyTorch's setting for the whole process.
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
        precision: Precision = "auto",
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
        self._load(parse_ensemble(model), options, offline, download_progress)

    @classmethod
    def from_options(
        cls,
        model: str | PathLike[str] | EnsembleSpec | None,
        options: SeparationOptions,
        *,
        offline: bool = False,
        download_progress: Callable[[int, int], None] | None = None,
    ) -> Separator:
        """A separator from options that are already one object; the arguments are those of the class."""
        separator = cls.__new__(cls)
        separator._load(parse_ensemble(model), options, offline, download_progress)
        return separator

    def _load(
        self,
        spec: EnsembleSpec,
        options: SeparationOptions,
        offline: bool,
        download_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._arguments = (spec, options, offline)
        self._ensemble = Ensemble(spec, options, offline=offline, download_progress=download_progress)
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
            sample_rate: sample rate in Hz.

        Returns:
            ``{"vocals": ..., "accompaniment": ...}``, of the shape and kind (array or tensor) of the waveform.

        Raises:
            OptionError: the waveform has no samples, another number of axes, or no floating-point numbers; or it
                is ``(sample, channel)``; or the rate is no whole number of 1000 to 10 million.
            NonFiniteAudioError: a sample is not a number, or infinite.
        """
        samples = waveform if isinstance(waveform, Tensor) else np.asarray(waveform)
        shape = tuple(samples.shape)
        check_waveform_shape(shape)
        sample_rate = checked_rate(sample_rate)
        song = [as_float32(samples.reshape(-1, shape[-1]))]
        channels = len(song[0])
        levels = self._ensemble.levels(song, channels=channels)
        blocks = list(self._ensemble.stream(song, sample_rate=sample_rate, channels=channels, levels=levels))
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
            sample_rate: sample rate in Hz.

        Yields:
            ``{"vocals": ..., "accompaniment": ...}``, each float32 ``(channel, sample)``; in all, as many samples
            as came.

        Raises:
            OptionError: a block holds no floating-point numbers, is not ``(channel, sample)``, or has not as many
                channels as the first; or the rate is no whole number of 1000 to 10 million.
            NonFiniteAudioError: a sample is not a number, or infinite.
        """
        sample_rate = checked_rate(sample_rate)
        iterator = map(as_float32, blocks)
        first = next(iterator, None)
        if first is None:
            return
        together = itertools.chain([first], of_as_many_channels(iterator, len(first)))
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
        strict: bool = False,
        audio_track: str | int | None = None,
        progress: Progress | None = None,
        on_block: StemListener | None = None,
    ) -> SplitResult:
        """Split a file into stems of the same rate, channels and length.

        The stems appear when all are whole, or not at all.

        Args:
            path: audio, or a video with sound.
            out_dir: made if it is not there.
            stems: ``vocals``, ``accompaniment`` or both.
            template: path of a stem under ``out_dir``.
            track: stands for ``{track}`` in it; None takes the file's name.
            format: format of the stems, or a container such as ``mp3``. None is wav, as deep as the input.
            clip: what to do where integers or a lossy format would clip: ``rescale`` all stems by one gain, or
                ``clamp``.
            downmix: bring what has more than two channels down to stereo once it is separated.
            overwrite: replace outputs that exist.
            salvage: split what can be decoded of a damaged file.
            strict: refuse a file with any damage, also where the decoder finds its way again.
            audio_track: which audio track of a file with several: its number from 1 on, or its language. None
                takes the one that the file marks as its default, or else the first.
            progress: called now and then, in this thread. An exception of it ends the split, and nothing is left.
            on_block: called in this thread with each block of both stems, ``(channel, sample)``, as it is
                separated: with the channels of the input, and before any gain against clipping.

        Raises:
            InputError: missing, unreadable, damaged, or no audio.
            OptionError: no such stem, format, ``clip`` or audio track, or the format cannot hold the channels.
            OutputError: exists, is the input itself, cannot be written, or leaves ``out_dir``.
        """
        outputs = Outputs(
            folder=Path(out_dir),
            template=template,
            stems=(stems,) if isinstance(stems, str) else tuple(stems),
            format=OutputFormat.named(format),
            clip=clip,
            downmix=downmix,
            overwrite=overwrite,
        )
        chosen_track = None if audio_track is None else str(audio_track)
        reading = ReadingOptions(salvage=salvage, strict=strict, audio_track=chosen_track)
        return self.write_stems(path, outputs, reading, track=track, progress=progress, on_block=on_block)

    def write_stems(
        self,
        path: str | PathLike[str],
        outputs: Outputs,
        reading: ReadingOptions = _AS_IT_IS,
        *,
        track: str | None = None,
        progress: Progress | None = None,
        on_block: StemListener | None = None,
    ) -> SplitResult:
        """Split a file as `separate_file` does, with options that are already objects."""
        return split_file(
            self._ensemble, Path(path), outputs, reading, track=track, progress=progress, on_block=on_block
        )
