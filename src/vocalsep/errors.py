"""Every error vocalsep raises on purpose.

A message says what happened and where; ``hint`` says what to do or type next. Each class has an exit code of
its own, grouped by tens: 1x the input, 2x the output, 3x the model and its weights, 4x the device, 5x a batch,
6x training and its data.
"""

from __future__ import annotations

from typing import ClassVar


class VocalsepError(Exception):
    """Base of all errors of this package.

    Args:
        message: what happened, and to which file, model or option.
        hint: what to do next, as a full sentence without a final line break.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[type[VocalsepError], tuple[str, str]]:
        return type(self), (self.message, self.hint)


class OptionError(VocalsepError):
    """An option has a value that cannot be used."""

    exit_code = 2


class InputError(VocalsepError):
    """Base of the errors about an input."""


class InputNotFoundError(InputError):
    """The input does not exist."""

    exit_code = 10


class InputUnreadableError(InputError):
    """The input exists and cannot be read (permissions, input/output errors)."""

    exit_code = 11


class NoAudioFoundError(InputError):
    """A folder or pattern holds no audio file."""

    exit_code = 12


class EmptyAudioError(InputError):
    """The input is an empty file, or decodes to no samples."""

    exit_code = 13


class NotAudioError(InputError):
    """The input is not audio that can be decoded."""

    exit_code = 14


class DamagedAudioError(InputError):
    """The input is audio, and ends early or has parts that cannot be decoded."""

    exit_code = 15


class NonFiniteAudioError(InputError):
    """The input has samples that are not a number or infinite."""

    exit_code = 16


class OutputError(VocalsepError):
    """Base of the errors about an output."""


class OutputNotFolderError(OutputError):
    """The output folder, or a part of its path, is a file."""

    exit_code = 20


class OutputNotWritableError(OutputError):
    """The output cannot be written (permissions, read-only file system)."""

    exit_code = 21


class DiskFullError(OutputError):
    """The disk, or a quota or a size limit on it, is full."""

    exit_code = 22


class OutputExistsError(OutputError):
    """The output exists and must not be overwritten."""

    exit_code = 23


class TemplateError(OutputError):
    """The output template is malformed or leaves the output folder."""

    exit_code = 24


class ModelError(VocalsepError):
    """Base of the errors about a model and its weights."""


class UnknownModelError(ModelError):
    """No model has this name."""

    exit_code = 30


class CorruptWeightsError(ModelError):
    """A weights file is damaged, of another model, or not what its hash says."""

    exit_code = 32


class DownloadError(ModelError):
    """Weights or a data set could not be downloaded."""

    exit_code = 33


class DeviceError(VocalsepError):
    """The device asked for is not there, or cannot do what was asked."""

    exit_code = 40


class OutOfMemoryError(DeviceError):
    """Not enough memory, even for the smallest segment."""

    exit_code = 41


class BatchError(VocalsepError):
    """Some files of a batch failed; the others are done."""

    exit_code = 50


class ClusterError(VocalsepError):
    """A cluster cannot be reached, or its workers die."""

    exit_code = 51


class DatasetError(VocalsepError):
    """Base of the errors about a data set to train or evaluate on."""


class NoTracksError(DatasetError):
    """A data set, or the part of it that was asked for, has no tracks."""

    exit_code = 60


class UnfitTrackError(DatasetError):
    """A track cannot be used: its rate, its length or its stems."""

    exit_code = 61


class TrainingError(VocalsepError):
    """Base of the errors about a training run."""


class RunError(TrainingError):
    """A run folder is not what it should be: of another model or other settings, or without a checkpoint."""

    exit_code = 62


class DivergedError(TrainingError):
    """The loss is not a finite number any more."""

    exit_code = 63


class MissingExtraError(VocalsepError):
    """A command needs packages of an extra that is not installed."""

    exit_code = 64


class MissingToolError(VocalsepError):
    """A command needs a program of the system that is not installed."""

    exit_code = 65


class CorruptArchiveError(DatasetError):
    """The archive of a data set is damaged, or not what its hash says."""

    exit_code = 66


class UploadError(ModelError):
    """Weights could not be pushed to the Hub."""

    exit_code = 34


# of CUDA's allocator, the CPU's, C++, cuFFT and cuBLAS, and oneDNN, which has no other words for it
_OUT_OF_MEMORY = (
    "out of memory",
    "allocate memory",
    "not enough memory",
    "bad_alloc",
    "ALLOC_FAILED",
    "could not create a primitive",
)


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of a library, which may have no class of its own for it, says that there is no memory."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in _OUT_OF_MEMORY)
