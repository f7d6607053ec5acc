"""What the page asks of the server, besides what Gradio answers."""

from __future__ import annotations

import math
import secrets
import threading
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from vocalsep.stem_names import ACCOMPANIMENT, STEMS, VOCALS
from vocalsep.web.answers import Refused, answered, content_length, json_object, whole_number
from vocalsep.web.facts import session_facts, song_facts
from vocalsep.web.jobs import Jobs
from vocalsep.web.limits import Limits
from vocalsep.web.mix import write_mix
from vocalsep.web.model_choice import describe_models
from vocalsep.web.order import order_of
from vocalsep.web.pace import Pace
from vocalsep.web.sessions import Session, Sessions
from vocalsep.web.song import Song
from vocalsep.web.spectrogram import spectrograms
from vocalsep.web.uploads import Uploads
from vocalsep.web.zip_stream import zip_stream

LOUDEST = 1.5
"""Where a fader ends; 1 is the level in the song."""

_SESSION_HEADER = "x-vocalsep-session"
_MOST_SECONDS = 20
_STATIC = {".js": "text/javascript", ".css": "text/css"}
_MIXES_AT_ONCE = 2
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class Routes:
    """The routes under ``vocalsep/``, which the page asks.

    Args:
        sessions: sessions of the server.
        jobs: its queue.
        uploads: receives the songs.
        pace: speed of the models.
        limits: see `Limits`.
        offline: whether no model may be downloaded.
    """

    def __init__(
        self, sessions: Sessions, jobs: Jobs, uploads: Uploads, pace: Pace, limits: Limits, *, offline: bool
    ) -> None:
        self._sessions, self._jobs, self._uploads = sessions, jobs, uploads
        self._pace, self._limits, self._offline = pace, limits, offline
        self._mixes = threading.BoundedSemaphore(_MIXES_AT_ONCE)
        self._pictures = threading.Lock()

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
            Route(f"{base}/vocalsep/{{rest:path}}", self.nothing, methods=_METHODS),
        ]

    @answered
    async def nothing(self, _: Request) -> Response:
        """What is not there; Gradio is not asked."""
        raise Refused(404, "not found")

    @answered
    async def static(self, request: Request) -> Response:
        """A script or style of the page."""
        name = request.path_params["name"]
        file = files("vocalsep.web") / "static" / name
        if Path(name).suffix not in _STATIC or Path(name).name != name or not file.is_file():
            raise Refused(404, "not found")
        return Response(
            file.read_bytes(), media_type=_STATIC[Path(name).suffix], headers={"cache-control": "no-cache"}
        )

    @answered
    async def open_session(self, _: Request) -> Response:
        """A new session for a page."""
        return JSONResponse(self._facts(self._sessions.open()))

    @answered
    async def session(self, request: Request) -> Response:
        """A session with all its songs."""
        return JSONResponse(self._facts(self._session(request)))

    @answered
    async def leave(self, request: Request) -> Response:
        """A page is closed, or loaded again. A browser sends this last word without headers."""
        self._sessions.leave((await request.body()).decode("ascii", "replace"))
        return Response(status_code=204)

    @answered
    async def models(self, _: Request) -> Response:
        """The models with their licence, size and pace."""
        return JSONResponse(describe_models(self._pace, offline=self._offline))

    @answered
    async def upload(self, request: Request) -> Response:
        """A song of a page, as the body of the request."""
        session = self._session(request)
        n_bytes = content_length(request)
        song = self._sessions.add(session, request.query_params.get("name", "song"), n_bytes)
        try:
            await self._uploads.receive(song, request.stream())
        except BaseException:
            self._sessions.remove(session, song)
            raise
        return JSONResponse(song_facts(song, self._jobs))

    @answered
    async def start(self, request: Request) -> Response:
        """Put songs of a session into the queue."""
        session, asked = self._session(request), await json_object(request)
        order = order_of(asked, offline=self._offline)
        wanted = asked.get("songs")
        if not isinstance(wanted, list):
            raise Refused(400, "songs is not a list of ids")
        for song in [song for song in session.songs if song.id in wanted]:
            if song.survey and not song.is_busy:
                self._sessions.check_space(song.survey.disk_bytes)
                self._jobs.add(song, order)
        return JSONResponse(self._facts(session))

    @answered
    async def cancel(self, request: Request) -> Response:
        """Take a song out of the queue, or end its separation."""
        self._jobs.cancel(self._song(request))
        return Response(status_code=204)

    @answered
    async def remove(self, request: Request) -> Response:
        """Delete a song."""
        session, song = self._session(request), self._song(request)
        if song not in session.songs:
            raise Refused(404, "this song is of another page")
        self._jobs.cancel(song)
        self._sessions.remove(session, song)
        return Response(status_code=204)

    @answered
    async def audio(self, request: Request) -> Response:
        """Samples of both stems, see `Preview.samples`."""
        song = self._song(request)
        if not (preview := song.preview):
            raise Refused(409, "nothing of this song can be heard yet")
        start, count = whole_number(request, "start"), whole_number(request, "count")
        if count > _MOST_SECONDS * preview.sample_rate:
            raise Refused(400, f"count is more than {_MOST_SECONDS} seconds")
        data = await run_in_threadpool(preview.samples, start, count)
        return Response(data, media_type="application/octet-stream", headers={"cache-control": "no-store"})

    @answered
    async def peaks(self, request: Request) -> Response:
        """The waveform of both stems, see `Preview.peaks`."""
        preview = self._song(request).preview
        data = preview.peaks(whole_number(request, "start")) if preview else b""
        return Response(data, media_type="application/octet-stream", headers={"cache-control": "no-store"})

    @answered
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

    @answered
    async def stem(self, request: Request) -> Response:
        """The file of a stem."""
        song = self._done_song(request)
        path = song.result.outputs.get(request.path_params["stem"]) if song.result else None
        if path is None:
            raise Refused(404, "there is no such stem")
        return FileResponse(path, filename=f"{song.track} - {path.name}")

    @answered
    async def zip(self, request: Request) -> Response:
        """All stems of a song in one archive, with the names that the command gives them."""
        song = self._done_song(request)
        outputs = list(song.result.outputs.values()) if song.result else []
        parts, headers = zip_stream(song.out_dir, outputs), _as_download(f"{song.track}.zip")
        return StreamingResponse(parts, media_type="application/zip", headers=headers)

    @answered
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

    def _facts(self, session: Session) -> dict[str, Any]:
        return session_facts(session, self._jobs, self._limits)

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
