"""Samples that a caller of the library gives, who may give anything: checked, and copied as float32."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from vocalsep.audio.formats import HIGHEST_RATE, LOWEST_RATE
from vocalsep.audio.samples import Samples
from vocalsep.errors import NonFiniteAudioError, OptionError

_MOST_LIKELY_CHANNELS = 64


def check_waveform_shape(shape: tuple[int, ...]) -> None:
    """Refuse a waveform that is neither ``(channel, sample)`` nor ``(sample,)``.

    Raises:
        OptionError: says what the shape is.
    """
    if len(shape) not in (1, 2) or 0 in shape:
        raise OptionError(
            f"a waveform of shape {shape} is neither (channel, sample) nor (sample,)",
            "Give the samples; for a file there is separate_file.",
        )
    if len(shape) == 2 and shape[0] > max(shape[1], _MOST_LIKELY_CHANNELS):
        raise OptionError(f"a waveform of shape {shape} is not (channel, sample)", "Transpose it: waveform.T")


def checked_rate(sample_rate: object) -> int:
    """A sample rate in Hz as a whole number; 44100.0 is 44100.

    Raises:
        OptionError: it is no number, not whole, or out of range.
    """
    is_whole = isinstance(sample_rate, Real) and float(sample_rate).is_integer()
    rate = int(float(sample_rate)) if is_whole else None  # type: ignore[arg-type]
    if rate is None or not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise OptionError(
            f"a sample rate of {sample_rate!r} is not a whole number of {LOWEST_RATE} to {HIGHEST_RATE}",
            "Give that of the samples, in Hz: 44100.",
        )
    return rate


def of_as_many_channels(blocks: Iterable[Samples], channels: int) -> Iterator[Samples]:
    """The blocks, as long as each has this number of channels.

    Raises:
        OptionError: a block has another number.
    """
    for block in blocks:
        if len(block) != channels:
            raise OptionError(
                f"a block of {len(block)} channels comes after one of {channels}",
                "Give all blocks as many channels.",
            )
        yield block


def as_float32(block: npt.ArrayLike | Tensor) -> Samples:
    """A copy of a block; the caller may use the block's memory for the next one while this one waits.

    Raises:
        OptionError: the block has no axes ``(channel, sample)``, no channels, or no floating-point numbers.
        NonFiniteAudioError: a sample is not a number, or infinite.
    """
    if isinstance(block, Tensor):
        block = block.detach().cpu()
        block = (block.float() if block.is_floating_point() else block).numpy()
    block = _as_array(block)
    if not np.issubdtype(block.dtype, np.floating):
        raise OptionError(
            f"samples of type {block.dtype} have no known full scale", "Divide them by it: int16 by 32768."
        )
    if block.ndim != 2 or not len(block):
        raise OptionError(f"a block of shape {block.shape} is not (channel, sample)")
    with np.errstate(over="ignore"):
        copy = np.array(block, dtype=np.float32, order="C")
    if not np.isfinite(copy).all():
        raise NonFiniteAudioError("a sample is not a finite number", "Replace such samples: np.nan_to_num")
    return copy


def _as_array(block: npt.ArrayLike) -> npt.NDArray[Any]:
    try:
        return np.asarray(block)
    except ValueError as error:  # lists of several lengths
        raise OptionError(f"a block is not (channel, sample): {error}") from error
