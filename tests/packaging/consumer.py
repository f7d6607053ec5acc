"""What a user of the library writes, for type checkers: mypy and pyright read it, and nothing runs it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from vocalsep import Separator, SplitResult, list_models, load_model
from vocalsep.errors import VocalsepError


def split(song: Path) -> Path:
    separator = Separator("compact-v6", device="cpu")
    try:
        result: SplitResult = separator.separate_file(song, "out", overwrite=True)
    except VocalsepError as error:
        hint: str = error.hint
        raise SystemExit(f"{error.message} {hint}") from error
    return result.outputs["vocals"]


def karaoke(waveform: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.float32]:
    return Separator().separate(waveform, rate)["accompaniment"]


def on_tensors(waveform: torch.Tensor, rate: int) -> torch.Tensor:
    return Separator().separate(waveform, rate)["vocals"]


def live(blocks: Iterator[npt.NDArray[np.float32]], rate: int) -> Iterator[npt.NDArray[np.float32]]:
    for stems in Separator().stream(blocks, rate):
        yield stems["vocals"]


def facts() -> tuple[list[str], tuple[str, ...]]:
    names: list[str] = [entry.id for entry in list_models()]
    return names, tuple(load_model().config.stems)


def wrong() -> Separator:
    return Separator(model=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
