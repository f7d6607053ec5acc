"""Where the stems of a track go: ``{track}/{stem}.{ext}`` under the output folder, and nowhere else."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from pathlib import Path

from vocalsep.errors import TemplateError

DEFAULT_TEMPLATE = "{track}/{stem}.{ext}"
FIELDS = ("track", "stem", "ext", "model")

# what some file system cannot have in a name, and control characters; a track may hold folders
_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f]')
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
    safe_track = "/".join(_safe_name(part) for part in track.split("/") if part not in ("", ".", ".."))
    relative = template.format(track=safe_track or "_", stem=stem, ext=ext, model=_safe_name(model))
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


def check_template(template: str) -> None:
    """Refuse a template that is malformed, or that would give both stems one name.

    Raises:
        TemplateError: says what is wrong with it.
    """
    try:
        fields = {field for _, field, _, _ in string.Formatter().parse(template) if field is not None}
    except ValueError as error:
        raise TemplateError(f"template '{template}' is malformed: {error}") from error
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
    """``name`` without what a file system may refuse, short enough, and never hidden or empty."""
    name = _FORBIDDEN.sub("_", name).strip().rstrip(".")
    while len(name.encode()) > _LONGEST_NAME_BYTES:
        name = name[:-1]
    return name or "_"
