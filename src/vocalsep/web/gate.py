"""What stands between the network and the page: who may ask, and for what."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger("vocalsep")

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_OURS = "/vocalsep/"
_UPLOADS = ("/vocalsep/songs", "/gradio_api/upload")
# Everything else that Gradio offers stays shut: its uploads, files, proxy, streams, monitoring, code editor.
_READ = re.compile(
    r"/|/config|/theme\.css|/favicon\.ico|/manifest\.json|/robots\.txt|/(?:assets|static)/.+"
    r"|/gradio_api/(?:info|startup-events|theme\.css|heartbeat/\w+|queue/data|call/split/\w+|file=.+)"
)
_POSTED = re.compile(r"/gradio_api/(?:queue/join|call/split|call/v2/split|cancel|reset|upload)")
_MOST_JSON_BYTES = 65_536

_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors "
)


class Gate:
    """Lets requests of the page itself through, and of Gradio's routes only those that the page needs.

    Browsers send requests of any site to any server, this machine's included. A request that says it comes from
    another site is refused, and so is one for another host name where the server listens to this machine alone:
    a name that leads here only since a moment ago (DNS rebinding).

    Args:
        app: what is behind.
        base: path of the page without its final slash; with a token it is ``/TOKEN``.
        local_only: whether the server listens to this machine alone.
        framed_by: sites that may show the page within theirs.
    """

    def __init__(self, app: App, *, base: str, local_only: bool, framed_by: tuple[str, ...] = ()) -> None:
        self._app, self._base, self._local_only = app, base, local_only
        self._headers = [
            (b"content-security-policy", (_POLICY + (" ".join(framed_by) or "'none'")).encode()),
            (b"referrer-policy", b"no-referrer"),
            (b"x-content-type-options", b"nosniff"),
            (b"cross-origin-resource-policy", b"same-origin"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        status = self._refusal(scope, headers)
        if status:
            await _answer(send, status, self._headers)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = {name for name, _ in self._headers}
                others = [
                    (name, value)
                    for name, value in message.get("headers", [])
                    if name.lower() not in ours and not name.lower().startswith(b"access-control-")
                ]
                message = {**message, "headers": [*others, *self._headers]}
            await send(message)

        if scope["method"] == "POST" and self._path(scope) not in _UPLOADS:
            body = await _body(receive, _MOST_JSON_BYTES)
            if body is None:
                await _answer(send, 413, self._headers)
                return
            receive = _given(body, receive)
        try:
            await self._app(scope, receive, answer)
        except asyncio.CancelledError:
            pass  # the server ends, and waits no longer for answers
        except Exception:  # of one request: the server goes on for everybody else, and its log has the traceback
            _log.exception("internal error while answering %s %s", scope["method"], self._path(scope))

    def _path(self, scope: Scope) -> str:
        return str(scope["path"]).removeprefix(self._base)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> int:
        """The status with which a request is refused; 0 where it is not."""
        host = headers.get("host", "")
        if self._local_only and _name_of(host) not in LOOPBACK:
            return 403
        origin = headers.get("origin")
        hosts = (host,) if self._local_only else (host, headers.get("x-forwarded-host"))  # behind a proxy
        if origin is not None and origin.partition("://")[2] not in hosts:
            return 403
        is_link = scope["method"] == "GET" and headers.get("sec-fetch-mode") == "navigate"
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not is_link:
            return 403
        if self._base and not scope["path"].startswith(f"{self._base}/"):
            return 404
        path = self._path(scope)
        if path.startswith(_OURS):
            return 0
        allowed = {"GET": _READ, "HEAD": _READ, "POST": _POSTED}.get(scope["method"])
        return 0 if allowed and allowed.fullmatch(path) and "/.." not in path else 404


def _name_of(host: str) -> str:
    """The name in a Host header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


async def _body(receive: Receive, most: int) -> bytes | None:
    """The whole body of a request; None where it is longer than ``most``."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > most:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _given(body: bytes, receive: Receive) -> Receive:
    """A channel that gives a body which was read already."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    text = {403: b"refused", 404: b"not found", 413: b"too large"}[status]
    await send(
        {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain"), *headers]}
    )
    await send({"type": "http.response.body", "body": text})
