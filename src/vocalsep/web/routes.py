"""What the page asks of the server, besides what Gradio answers."""

from __future__ import annotations

import asyncio
import json
import math
import secrets
import threading
from collections.abc import Awaitable, Callable
from functools import wraps
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from vocalsep.errors import InputError, OptionError, VocalsepError
from vocalsep.stem_names import ACCOMPANIMENT, STEMS, VOCALS
from vocalsep.web.jobs import Jobs
from vocalsep.web.limits import Limits
from vocalsep.web.mix import write_mix
from vocalsep.web.model_choice import describe_models
from vocalsep.web.order import order_of
from vocalsep.web.pace import Pace
from vocalsep.web.preview import preview_rate
from vocalsep.web.sessions import FullError, Session, Sessions
from vocalsep.web.song import Song
from vocalsep.web.spectrogram import spectrograms
from vocalsep.web.zip_stream import zip_stream

LOUDEST = 1.5
"""Where a fader ends; 1 is the level in the song."""

_SESSION_HEADER = "x-vocalsep-session"
_MOST_SECONDS = 20
_STATIC = {".js": "text/javascript", ".css": "text/css"}
_MIXES_AT_ONCE = 2
_SURVEYS_AT_ONCE = 2
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]

Endpoint = Callable[[Any, Request], Awaitable[Response]]


class Refused(Exception):
    """A request that cannot be served, with its status and words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


def _answered(endpoint: Endpoint) -> Endpoint:
    """Turn errors into answers that the page shows."""

    @wraps(endpoint)
    async def wrapped(self: Any, request: Request) -> Response:
        try:
            return await endpoint(self, request)
        except Refused as error:
            return JSONResponse({"error": str(error)}, error.status)
        except FullError as error:
            return JSONResponse({"error": str(error)}, 503)
        except VocalsepError as error:
            return JSONResponse({"error": str(error)}, 400)
        except ClientDisconnect:
            return Response(status_code=400)

    return wrapped


class Routes:
    """The routes under ``vocalsep/``, and those of Gradio's for files, which are ours.

    Gradio's own would take files of any size into one folder for all, and tell their paths on this machine.

    Args:
        sessions: sessions of the server.
        jobs: its queue.
        pace: speed of the models.
        limits: see `Limits`.
        offline: whether no model may be downloaded.
    """

    def __init__(self, sessions: Sessions, jobs: Jobs, pace: Pace, limits: Limits, *, offline: bool) -> None:
        self._sessions, self._jobs, self._pace, self._limits = sessions, jobs, pace, limits
        self._offline = offline
        self._mixes = threading.BoundedSemaphore(_MIXES_AT_ONCE)
        self._pictures = threading.Lock()
        self._surveys = asyncio.Semaphore(_SURVEYS_AT_ONCE)

    def under(self, base: str) -> list[Route]:
        """The routes below a path that has no final slash."""
        song = f"{base}/vocalsep/songs/{{song}}"
        return [
            Route(f"{base}/vocalsep/static/{{name}}", self.static),
            Route(f"{base}/vocalsep/session", self.open_session, methods=["POST"]),
            Route(f"{base}/vocalsep/session", self.session),
            Route(f"{base}/vocalsep/leave", self.leave, methods=["POST"]),
            Route(f"{base}/vocalsep/models", self.models),
            Route(f"{base}/vocalsep/songs", self.upload, methods=["POST"]),
            Route(f"{base}/vocalsep/start", self.start, methods=["POST"]),
            Route(f"{song}/cancel", self.cancel, methods=["POST"]),
            Route(song, self.remove, methods=["DELETE"]),
            Route(f"{song}/audio", self.audio),
            Route(f"{song}/peaks", self.peaks),
            Route(f"{song}/spectrogram/{{picture}}", self.spectrogram),
            Route(f"{song}/stems/{{stem}}", self.stem),
            Route(f"{song}/zip", self.zip),
            Route(f"{song}/mix", self.mix),
            Route(
                f"{base}/vocalsep/{{rest:path}}", self.nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]
            ),
            Route(f"{base}/gradio_api/upload", self.upload_of_call, methods=["POST"]),
            Route(f"{base}/gradio_api/file={{path:path}}", self.file_of_call),
        ]

    @_answered
    async def nothing(self, _: Request) -> Response:
        """What is not there; Gradio is not asked."""
        raise Refused(404, "not found")

    @_answered
    async def static(self, request: Request) -> Response:
        """A script or style of the page."""
        name = request.path_params["name"]
        file = files("vocalsep.web") / "static" / name
        if Path(name).suffix not in _STATIC or Path(name).name != name or not file.is_file():
            raise Refused(404, "not found")
        return Response(
            file.read_bytes(), media_type=_STATIC[Path(name).suffix], headers={"cache-control": "no-cache"}
        )

    @_answered
    async def open_session(self, _: Request) -> Response:
        """A new session for a page."""
        return JSONResponse(self._session_facts(self._sessions.open()))

    @_answered
    async def session(self, request: Request) -> Response:
        """A session with all its songs."""
        return JSONResponse(self._session_facts(self._session(request)))

    @_answered
    async def leave(self, request: Request) -> Response:
        """A page is closed, or loaded again. A browser sends this last word without headers."""
        self._sessions.leave((await request.body()).decode("ascii", "replace"))
        return Response(status_code=204)

    @_answered
    async def models(self, _: Request) -> Response:
        """The models with their licence, size and pace."""
        return JSONResponse(describe_models(self._pace, offline=self._offline))

    @_answered
    async def upload(self, request: Request) -> Response:
        """A song of a page, as the body of the request."""
        session = self._session(request)
        n_bytes = _content_length(request)
        song = self._sessions.add(session, request.query_params.get("name", "song"), n_bytes)
        try:
            await self._receive(song, request.stream())
        except BaseException:
            self._sessions.remove(session, song)
            raise
        return JSONResponse(self._song_facts(song))

    @_answered
    async def upload_of_call(self, request: Request) -> Response:
        """A song for the API, as a form: Gradio's client sends it before its call."""
        n_bytes = _content_length(request)
        if n_bytes > self._limits.max_bytes + 65536:
            raise OptionError(f"the file is larger than {self._limits.max_mb:g} MB")
        self._sessions.check_space(2 * n_bytes)
        async with request.form(max_files=1, max_fields=4) as form:
            file = form.get("files")
            if file is None or isinstance(file, str):
                raise OptionError("the form has no file", "Send it as 'files'.")
            session = self._sessions.open(is_call=True)
            song = self._sessions.add(session, file.filename or "song", file.size or 0)

            async def blocks() -> Any:
                while block := await file.read(1 << 20):
                    yield block

            try:
                await self._receive(song, blocks())
            except BaseException:
                self._sessions.close(session)
                raise
        if song.state == "failed":
            words = song.error
            self._sessions.close(session)
            raise InputError(words)
        return JSONResponse([f"{song.id}/{song.name}"])

    async def _receive(self, song: Song, blocks: Any) -> None:
        """Write an upload, and find out what it is."""
        n_bytes = 0
        with song.path.open("xb") as file:
            async for block in blocks:
                n_bytes += len(block)
                if n_bytes > song.size:
                    raise Refused(400, f"{song.name} is larger than was said")
                if song.removed:
                    raise Refused(410, f"{song.name} was removed")
                await run_in_threadpool(file.write, block)
                song.touch()
        async with self._surveys:
            await run_in_threadpool(song.check, self._limits)

    @_answered
    async def start(self, request: Request) -> Response:
        """Put songs of a session into the queue."""
        session, asked = self._session(request), await _json(request)
        order = order_of(asked, offline=self._offline)
        wanted = asked.get("songs")
        if not isinstance(wanted, list):
            raise Refused(400, "songs is not a list of ids")
        for song in [song for song in session.songs if song.id in wanted]:
            if song.survey and not song.is_busy:
                self._sessions.check_space(song.survey.disk_bytes)
                self._jobs.add(song, order)
        return JSONResponse(self._session_facts(session))

    @_answered
    async def cancel(self, request: Request) -> Response:
        """Take a song out of the queue, or end its separation."""
        self._jobs.cancel(self._song(request))
        return Response(status_code=204)

    @_answered
    async def remove(self, request: Request) -> Response:
        """Delete a song."""
        session, song = self._session(request), self._song(request)
        if song not in session.songs:
            raise Refused(404, "this song is of another page")
        self._jobs.cancel(song)
        self._sessions.remove(session, song)
        return Response(status_code=204)

    @_answered
    async def audio(self, request: Request) -> Response:
        """Samples of both stems, see `Preview.samples`."""
        song = self._song(request)
        if not (preview := song.preview):
            raise Refused(409, "nothing of this song can be heard yet")
        start, count = _whole(request, "start"), _whole(request, "count")
        if count > _MOST_SECONDS * preview.sample_rate:
            raise Refused(400, f"count is more than {_MOST_SECONDS} seconds")
        data = await run_in_threadpool(preview.samples, start, count)
        return Response(data, media_type="application/octet-stream", headers={"cache-control": "no-store"})

    @_answered
    async def peaks(self, request: Request) -> Response:
        """The waveform of both stems, see `Preview.peaks`."""
        preview = self._song(request).preview
        data = preview.peaks(_whole(request, "start")) if preview else b""
        return Response(data, media_type="application/octet-stream", headers={"cache-control": "no-store"})

    @_answered
    async def spectrogram(self, request: Request) -> Response:
        """A spectrogram as PNG."""
        song = self._done_song(request)
        preview = song.preview
        assert preview is not None

        def draw() -> dict[str, bytes]:
            with self._pictures:  # one song at a time: the others would only make each other slow
                song.pictures = song.pictures or spectrograms(preview)
                return song.pictures

        picture = (await run_in_threadpool(draw)).get(request.path_params["picture"])
        if picture is None:
            raise Refused(404, "there is no such picture")
        return Response(picture, media_type="image/png")

    @_answered
    async def stem(self, request: Request) -> Response:
        """The file of a stem."""
        song = self._done_song(request)
        path = song.result.outputs.get(request.path_params["stem"]) if song.result else None
        if path is None:
            raise Refused(404, "there is no such stem")
        return FileResponse(path, filename=f"{song.track} - {path.name}")

    @_answered
    async def zip(self, request: Request) -> Response:
        """All stems of a song in one archive, with the names that the command gives them."""
        song = self._done_song(request)
        outputs = list(song.result.outputs.values()) if song.result else []
        parts, headers = zip_stream(song.out_dir, outputs), _as_download(f"{song.track}.zip")
        return StreamingResponse(parts, media_type="application/zip", headers=headers)

    @_answered
    async def mix(self, request: Request) -> Response:
        """The song with its stems at other levels."""
        song = self._done_song(request)
        result, order = song.result, song.order
        assert result is not None
        assert order is not None
        levels = {stem: _level(request, stem) for stem in STEMS}
        if not self._mixes.acquire(blocking=False):
            raise Refused(503, "other mixes are being written: try again in a moment")
        path = song.folder / "mixes" / f"{secrets.token_hex(8)}.{order.format.extension}"
        try:
            await run_in_threadpool(write_mix, result, path, levels, order.format, order.reading)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            self._mixes.release()
        name = f"{song.track} - {_mix_name(levels)}{path.suffix}"
        return FileResponse(path, filename=name, background=BackgroundTask(path.unlink, missing_ok=True))

    @_answered
    async def file_of_call(self, request: Request) -> Response:
        """A stem of a song that was separated for the API."""
        song_id, _, name = request.path_params["path"].partition("/")
        song = self._sessions.song(song_id)
        outputs = song.result.outputs.values() if song and song.result else ()
        path = next((path for path in outputs if path.name == name), None)
        if song is None or path is None:
            raise Refused(404, "there is no such file")
        song.touch()
        return FileResponse(path, filename=path.name)

    def _session(self, request: Request) -> Session:
        session = self._sessions.get(request.headers.get(_SESSION_HEADER, ""))
        if session is None:
            raise Refused(404, "this page was closed for too long: its songs are deleted")
        return session

    def _song(self, request: Request) -> Song:
        song = self._sessions.song(request.path_params["song"])
        if song is None:
            raise Refused(404, "this song is deleted")
        song.touch()
        return song

    def _done_song(self, request: Request) -> Song:
        song = self._song(request)
        if song.state != "done":
            raise Refused(409, f"{song.name} is not separated yet")
        return song

    def _session_facts(self, session: Session) -> dict[str, Any]:
        return {
            "id": session.id,
            "limits": {"minutes": self._limits.max_minutes, "bytes": self._limits.max_bytes},
            "songs": [self._song_facts(song) for song in session.songs],
        }

    def _song_facts(self, song: Song) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "id": song.id,
            "name": song.name,
            "track": song.track,
            "state": song.state,
            "error": song.error,
            "stage": song.stage,
            "place": self._jobs.place(song),
            "left": song.seconds_left,
            "model": song.order.model if song.order else None,
            "stems": list(song.result.outputs) if song.result else [],
        }
        if song.survey:
            facts |= {"seconds": song.survey.seconds, "output": preview_rate(song.survey.info.sample_rate)}
        if preview := song.preview:
            facts |= {
                "rate": preview.sample_rate,
                "channels": preview.channels,
                "samples": preview.n_samples,
                "peaks": preview.n_peaks,
                "bin": preview.bin_seconds,
            }
        return facts


async def _json(request: Request) -> dict[str, Any]:
    try:
        asked = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise Refused(400, "the body is not JSON") from error
    if not isinstance(asked, dict):
        raise Refused(400, "the body is not a JSON object")
    return asked


def _content_length(request: Request) -> int:
    text = request.headers.get("content-length", "")
    if not text.isdecimal():
        raise Refused(411, "the request does not say how long it is")
    return int(text)


def _whole(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise Refused(400, f"{name} is not a whole number from 0 on")
    return int(text)


def _level(request: Request, stem: str) -> float:
    text = request.query_params.get(stem, "")
    try:
        level = float(text)
    except ValueError:
        level = math.nan
    if not 0 <= level <= LOUDEST:
        raise Refused(400, f"the level of the {stem}, '{text}', is not a number from 0 to {LOUDEST}")
    return level


def _mix_name(levels: dict[str, float]) -> str:
    if levels[VOCALS] == 0:
        return "karaoke"
    return f"mix {round(levels[VOCALS] * 100)}-{round(levels[ACCOMPANIMENT] * 100)}"


def _as_download(name: str) -> dict[str, str]:
    return {"content-disposition": f"attachment; filename*=utf-8''{quote(name, safe='')}"}
