"""The programs and soundfonts of the system that the synthesis needs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vocalsep.errors import MissingToolError

SOUNDFONT_VARIABLE = "VOCALSEP_SOUNDFONT"

_SOUNDFONT_FOLDERS = (
    "/usr/share/sounds/sf2",
    "/usr/share/sounds/sf3",
    "/usr/share/soundfonts",
    "/usr/local/share/soundfonts",
    "/opt/homebrew/share/soundfonts",
    "~/.local/share/soundfonts",
    "~/Library/Audio/Sounds/Banks",
)
_SOUNDFONT_WEIGHTS = {"FluidR3_GM": 3.0, "MuseScore_General": 2.0}  # both under the MIT licence
_LAST_RESORT = "TimGM6mb"  # under the GPL


@dataclass(frozen=True, slots=True, kw_only=True)
class Soundfont:
    """A General MIDI soundfont: its file, and how often it is taken."""

    path: Path
    weight: float


def find_program(name: str, hint: str) -> str:
    """The path of a program.

    Raises:
        MissingToolError: it is not on PATH.
    """
    path = shutil.which(name)
    if path is None:
        raise MissingToolError(f"the program '{name}' is not installed", hint)
    return path


def run_tool(command: Sequence[str | Path]) -> bytes:
    """Run a program to its end and return its stdout.

    Raises:
        MissingToolError: it is gone, or fails, which an incomplete installation does.
    """
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, check=False)
    except FileNotFoundError as error:
        raise MissingToolError(f"the program '{command[0]}' is not installed", "Install it.") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        name = Path(command[0]).name
        raise MissingToolError(
            f"{name} failed with status {done.returncode}{': ' + said[-1] if said else ''}",
            f"Try it by hand, and install it again if it does not work: {' '.join(map(str, command))}",
        )
    return done.stdout


def find_soundfonts() -> tuple[Soundfont, ...]:
    """The soundfonts of the variable ``VOCALSEP_SOUNDFONT``, or those in the usual places that are known.

    The variable holds one path or several, separated as in ``PATH``; it is for the user to know their licences.
    Of the known ones, that under the GPL is taken only where none under the MIT licence is there.

    Raises:
        MissingToolError: there is none, or one is no soundfont.
    """
    chosen = os.environ.get(SOUNDFONT_VARIABLE)
    if chosen:
        paths = [Path(path).expanduser() for path in chosen.split(os.pathsep) if path]
        for path in paths:
            if not path.is_file():
                raise MissingToolError(f"{SOUNDFONT_VARIABLE} names {path}, which is no file", "Correct the path.")
        return tuple(_checked(Soundfont(path=path, weight=1.0)) for path in paths)
    found: dict[str, Soundfont] = {}
    for folder in _SOUNDFONT_FOLDERS:
        for path in sorted(Path(folder).expanduser().glob("*.sf[23]")):
            name = next((name for name in (*_SOUNDFONT_WEIGHTS, _LAST_RESORT) if path.name.startswith(name)), None)
            if name:
                weight = _SOUNDFONT_WEIGHTS.get(name, 1.0)
                found.setdefault(name, Soundfont(path=path.resolve(), weight=weight))
    if not found:
        raise MissingToolError(
            "no General MIDI soundfont was found",
            "Debian: apt install fluid-soundfont-gm. Elsewhere: download FluidR3_GM.sf2 or MuseScore_General.sf3 "
            f"and set {SOUNDFONT_VARIABLE} to its path.",
        )
    names = [name for name in _SOUNDFONT_WEIGHTS if name in found] or [_LAST_RESORT]
    return tuple(_checked(found[name]) for name in names)


def _checked(soundfont: Soundfont) -> Soundfont:
    """The soundfont, if it is one to its end: FluidSynth takes another one for it otherwise, and says nothing."""
    with open(soundfont.path, "rb") as file:
        header = file.read(12)
    n_bytes = int.from_bytes(header[4:8], "little") + 8
    if header[:4] != b"RIFF" or header[8:] != b"sfbk" or soundfont.path.stat().st_size < n_bytes:
        raise MissingToolError(f"{soundfont.path} is no whole soundfont", "Get a whole copy of it.")
    return soundfont
