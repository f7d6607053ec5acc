"""Downloads of files of real sizes and layouts by the real client, through all that goes wrong on the way."""

import hashlib
import io
import random
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from helpers.hub_downloads import CONTENT, entry, in_cache, outcome
from helpers.hub_server import COMMIT, HubServer, Stall
from helpers.small_disk import small_disk
from vocalsep.models.architectures import build_model
from vocalsep.system.mapping import to_mapping
from vocalsep.weights.manifest import load_manifest

MOVED = "f" * 40


@pytest.fixture(scope="module")
def scnet_file():
    """Random weights in the layout of the public file: a pickled state dict of the same tensors."""
    torch.manual_seed(0)
    file = io.BytesIO()
    torch.save(build_model(load_manifest().entry("scnet").config).state_dict(), file)
    return file.getvalue()


@pytest.fixture
def scnet(scnet_file):
    """The manifest's own entry, sources included, with the hash and size of the random weights."""
    listed = to_mapping(load_manifest().entry("scnet"))
    return {**listed, "bytes": len(scnet_file), "sha256": hashlib.sha256(scnet_file).hexdigest()}


def test_the_random_file_is_like_the_public_one(scnet_file):
    assert len(scnet_file) == pytest.approx(load_manifest().entry("scnet").bytes, rel=0.01)


def test_scnet_from_its_second_source_whose_revision_is_resolved_once(server, client, scnet, scnet_file, tmp_path):
    first, second = scnet["sources"]
    server.add(first["repo"], "README.md", b"the file was moved")
    server.add(second["repo"], second["file"], scnet_file)
    done = outcome(client(entry=scnet))
    assert Path(done["path"]).read_bytes() == scnet_file
    assert Path(done["path"]).is_relative_to(tmp_path / "hf" / "hub")
    assert f"snapshots/{COMMIT}/{second['file']}" in Path(done["path"]).as_posix()
    assert done["progress"][-1] == [len(scnet_file), len(scnet_file)]
    n_requests = len(server.requests)
    assert outcome(client(entry=scnet, offline=True)) == {"path": done["path"], "progress": []}
    assert outcome(client(entry=scnet)) == {"path": done["path"], "progress": []}
    assert len(server.requests) == n_requests


def of_main(file="voices.safetensors"):
    return {**entry(), "sources": [{"repo": "someone/voices", "revision": None, "file": file}]}


def test_a_branch_that_moved_on_does_not_fetch_again(server, client):
    server.add("someone/voices", "voices.safetensors", CONTENT)
    server.add("someone/voices", "other.safetensors", CONTENT)
    first = outcome(client(entry=of_main()))
    server.commit = MOVED
    assert MOVED in outcome(client(entry=of_main("other.safetensors")))["path"]
    n_requests = len(server.requests)
    for offline in (False, True):
        assert outcome(client(entry=of_main(), offline=offline)) == {"path": first["path"], "progress": []}
    assert len(server.requests) == n_requests


def test_what_a_killed_client_left_is_not_taken_for_the_file(server, client, scnet, scnet_file, tmp_path):
    source = scnet["sources"][0]
    stall = Stall(31 * 2**20)
    server.add(source["repo"], source["file"], scnet_file, stall)
    killed = client(entry={**scnet, "sources": [source]})
    until = time.monotonic() + 60
    while not any(part.stat().st_size >= 10 * 2**20 for part in (tmp_path / "hf").rglob("*.incomplete")):
        assert killed.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    killed.kill()
    killed.communicate()
    assert not [path for path in in_cache(tmp_path) if "snapshots" in path]
    stall.over.set()
    done = outcome(client(entry={**scnet, "sources": [source]}))
    assert Path(done["path"]).read_bytes() == scnet_file
    # since 2.0 the client goes on where it was within a run alone, see the resuming test: each run is for itself
    assert len(server.gets(source["file"])) == 2


def test_a_mirror_that_breaks_off_gives_way_to_the_next(server, client):
    server.add("first/mirror", "voices.safetensors", CONTENT, *[5_000] * 20)
    server.add("second/mirror", "voices.safetensors", CONTENT)
    done = outcome(client(entry=entry(repos=("first/mirror", "second/mirror")), hurry=True))
    assert "second--mirror" in done["path"]
    assert Path(done["path"]).read_bytes() == CONTENT


def test_a_full_disk_leaves_nothing_that_is_taken_for_the_file(server, client, tmp_path):
    content = random.Random(3).randbytes(30_000_000)
    server.add("someone/voices", "voices.safetensors", content)
    wanted = entry(content)
    with small_disk(tmp_path / "hf", "20m") as remount:
        failed = outcome(client(entry=wanted))
        assert failed["error"] == "DiskFullError"
        assert str(tmp_path / "hf") in failed["message"]
        assert not [path for path in in_cache(tmp_path) if "snapshots" in path]
        assert remount("size=80m")
        assert Path(outcome(client(entry=wanted))["path"]).read_bytes() == content


class _Proxy(BaseHTTPRequestHandler):
    """Hands requests for any host on to one server, and counts them."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Keep stderr for the tests."""

    def do_GET(self):
        self.server.asked.append(self.path)
        upstream = HTTPConnection("127.0.0.1", self.server.behind.server_port)
        path = "/" + self.path.split("/", 3)[3]
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        upstream.request(self.command, path, headers=headers)
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET


@pytest.fixture
def proxy(server: HubServer):
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), _Proxy)
    proxy.behind, proxy.asked = server, []
    threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield proxy
    proxy.shutdown()
    proxy.server_close()


def test_through_a_proxy_to_an_endpoint_of_ones_own(server, client, proxy):
    server.add("someone/voices", "voices.safetensors", CONTENT)
    address = f"http://127.0.0.1:{proxy.server_port}"
    through = {"HTTP_PROXY": address, "http_proxy": address, "NO_PROXY": ""}
    done = outcome(client(endpoint="http://hub.invalid", env=through, entry=entry()))
    assert Path(done["path"]).read_bytes() == CONTENT
    assert proxy.asked
    assert all(address.startswith("http://hub.invalid/someone/voices/") for address in proxy.asked)


def test_a_proxy_that_is_not_there_is_told_of(client):
    gone = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "NO_PROXY": ""}
    failed = outcome(client(endpoint="http://hub.invalid", env=gone, entry=entry(), hurry=True))
    assert failed["error"] == "DownloadError"
    assert failed["message"].startswith("no connection to http://hub.invalid: ")
    assert "proxy" in failed["hint"]
