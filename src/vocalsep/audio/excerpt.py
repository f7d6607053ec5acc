"""A part of an audio file, read by seeking."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from vocalsep.audio.samples import Samples
from vocalsep.audio.sndfile import cut_short, has_skipped, open_sndfile
from vocalsep.errors import (
    DamagedAudioError,
    InputNotFoundError,
    InputUnreadableError,
    NotAudioError,
)

SEEKABLE_EXTENSIONS = frozenset(
    [".aif", ".aiff", ".caf", ".flac", ".mp3", ".ogg", ".opus", ".rf64", ".w64", ".wav"]
)
"""Extensions of the files that libsndfile seeks in."""

_UNKNOWN_FRAMES = 2**63 - 1  # libsndfile's, of a flac whose encoder could not go back to its header
_REPLACE = "Replace it; 'vocalsep data check' finds all such files of a data set."


def audio_files(folder: Path) -> list[Path]:
    """The audio files right in ``folder`` that can be read in parts, by name; hidden ones are left out."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SEEKABLE_EXTENSIONS and not path.name.startswith(".") and path.is_file()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What a file holds, by its header: rate in Hz, channels, and samples of each."""

    sample_rate: int
    channels: int
    n_samples: int


def extent_of(path: Path) -> Extent:
    """Read the header of an audio file.

    Raises:
        InputNotFoundError: there is no such file.
        InputUnreadableError: it cannot be read.
        NotAudioError: libsndfile does not know it, or its header does not say how long it is.
        DamagedAudioError: it holds less than its header announces.
    """
    with _opened(path) as file:
        if file.frames == _UNKNOWN_FRAMES:
            raise NotAudioError(
                f"{path} does not say how long it is", "Encode it again, to a file and not a pipe."
            )
        return Extent(sample_rate=file.samplerate, channels=file.channels, n_samples=file.frames)


def read_excerpt(path: Path, start: int, n_samples: int) -> Samples:
    """Read ``n_samples`` from sample ``start`` on, as float32 ``(channel, sample)``.

    Raises:
        InputError: see `extent_of`; `DamagedAudioError` too where the file ends before, or cannot be decoded.
    """
    with _opened(path) as file:
        try:
            file.seek(start)
            frames = file.read(n_samples, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise DamagedAudioError(f"{path} cannot be decoded at sample {start}", _REPLACE) from error
        if file.format == "OGG" and has_skipped(file):
            raise DamagedAudioError(f"{path} cannot be decoded after sample {start}", _REPLACE)
    if len(frames) < n_samples:
        raise DamagedAudioError(f"{path} ends at sample {start + len(frames)}, before its header says", _REPLACE)
    return np.ascontiguousarray(frames.T)


@contextmanager
def _opened(path: Path) -> Iterator[soundfile.SoundFile]:
    try:
        with open(path, "rb"):  # libsndfile's own words do not tell what is wrong
            file = open_sndfile(path)
    except FileNotFoundError as error:
        raise InputNotFoundError(f"{path} does not exist", "Check the name and the folder.") from error
    except OSError as error:
        raise InputUnreadableError(
            f"cannot read {path}: {error.strerror}", "Give a file that you may read."
        ) from error
    except soundfile.LibsndfileError as error:
        raise NotAudioError(
            f"{path} is not audio that can be read in parts", "Convert it to wav or flac."
        ) from error
    with file:
        if problem := cut_short(file):
            raise DamagedAudioError(f"{path} is damaged: {problem}", _REPLACE)
        yield file
