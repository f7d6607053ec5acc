"""The library's errors in the words of the command line: arguments become flags.

The library names its own arguments, such as ``overwrite=True`` or ``segment_seconds=5.9``, and the settings of a
recipe, such as ``data.epoch_chunks=1000``. No other module turns them into what somebody has to type.
"""

from __future__ import annotations

import re

from vocalsep.errors import VocalsepError

_NAMED_OTHERWISE = {
    "audio_track": "--track",
    "segment_seconds": "--segment",
}
"""Arguments whose flag is not their name with dashes."""

_SETTING = re.compile(r"\b((?:augmentation|data|loss|model|optimiser|run)\.\w+=(?:\.\.\.|[^\s,;]*[^\s,;.)]))")
_ARGUMENT = re.compile(r"(?<![\w./\\-])([a-z][a-z_]+)=([\w.:/-]*\w)")


def told(error: Exception) -> str:
    """The text of an error, with flags in its hint; its message, which may hold names of files, stays."""
    if not isinstance(error, VocalsepError):
        return str(error)
    return str(VocalsepError(error.message, in_flags(error.hint)))


def in_flags(hint: str) -> str:
    """A hint of the library with the flags of the command line in it.

    Example:
        >>> in_flags("Pass overwrite=True, or choose another output folder.")
        'Pass --overwrite, or choose another output folder.'
        >>> in_flags("Use segment_seconds=5.9 or less, or device=cpu.")
        'Use --segment 5.9 or less, or --device cpu.'
        >>> in_flags("Add data.epoch_chunks=1000.")
        'Add --set data.epoch_chunks=1000.'
    """
    return _ARGUMENT.sub(_flag, _SETTING.sub(r"--set \1", hint))


def _flag(match: re.Match[str]) -> str:
    name, value = match[1], match[2]
    flag = _NAMED_OTHERWISE.get(name, f"--{name.replace('_', '-')}")
    return flag if value == "True" else f"{flag} {value}"
