"""A small server on loopback that the real Hub client downloads from, with faults on order."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_RESOLVE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)")


@dataclass
class HubFile:
    """A file, and what goes wrong with each GET of it in turn: other bytes, or a connection cut after some."""

    content: bytes
    faults: deque[bytes | int] = field(default_factory=deque)


@dataclass(frozen=True)
class Request:
    method: str
    repo: str
    file: str
    range: str | None
    token: str | None


class HubServer(ThreadingHTTPServer):
    """Serves ``files`` of repositories at one commit.

    Attributes:
        files: by (repository, file).
        refused: repositories that answer with a status and the Hub's ``X-Error-Code`` for it.
        requests: all that were made, in order.
        rendezvous: HEADs wait for each other here, so that clients are under way at the same time.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[tuple[str, str], HubFile] = {}
        self.refused: dict[str, tuple[int, str]] = {}
        self.requests: list[Request] = []
        self.rendezvous: threading.Barrier | None = None
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, repo: str, file: str, content: bytes, *faults: bytes | int) -> None:
        self.files[repo, file] = HubFile(content, deque(faults))

    def gets(self, file: str | None = None) -> list[Request]:
        return [r for r in self.requests if r.method == "GET" and file in (None, r.file)]

    def __enter__(self) -> HubServer:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Keep stderr for the tests."""

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        match = _RESOLVE.fullmatch(self.path)
        if match is None:
            return self._error(404, "RepoNotFound")
        repo, revision, file = match.group("repo", "revision", "file")
        token = self.headers.get("Authorization")
        with self.server.lock:
            self.server.requests.append(Request(self.command, repo, file, self.headers.get("Range"), token))
        if self.server.rendezvous and self.command == "HEAD":
            self.server.rendezvous.wait(timeout=30)
        if repo in self.server.refused:
            return self._error(*self.server.refused[repo])
        if repo not in {known for known, _ in self.server.files}:
            return self._error(404, "RepoNotFound")
        if revision not in ("main", COMMIT):
            return self._error(404, "RevisionNotFound")
        if (repo, file) not in self.server.files:
            return self._error(404, "EntryNotFound")
        return self._send(self.server.files[repo, file], with_body)

    def _send(self, file: HubFile, with_body: bool) -> None:
        with self.server.lock:
            fault = file.faults.popleft() if with_body and file.faults else None
        body = fault if isinstance(fault, bytes) else file.content
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        etag = hashlib.sha256(file.content).hexdigest()
        for name, value in {
            "ETag": f'"{etag}"',
            "X-Linked-ETag": f'"{etag}"',
            "X-Linked-Size": len(file.content),
            "X-Repo-Commit": COMMIT,
            "Accept-Ranges": "bytes",
            "Content-Length": len(body) - start,
        }.items():
            self.send_header(name, str(value))
        self.end_headers()
        if with_body:
            self.wfile.write(body[start : fault if isinstance(fault, int) else None])
        if isinstance(fault, int):
            self.close_connection = True

    def _error(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()
