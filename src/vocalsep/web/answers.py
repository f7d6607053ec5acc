"""What a route makes of a request: what it asks is read, and errors become answers that the page shows."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from vocalsep.errors import VocalsepError
from vocalsep.web.sessions import FullError

Endpoint = Callable[[Any, Request], Awaitable[Response]]


class Refused(Exception):
    """A request that cannot be served, with its status and words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


def answered(endpoint: Endpoint) -> Endpoint:
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


async def json_object(request: Request) -> dict[str, Any]:
    """The body of a request.

    Raises:
        Refused: it is not a JSON object.
    """
    try:
        asked = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise Refused(400, "the body is not JSON") from error
    if not isinstance(asked, dict):
        raise Refused(400, "the body is not a JSON object")
    return asked


def content_length(request: Request) -> int:
    """How many bytes a request says that it has.

    Raises:
        Refused: it says nothing of the kind.
    """
    text = request.headers.get("content-length", "")
    if not text.isdecimal():
        raise Refused(411, "the request does not say how long it is")
    return int(text)


def whole_number(request: Request, name: str) -> int:
    """A parameter of the address.

    Raises:
        Refused: it is not a whole number from 0 on.
    """
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise Refused(400, f"{name} is not a whole number from 0 on")
    return int(text)
