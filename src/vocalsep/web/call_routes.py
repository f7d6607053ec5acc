"""The files of a call of the API, which Gradio's client sends and fetches at addresses of Gradio's."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from vocalsep.errors import InputError, OptionError
from vocalsep.web.answers import Refused, answered, content_length
from vocalsep.web.limits import Limits
from vocalsep.web.sessions import Sessions
from vocalsep.web.uploads import Uploads


class CallRoutes:
    """Our routes at the addresses that Gradio has for files.

    Gradio's own would take files of any size into one folder for all, and tell their paths on this machine.

    Args:
        sessions: sessions of the server.
        uploads: receives the songs.
        limits: see `Limits`.
    """

    def __init__(self, sessions: Sessions, uploads: Uploads, limits: Limits) -> None:
        self._sessions, self._uploads, self._limits = sessions, uploads, limits

    def under(self, base: str) -> list[Route]:
        """The routes below a path that has no final slash."""
        return [
            Route(f"{base}/gradio_api/upload", self.upload, methods=["POST"]),
            Route(f"{base}/gradio_api/file={{path:path}}", self.file),
        ]

    @answered
    async def upload(self, request: Request) -> Response:
        """A song for the API, as a form: Gradio's client sends it before its call."""
        n_bytes = content_length(request)
        if n_bytes > self._limits.max_bytes + 65536:
            raise OptionError(f"the file is larger than {self._limits.max_mb:g} MB")
        self._sessions.check_space(2 * n_bytes)
        async with request.form(max_files=1, max_fields=4) as form:
            file = form.get("files")
            if file is None or isinstance(file, str):
                raise OptionError("the form has no file", "Send it as 'files'.")
            session = self._sessions.open(is_call=True)
            song = self._sessions.add(session, file.filename or "song", file.size or 0)

            async def blocks() -> AsyncIterator[bytes]:
                while block := await file.read(1 << 20):
                    yield block

            try:
                await self._uploads.receive(song, blocks())
            except BaseException:
                self._sessions.close(session)
                raise
        if song.state == "failed":
            words = song.error
            self._sessions.close(session)
            raise InputError(words)
        return JSONResponse([f"{song.id}/{song.name}"])

    @answered
    async def file(self, request: Request) -> Response:
        """A stem of a song that was separated for the API."""
        song_id, _, name = request.path_params["path"].partition("/")
        song = self._sessions.song(song_id)
        outputs = song.result.outputs.values() if song and song.result else ()
        path = next((path for path in outputs if path.name == name), None)
        if song is None or path is None:
            raise Refused(404, "there is no such file")
        song.touch()
        return FileResponse(path, filename=path.name)
