"""Which of several audio tracks of a file is taken."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from av.stream import Disposition

from vocalsep.audio.languages import same_language
from vocalsep.errors import OptionError

if TYPE_CHECKING:
    from pathlib import Path

    import av

_log = logging.getLogger("vocalsep")


def choose_track(streams: list[av.AudioStream], wanted: str | int | None, path: Path) -> int:
    """The index of the track to read.

    Args:
        streams: audio tracks of a file, at least one.
        wanted: number of a track, from 1 on, or its language. None takes the track that is marked as the default,
            or else the first.
        path: path of the file.

    Raises:
        OptionError: there is no such track.
    """
    if wanted is None:
        marked = (i for i, stream in enumerate(streams) if stream.disposition & Disposition.default)
        return next(marked, 0)
    wanted = str(wanted)
    if wanted.isdecimal():
        if 1 <= int(wanted) <= len(streams):
            return int(wanted) - 1
    else:
        languages = [stream.metadata.get("language") for stream in streams]
        for i, language in enumerate(languages):
            if language and same_language(language, wanted):
                return i
    raise OptionError(f"{path} has no track '{wanted}'", f"It has {_listed(streams)}.")


def announce_choice(streams: list[av.AudioStream], chosen: int, path: Path) -> None:
    """Say which of several tracks is taken; nothing is said where there is one."""
    if len(streams) > 1:
        _log.warning("%s has %s; track %d is taken", path, _listed(streams), chosen + 1)


def _listed(streams: list[av.AudioStream]) -> str:
    tracks = "1 audio track" if len(streams) == 1 else f"{len(streams)} audio tracks"
    return f"{tracks}: {', '.join(f'{i} ({_described(stream)})' for i, stream in enumerate(streams, 1))}"


def _described(stream: av.AudioStream) -> str:
    codec = stream.codec_context
    title = stream.metadata.get("title") or stream.metadata.get("handler_name", "")
    facts = [stream.metadata.get("language", ""), "" if title == "SoundHandler" else title, codec.name]
    channels = "1 channel" if codec.channels == 1 else f"{codec.channels} channels"
    return ", ".join(fact for fact in (*facts, channels) if fact and fact != "und")
