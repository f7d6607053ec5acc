"""A small server on loopback that the real Hub client downloads from and pushes to, with faults on order."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import yaml

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_RESOLVE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)")
_OF_REPO = re.compile(r"/(?:api/models/)?(?P<repo>[^/]+/[^/]+?)(?:/|[.]git/info/|$)(?P<what>[^?]*)")


@dataclass(frozen=True)
class Stall:
    """A transfer that stands still after some bytes, for some seconds or until it is told to go on."""

    after: int
    seconds: float = 60
    over: threading.Event = field(default_factory=threading.Event)


@dataclass
class HubFile:
    """A file, and what goes wrong with each GET of it in turn.

    A fault is other bytes, a connection that is cut after some, or one that stalls.
    """

    content: bytes
    faults: deque[bytes | int | Stall] = field(default_factory=deque)


@dataclass(frozen=True)
class Request:
    method: str
    repo: str
    file: str
    range: str | None
    token: str | None


class HubServer(ThreadingHTTPServer):
    """Serves ``files`` of repositories.

    Attributes:
        commit: that the main branch is at; the files are the same at `COMMIT`.
        files: by (repository, file).
        refused: repositories, or ``objects`` for all uploads, that answer with a status and the Hub's
            ``X-Error-Code`` for it.
        requests: all that were made, in order.
        rendezvous: HEADs wait for each other here, so that clients are under way at the same time.
        private: repositories that were made, and whether each is private.
        commits: messages of what was pushed, in order.
        objects: large files that were uploaded, by their sha256.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.commit = COMMIT
        self.files: dict[tuple[str, str], HubFile] = {}
        self.refused: dict[str, tuple[int, str]] = {}
        self.requests: list[Request] = []
        self.rendezvous: threading.Barrier | None = None
        self.private: dict[str, bool] = {}
        self.commits: list[str] = []
        self.objects: dict[str, bytes] = {}
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, repo: str, file: str, content: bytes, *faults: bytes | int | Stall) -> None:
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
        if self.path.startswith("/api/models/"):
            return self._push(b"")
        return self._answer(with_body=True)

    def do_POST(self) -> None:
        self._push(self._body())

    def do_PUT(self) -> None:
        content = self._body()
        oid = self.path.removeprefix("/objects/")
        if "objects" in self.server.refused:
            return self._error(*self.server.refused["objects"])
        if hashlib.sha256(content).hexdigest() != oid:
            return self._error(400, "")
        self.server.objects[oid] = content
        return self._json({})

    def _body(self) -> bytes:
        if "Content-Length" in self.headers:
            return self.rfile.read(int(self.headers["Content-Length"]))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _push(self, body: bytes) -> None:
        """What the client asks for on the way to a commit."""
        if self.path == "/api/validate-yaml":
            return self._validate(json.loads(body)["content"])
        if self.path == "/api/repos/create":
            order = json.loads(body)
            repo, what = f"{order['organization']}/{order['name']}", "create"
        else:
            repo, what = _OF_REPO.match(self.path).group("repo", "what")
        token = self.headers.get("Authorization")
        with self.server.lock:
            self.server.requests.append(Request(self.command, repo, what, None, token))
        if token is None:
            return self._error(401, "")
        if repo in self.server.refused:
            return self._error(*self.server.refused[repo])
        if what == "create":
            known = repo in self.server.private
            private = order.get("private") or order.get("visibility") == "private"
            self.server.private.setdefault(repo, bool(private))
            return self._json({"url": f"{self.server.url}/{repo}"}, 409 if known else 200)
        if what == "":
            return self._json({"id": repo, "private": self.server.private[repo], "sha": COMMIT})
        if what == "preupload/main":
            paths = [each["path"] for each in json.loads(body)["files"]]
            modes = {path: "lfs" if path.endswith(".safetensors") else "regular" for path in paths}
            files = [{"path": path, "uploadMode": mode, "shouldIgnore": False} for path, mode in modes.items()]
            return self._json({"files": files})
        if what == "lfs/objects/batch":
            objects = [
                {**each, "actions": {"upload": {"href": f"{self.server.url}/objects/{each['oid']}"}}}
                for each in json.loads(body)["objects"]
            ]
            return self._json({"transfer": "basic", "objects": objects})
        if what == "commit/main":
            return self._commit(repo, [json.loads(line) for line in body.splitlines()])
        return self._error(404, "")

    def _validate(self, card: str) -> None:
        """Of a card with a head as the Hub wants it, or none: warn of that, as the Hub does."""
        if not card.startswith("---\n"):
            return self._json({"warnings": [{"message": "empty or missing yaml metadata"}], "errors": []})
        head = yaml.safe_load(card.split("---\n")[1])
        assert isinstance(head, dict)
        return self._json({"warnings": [], "errors": []})

    def _commit(self, repo: str, lines: list[dict[str, Any]]) -> None:
        self.server.commits.append(lines[0]["value"]["summary"])
        for line in lines[1:]:
            value = line["value"]
            content = self.server.objects[value["oid"]] if "oid" in value else base64.b64decode(value["content"])
            self.server.add(repo, value["path"], content)
        self._json({"commitUrl": f"{self.server.url}/{repo}/commit/{COMMIT}", "commitOid": COMMIT})

    def _json(self, content: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

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
        if revision not in ("main", COMMIT, self.server.commit):
            return self._error(404, "RevisionNotFound")
        if (repo, file) not in self.server.files:
            return self._error(404, "EntryNotFound")
        commit = self.server.commit if revision == "main" else revision
        return self._send(self.server.files[repo, file], commit, with_body)

    def _send(self, file: HubFile, commit: str, with_body: bool) -> None:
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
            "X-Repo-Commit": commit,
            "Accept-Ranges": "bytes",
            "Content-Length": len(body) - start,
        }.items():
            self.send_header(name, str(value))
        self.end_headers()
        if isinstance(fault, int):
            self.close_connection = True
            body = body[:fault]
        if isinstance(fault, Stall):
            self._write(body[start : fault.after])
            fault.over.wait(timeout=fault.seconds)
            start = max(start, fault.after)
        if with_body:
            self._write(body[start:])

    def _write(self, content: bytes) -> None:
        try:
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):  # the client is gone
            self.close_connection = True

    def _error(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()
