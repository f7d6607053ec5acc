"""A server of the page, and somebody who uses it without a browser."""

import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

EXAMPLE = Path(__file__).parents[2] / "examples" / "demo.mp3"


@contextmanager
def web_server(**options) -> Iterator:
    """A server on a free port."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from vocalsep.web.server import WebServer

        server = WebServer(port=0, **options)
    try:
        yield server
    finally:
        server.close()
        del server
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect()  # of event loops that Gradio leaves open


class Caller:
    """A page of the server without a browser."""

    def __init__(self, server) -> None:
        self.http = httpx.Client(base_url=server.url, timeout=60)
        self.http.headers["x-vocalsep-session"] = self.http.post("vocalsep/session").json()["id"]

    def upload(self, path: Path) -> dict:
        answer = self.http.post("vocalsep/songs", params={"name": path.name}, content=path.read_bytes())
        return answer.json() | {"status": answer.status_code}

    def start(self, *songs: dict, model="compact-v6", **order) -> httpx.Response:
        order = {"model": model, "songs": [song["id"] for song in songs], **order}
        return self.http.post("vocalsep/start", json=order)

    def songs(self) -> list[dict]:
        return self.http.get("vocalsep/session").json()["songs"]

    def song(self, song: dict) -> dict:
        return next(one for one in self.songs() if one["id"] == song["id"])
