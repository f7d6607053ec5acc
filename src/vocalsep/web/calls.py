"""The API: one call separates one song."""

# Gradio reads the annotations of the function when it is defined, so they are not postponed here.

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import gradio as gr

from vocalsep.errors import VocalsepError
from vocalsep.web.jobs import Jobs
from vocalsep.web.order import order_of
from vocalsep.web.sessions import Sessions
from vocalsep.web.song import OVER

Split = Callable[..., Awaitable[tuple[Any, Any]]]

_LOOK_SECONDS = 0.1


def split_call(sessions: Sessions, jobs: Jobs, default_model: str, *, offline: bool) -> Split:
    """The function behind the API's ``/split``."""

    async def split(
        song: dict[str, Any],
        model: str = default_model,
        format: str = "wav",
        stem: str = "both",
        salvage: bool = False,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Split a song into vocals and accompaniment.

        It waits for its turn without a thread, so calls that wait do not keep others from being answered.

        Args:
            song: the file, as Gradio's client uploads it: ``handle_file("song.mp3")``.
            model: a name of ``vocalsep models list``.
            format: format of the stems: ``wav``, ``flac``, ``mp3``, ``ogg``, ``opus`` or ``m4a``.
            stem: ``both``, ``vocals`` or ``accompaniment``.
            salvage: take what can be decoded of a damaged file.

        Returns:
            The files of the vocals and of the accompaniment; null for a stem that was not asked for.
        """
        path = song.get("path") if isinstance(song, dict) else None
        uploaded = sessions.song(str(path).partition("/")[0])
        if uploaded is None:
            raise _error("the song was not uploaded here, or is deleted. Upload it first: handle_file(PATH).")
        try:
            order = order_of({"model": model, "format": format, "stem": stem, "salvage": salvage}, offline=offline)
            if uploaded.survey:
                sessions.check_space(uploaded.survey.disk_bytes)
        except VocalsepError as error:
            raise _error(str(error)) from error
        if not jobs.add(uploaded, order):
            raise _error(f"{uploaded.name} is being separated already, or cannot be. {uploaded.error}")
        try:
            while uploaded.state not in OVER:
                uploaded.touch()
                await asyncio.sleep(_LOOK_SECONDS)
        except asyncio.CancelledError:
            jobs.cancel(uploaded)
            raise
        if uploaded.result is None:
            raise _error(uploaded.error or f"{uploaded.name} was cancelled.")
        outputs = uploaded.result.outputs
        return tuple(  # type: ignore[return-value]
            _file_data(uploaded.id, outputs[stem].name) if stem in outputs else None
            for stem in ("vocals", "accompaniment")
        )

    return split


def _error(words: str) -> Exception:
    """An error that the caller sees, and the server's log does not."""
    error: Exception = gr.Error(words, print_exception=False)
    return error


def _file_data(song_id: str, name: str) -> dict[str, Any]:
    """What Gradio's client takes for a file of the server, which it then asks for."""
    path = f"{song_id}/{name}"
    meta = {"_type": "gradio.FileData"}
    return {"path": path, "orig_name": name, "url": f"gradio_api/file={path}", "meta": meta}
