"""Where the stems of a track go: ``{track}/{stem}.{ext}`` under the output folder, and nowhere else."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from pathlib import Path

from vocalsep.errors import TemplateError

DEFAULT_TEMPLATE = "{track}/{stem}.{ext}"
FIELDS = ("track", "stem", "ext", "model")

# what some file system cannot have in a name, control characters, and bytes that are no UTF-8
_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f\ud800-\udfff]')
_EDGES = re.compile(r"^\s+|[\s.]+$")
_LONGEST_NAME_BYTES = 240  # most file systems end at 255


def stem_path(folder: Path, template: str, *, track: str, stem: str, ext: str, model: str) -> Path:
    """The path of a stem.

    Args:
        folder: the output folder.
        template: fields `FIELDS` in braces.
        track: name of the song; slashes in it make folders.
        stem: ``vocals`` or ``accompaniment``.
        ext: the file name's ending, without a dot.
        model: id of the model.

    Raises:
        TemplateError: an unknown field, or a path that leaves the folder.

    Example:
        >>> stem_path(Path("out"), "{track}/{stem}.{ext}", track="song", stem="vocals", ext="wav", model="m")
        PosixPath('out/song/vocals.wav')
        >>> stem_path(Path("out"), "../{track}/{stem}.{ext}", track="song", stem="vocals", ext="wav", model="m")
        Traceback (most recent call last):
        vocalsep.errors.TemplateError: template '../{track}/{stem}.{ext}' leaves the output folder...
    """
    check_template(template)
    relative = template.format(track=safe_track(track), stem=stem, ext=ext, model=_safe_name(model))
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
    if unknown:
        known = ", ".join("{" + field + "}" for field in FIELDS)
        raise TemplateError(f"template '{template}' has the unknown field '{min(unknown)}'", f"Known: {known}.")
    if "stem" not in fields or "track" not in fields:
        raise TemplateError(
            f"template '{template}' needs {{track}} and {{stem}}, or files would replace each other",
            f"The default is '{DEFAULT_TEMPLATE}'.",
        )
    if template.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", template) or "\\" in template:
        raise TemplateError(
            f"template '{template}' leaves the output folder", f"The default is '{DEFAULT_TEMPLATE}'."
        )


def _safe_name(name: str) -> str:
    """``name`` without what a file system may refuse, short enough and never empty; a safe name stays as it is."""
    name = _EDGES.sub("", _FORBIDDEN.sub("_", name))
    name = name.encode()[:_LONGEST_NAME_BYTES].decode(errors="ignore")
    return _EDGES.sub("", name) or "_"
