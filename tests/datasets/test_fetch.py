"""Downloads from a server on loopback, with faults on order."""

import errno
import hashlib
import os
import re
import shutil
import stat
import threading
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from vocalsep.datasets import fetch as fetching
from vocalsep.datasets.archive import find_missing
from vocalsep.datasets.fetch import fetch
from vocalsep.errors import CorruptArchiveError, DiskFullError, DownloadError, OutputError


class Server(ThreadingHTTPServer):
    """Serves one file.

    Attributes:
        content: of the file.
        ranges: whether it heeds Range, as it should.
        elsewhere: whether it answers a Range with another one.
        sized: whether it says how much there is.
        faults: what goes wrong with each GET in turn: a status, or a number of bytes after which it hangs up, or
            other bytes, or seconds to wait before an answer.
        requested: the Range of each GET.
    """

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.ranges, self.elsewhere, self.sized = content, True, False, True
        self.faults, self.requested = deque(), []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/songs.zip"

    def handle_error(self, request, client_address):
        """Clients that go away are part of the tests."""


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        """Keep stderr for the tests."""

    def do_GET(self):
        server = self.server
        server.requested.append(self.headers.get("Range"))
        fault = server.faults.popleft() if server.faults else None
        if isinstance(fault, float):
            time.sleep(fault)
        if isinstance(fault, str):
            return self.head(int(fault), {"Content-Length": "0"})
        content = fault if isinstance(fault, bytes) else server.content
        start = int(re.sub(r"\D", "", self.headers.get("Range") or "0")) if server.ranges else 0
        if start >= len(content):
            return self.head(416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"})
        headers = {"Content-Length": str(len(content) - start)} if server.sized else {}
        if start:
            headers["Content-Range"] = f"bytes {start + 7 * server.elsewhere}-{len(content) - 1}/{len(content)}"
        self.head(206 if start else 200, headers)
        self.wfile.write(content[start : fault if isinstance(fault, int) else None])
        return None

    def head(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


@pytest.fixture
def server(songs, zipped):
    with Server(zipped(songs)) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def archive(archive, server):
    return replace(archive, url=server.url)


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    monkeypatch.setattr(fetching, "_BACK_OFF_SECONDS", (0, 0, 0))
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_fetch_then_nothing_to_do(server, archive, songs, tmp_path, contents):
    root = tmp_path / "new" / "data"
    fetch(archive, root)
    assert contents(root) == songs
    assert server.requested == [None]
    fetch(archive, root)
    assert len(server.requested) == 1


def test_the_zip_is_kept_when_asked_for(server, archive, songs, tmp_path, contents):
    fetch(archive, tmp_path, keep_zip=True)
    assert contents(tmp_path) == {**songs, "songs.zip": server.content}


def test_steps_and_progress_in_bytes(server, archive, tmp_path):
    seen = {}

    @contextmanager
    def bars(step):
        seen[step] = []
        yield lambda done, total: seen[step].append((done, total))

    fetch(archive, tmp_path, bars=bars)
    assert list(seen) == ["downloading", "checking", "unpacking"]
    for step, total in (("downloading", len(server.content)), ("unpacking", 300_000)):
        assert seen[step] == sorted(seen[step])
        assert seen[step][-1] == (total, total)


def test_goes_on_after_cuts(server, archive, songs, tmp_path, contents):
    server.faults.extend([100_000, 50_000 + 100_000, 200_000])
    fetch(archive, tmp_path)
    assert contents(tmp_path) == songs
    assert server.requested == [None, "bytes=100000-", "bytes=150000-", "bytes=200000-"]


def test_goes_on_in_another_process(server, archive, songs, tmp_path, contents):
    (tmp_path / "songs.zip.part").write_bytes(server.content[:123_456])
    fetch(archive, tmp_path)
    assert contents(tmp_path) == songs
    assert server.requested == ["bytes=123456-"]


def test_a_part_that_is_whole(server, archive, songs, tmp_path, contents):
    """All came, and the process was killed before it noticed."""
    (tmp_path / "songs.zip.part").write_bytes(server.content)
    fetch(archive, tmp_path)
    assert contents(tmp_path) == songs
    assert server.requested == [f"bytes={len(server.content)}-"]


def test_a_part_that_is_too_long(server, archive, songs, tmp_path, contents):
    (tmp_path / "songs.zip.part").write_bytes(server.content + b"more")
    fetch(archive, tmp_path)
    assert contents(tmp_path) == songs
    assert server.requested[1:] == [None]


def test_server_without_ranges_starts_over(server, archive, songs, tmp_path, contents):
    server.ranges = False
    server.faults.append(100_000)
    fetch(archive, tmp_path)
    assert contents(tmp_path) == songs
    assert server.requested == [None, "bytes=100000-"]


def test_server_that_goes_on_elsewhere(server, archive, songs, tmp_path, contents):
    server.elsewhere = True
    server.faults.append(100_000)
    fetch(archive, tmp_path)
    assert contents(tmp_path) == songs
    assert server.requested == [None, "bytes=100000-", None]


def test_server_that_does_not_say_how_much(server, archive, songs, tmp_path, contents):
    server.sized = False
    fetch(archive, tmp_path)
    assert contents(tmp_path) == songs


def test_server_that_does_not_answer_in_time(server, archive, songs, tmp_path, monkeypatch, contents):
    monkeypatch.setattr(fetching, "_TIMEOUT_SECONDS", 0.2)
    server.faults.append(1.0)
    fetch(archive, tmp_path)
    assert contents(tmp_path) == songs


@pytest.mark.parametrize("status", ["429", "503"])
def test_passing_trouble(server, archive, songs, tmp_path, status, contents):
    server.faults.extend([status, 100_000, status, status])
    fetch(archive, tmp_path)
    assert contents(tmp_path) == songs


def test_lasting_trouble_is_given_up_and_what_came_stays(server, archive, tmp_path, contents):
    server.faults.extend([100_000, *(10 * ["503"])])
    with pytest.raises(DownloadError, match=r"503.*Run the command again: it goes on at 0\.00 GB"):
        fetch(archive, tmp_path)
    assert contents(tmp_path) == {"songs.zip.part": server.content[:100_000]}
    server.faults.clear()
    fetch(archive, tmp_path)
    assert server.requested[-1] == "bytes=100000-"


def test_a_server_that_hangs_up_at_the_same_byte_is_given_up(server, archive, tmp_path):
    server.ranges = False
    server.faults.extend(20 * [100_000])
    with pytest.raises(DownloadError, match="the connection ended early"):
        fetch(archive, tmp_path)
    assert len(server.requested) == 5


def test_not_found_is_not_tried_again(server, archive, tmp_path):
    server.faults.append("404")
    with pytest.raises(DownloadError, match=r"answers 404 Not Found.*put songs\.zip in") as caught:
        fetch(archive, tmp_path)
    assert archive.url in caught.value.message
    assert len(server.requested) == 1


def test_no_network(server, archive, tmp_path):
    server.shutdown()
    server.server_close()
    with pytest.raises(DownloadError, match="ConnectionRefusedError"):
        fetch(archive, tmp_path)


def test_wrong_bytes_are_fetched_once_more(server, archive, songs, tmp_path, contents):
    wrong = server.content[:-1] + bytes([server.content[-1] ^ 1])
    server.faults.append(wrong)
    fetch(archive, tmp_path)
    assert contents(tmp_path) == songs
    assert server.requested == [None, None]


def test_wrong_bytes_twice_are_an_error_and_gone(server, archive, tmp_path, contents):
    wrong = server.content[:-1] + bytes([server.content[-1] ^ 1])
    server.faults.extend([wrong, wrong])
    with pytest.raises(CorruptArchiveError) as caught:
        fetch(archive, tmp_path)
    assert hashlib.sha256(wrong).hexdigest() in caught.value.message
    assert archive.sha256 in caught.value.message
    assert contents(tmp_path) == {}


def test_a_zip_that_is_there_is_taken(server, archive, songs, tmp_path, contents):
    (tmp_path / "songs.zip").write_bytes(server.content)
    fetch(archive, tmp_path)
    assert contents(tmp_path) == songs
    assert server.requested == []


def test_a_wrong_zip_that_is_there_is_replaced(server, archive, songs, tmp_path, contents):
    (tmp_path / "songs.zip").write_bytes(server.content[:1000])
    fetch(archive, tmp_path)
    assert contents(tmp_path) == songs


def test_no_room_is_said_before_anything_comes(server, archive, tmp_path, monkeypatch, contents):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=250_000_000))
    large = replace(archive, extracted_bytes=1_000_000_000)
    with pytest.raises(
        DiskFullError, match=r"needs 1\.0 GB more in .*, where 0\.2 GB are free. Free 0\.8 GB"
    ) as caught:
        fetch(large, tmp_path)
    assert str(tmp_path) in caught.value.message
    assert contents(tmp_path) == {}


def test_what_is_there_is_not_counted_as_needed(server, archive, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    needed = len(server.content) - 100_000 + archive.extracted_bytes
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=needed))
    (tmp_path / "songs.zip.part").write_bytes(server.content[:100_000])
    fetch(archive, tmp_path)
    assert find_missing(archive, tmp_path) is None


def test_root_is_a_file(archive, tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(OutputError, match="not a folder"):
        fetch(archive, tmp_path / "data")


def test_songs_missing_in_the_zip(server, archive, tmp_path):
    more = replace(archive, songs={"train": 3, "test": 4})
    with pytest.raises(CorruptArchiveError, match=r"test has 2 whole songs, not 4"):
        fetch(more, tmp_path)


def test_a_stop_in_a_song_leaves_the_songs_before(server, archive, songs, tmp_path, contents):
    class Killed(BaseException):
        pass

    @contextmanager
    def bars(step):
        def advance(done, total):
            if step == "unpacking" and done > 130_000:  # in the third song
                raise Killed

        yield advance

    with pytest.raises(Killed):
        fetch(archive, tmp_path, bars=bars)
    first = {name for name in songs if re.match("train/Song [01]/", name)}
    assert set(contents(tmp_path)) == {*first, "songs.zip"}
    before = {name: (tmp_path / name).stat().st_ino for name in first}
    fetch(archive, tmp_path)
    assert contents(tmp_path) == songs
    assert {name: (tmp_path / name).stat().st_ino for name in first} == before, "whole songs are left alone"
    assert server.requested == [None]


def test_what_a_killed_process_left_is_no_song_and_goes(server, archive, songs, tmp_path, contents):
    for name in ("mixture.wav", "vocals.wav"):
        left = tmp_path / "test" / ".vocalsep-Song 0" / name
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_bytes(b"whole, and not renamed yet")
    assert "test has 0 whole songs" in (find_missing(replace(archive, songs={"test": 1}), tmp_path) or "")
    fetch(archive, tmp_path)
    assert contents(tmp_path) == songs


def test_a_song_folder_that_is_there_in_part_is_completed(server, archive, songs, tmp_path, contents):
    own = tmp_path / "train" / "Song 1"
    own.mkdir(parents=True)
    (own / "notes.txt").write_text("mine")
    (own / "vocals.wav").write_bytes(b"torn")
    fetch(archive, tmp_path)
    assert contents(tmp_path) == {**songs, "train/Song 1/notes.txt": b"mine"}


def test_songs_have_the_rights_of_other_new_files(archive, tmp_path):
    fetch(archive, tmp_path)
    (tmp_path / "other").mkdir()
    rights = stat.S_IMODE((tmp_path / "other").stat().st_mode)
    assert stat.S_IMODE((tmp_path / "train" / "Song 0").stat().st_mode) == rights


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has this file")
def test_full_disk_while_downloading(archive, tmp_path):
    (tmp_path / "songs.zip.part").symlink_to("/dev/full")
    with pytest.raises(DiskFullError, match=r"no space left to write .*goes on where it stopped"):
        fetch(archive, tmp_path)


def test_full_disk_while_unpacking(server, archive, songs, tmp_path, monkeypatch, contents):
    n_synced = 0

    def fsync(_):
        nonlocal n_synced
        n_synced += 1
        if n_synced == 4:  # the second file of the second song
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(DiskFullError, match="goes on where it stopped"):
        fetch(archive, tmp_path)
    assert set(contents(tmp_path)) == {"train/Song 0/mixture.wav", "train/Song 0/vocals.wav", "songs.zip"}
    fetch(archive, tmp_path)
    assert contents(tmp_path) == songs
    assert server.requested == [None]
