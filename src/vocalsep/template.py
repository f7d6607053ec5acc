"""Where the stems of a track go: ``{track}/{stem}.{ext}`` under the output folder, and nowhere else."""

from __future__ import annotations

import hashlib
import os
import re
import string
from collections.abc import Iterable, Mapping
from pathlib import Path, PureWindowsPath

from vocalsep.errors import TemplateError

DEFAULT_TEMPLATE = "{track}/{stem}.{ext}"
FIELDS = ("track", "stem", "ext", "model")

# what some file system cannot have in a name, control characters, and bytes that are not UTF-8
_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f\ud800-\udfff]')
_EDGES = re.compile(r"^\s+|[\s.]+$")
# devices on Windows, whatever the ending; a folder that is carried there has to open too
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?= *(\.|$))", re.IGNORECASE)
_ON_WINDOWS = os.name == "nt"
_LONGEST_NAME_BYTES = 240  # a name that is longer is cut to this
_LONGEST_PART_BYTES = 255  # of a path, with what the template adds to the name, on most file systems
_LEAST_NAME_BYTES = 24  # a name that had to be cut shorter would say nothing
_LONGEST_STEM = "accompaniment"


def stem_path(folder: Path, template: str, *, track: str, stem: str, ext: str, model: str) -> Path:
    """The path of a stem.

    Args:
        folder: the output folder.
        template: fields `FIELDS` in braces.
        track: name of the song; slashes in it make folders. It is cut where a part of the path would be longer
            than file systems take, the same for all stems, and ends in a hash that tells it from others then.
        stem: ``vocals`` or ``accompaniment``.
        ext: the file name's ending, without a dot.
        model: id of the model.

    Raises:
        TemplateError: an unknown field, a path that leaves the folder, or a template that leaves no room for the
            name.

    Example:
        >>> stem_path(Path("out"), "{track}/{stem}.{ext}", track="song", stem="vocals", ext="wav", model="m")
        PosixPath('out/song/vocals.wav')
        >>> stem_path(Path("out"), "../{track}/{stem}.{ext}", track="song", stem="vocals", ext="wav", model="m")
        Traceback (most recent call last):
        vocalsep.errors.TemplateError: template '../{track}/{stem}.{ext}' leaves the output folder...
    """
    check_template(template)
    fields = {"ext": ext, "model": _safe_name(model)}
    relative = template.format(track=_fitting(safe_track(track), template, fields), stem=stem, **fields)
    parts = relative.split("/")
    if relative.startswith("/") or ".." in parts or not parts[-1]:
        raise TemplateError(
            f"template '{template}' leaves the output folder", f"The default is '{DEFAULT_TEMPLATE}'."
        )
    return folder.joinpath(*parts)


def stem_paths(
    folder: Path, template: str, *, track: str, stems: Iterable[str], ext: str, model: str
) -> dict[str, Path]:
    """The path of each stem, see `stem_path`."""
    return {stem: stem_path(folder, template, track=track, stem=stem, ext=ext, model=model) for stem in stems}


def safe_track(track: str) -> str:
    """What takes the place of ``{track}``: the name without what a file system may refuse. Slashes make folders.

    Example:
        >>> safe_track("live/../AC:DC?")
        'live/AC_DC_'
    """
    return "/".join(_safe_name(part) for part in track.split("/") if part not in ("", ".", "..")) or "_"


def check_template(template: str) -> None:
    """Refuse a template that is malformed, or that would give both stems one name.

    Raises:
        TemplateError: says what is wrong with it.
    """
    try:
        replaced = [parts for parts in string.Formatter().parse(template) if parts[1] is not None]
    except ValueError as error:
        raise TemplateError(f"template '{template}' is malformed: {error}") from error
    if any(spec or conversion for _, _, spec, conversion in replaced):  # {stem:.0} would be empty for both stems
        raise TemplateError(f"template '{template}' has a ':' or '!' in a field", "Write the field's name alone.")
    fields = {field for _, field, _, _ in replaced if field is not None}
    unknown = fields.difference(FIELDS)
    literal = "".join(text for text, *_ in string.Formatter().parse(template))
    if _ON_WINDOWS and (forbidden := _FORBIDDEN.search(literal)):  # behind a colon is no name but a hidden stream
        raise TemplateError(
            f"template '{template}' has '{forbidden[0]}', which no file name can have on Windows", "Leave it out."
        )
    if unknown:
        known = ", ".join("{" + field + "}" for field in FIELDS)
        raise TemplateError(f"template '{template}' has the unknown field '{min(unknown)}'", f"Known: {known}.")
    if "stem" not in fields or "track" not in fields:
        raise TemplateError(
            f"template '{template}' needs {{track}} and {{stem}}, or files would replace each other",
            f"The default is '{DEFAULT_TEMPLATE}'.",
        )
    leaves = template.startswith("/") or "\\" in template or ".." in template.split("/")
    if leaves or PureWindowsPath(template).drive:
        raise TemplateError(
            f"template '{template}' leaves the output folder", f"The default is '{DEFAULT_TEMPLATE}'."
        )


def _fitting(track: str, template: str, fields: Mapping[str, str]) -> str:
    """``track``, or as much of it as leaves no part of the path too long, whichever the stem."""
    longest, fitting = max(len(part.encode()) for part in track.split("/")), track
    while excess := _excess(template.format(track=fitting, stem=_LONGEST_STEM, **fields)):
        longest -= -(-excess // template.count("{track}"))  # a part may hold it more than once
        if longest < _LEAST_NAME_BYTES:
            raise TemplateError(
                f"template '{template}' makes names of more than {_LONGEST_PART_BYTES} bytes",
                "Put {track} or {model} into a folder of its own: '{model}/{track}/{stem}.{ext}'.",
            )
        fitting = "/".join(_shortened(part, longest, track) for part in track.split("/"))
    return fitting


def _excess(path: str) -> int:
    """By how many bytes the longest part of a path is too long."""
    return max(0, *(len(part.encode()) - _LONGEST_PART_BYTES for part in path.split("/")))


def _shortened(part: str, n_bytes: int, whole: str) -> str:
    """``part`` in at most ``n_bytes``; where it is cut, a hash of the whole name stands at its end."""
    if len(part.encode()) <= n_bytes:
        return part
    mark = f"~{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
    return _EDGES.sub("", part.encode()[: n_bytes - len(mark)].decode(errors="ignore")) + mark


def _safe_name(name: str) -> str:
    """``name`` without what a file system may refuse, short enough and never empty; a safe name stays as it is."""
    name = _no_device(_EDGES.sub("", _FORBIDDEN.sub("_", name)))
    name = name.encode()[:_LONGEST_NAME_BYTES].decode(errors="ignore")
    return _no_device(_EDGES.sub("", name)) or "_"


def _no_device(name: str) -> str:
    """``name``, with an underscore behind what Windows would take for a device."""
    match = _RESERVED.match(name)
    return f"{match[0]}_{name[match.end() :]}" if match else name
