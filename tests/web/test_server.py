"""The server without a browser: what it separates, what it keeps, and whom it refuses."""

import io
import subprocess
import time
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

pytest.importorskip("gradio")

from helpers.web_page import EXAMPLE, Caller, web_server
from vocalsep import Separator
from vocalsep.web.limits import Limits


def wait_for(caller, song, *states, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        facts = caller.song(song)
        if facts["state"] in states:
            return facts
        time.sleep(0.05)
    raise AssertionError(f"{facts} after {seconds} s")


@pytest.fixture(scope="module")
def command_stems(tmp_path_factory) -> dict[str, Path]:
    """What the command makes of the demo song."""
    return Separator().separate_file(EXAMPLE, tmp_path_factory.mktemp("command")).outputs


def downloaded(caller, song, path) -> tuple[np.ndarray, int]:
    answer = caller.http.get(f"vocalsep/songs/{song['id']}/{path}")
    assert answer.status_code == 200, answer.text
    return soundfile.read(io.BytesIO(answer.content), dtype="float32", always_2d=True)


class TestSeparation:
    @pytest.fixture(scope="class")
    def done(self, server):
        caller = Caller(server)
        song = caller.upload(EXAMPLE)
        assert song["state"] == "ready"
        assert caller.start(song).status_code == 200
        assert wait_for(caller, song, "done", "failed")["state"] == "done"
        return caller, song

    @pytest.mark.parametrize("stem", ["vocals", "accompaniment"])
    def test_stems_are_those_of_the_command(self, done, command_stems, stem):
        caller, song = done
        samples, rate = downloaded(caller, song, f"stems/{stem}")
        expected, expected_rate = soundfile.read(command_stems[stem], dtype="float32", always_2d=True)
        assert rate == expected_rate
        assert np.array_equal(samples, expected)

    def test_names_and_tags(self, done, command_stems):
        import mutagen

        caller, song = done
        answer = caller.http.get(f"vocalsep/songs/{song['id']}/stems/vocals")
        assert answer.headers["content-disposition"].endswith("demo%20-%20vocals.wav")
        tags = mutagen.File(io.BytesIO(answer.content)).tags
        assert sorted(tags.keys()) == sorted(mutagen.File(command_stems["vocals"]).tags.keys())
        assert any(key.startswith("APIC") for key in tags)

    def test_zip_has_the_paths_of_the_command(self, done, command_stems):
        caller, song = done
        answer = caller.http.get(f"vocalsep/songs/{song['id']}/zip")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            assert sorted(archive.namelist()) == ["demo/accompaniment.wav", "demo/vocals.wav"]
            assert archive.read("demo/vocals.wav") == command_stems["vocals"].read_bytes()

    def test_mix_is_the_sum_of_the_stems_at_their_levels(self, done, command_stems):
        caller, song = done
        samples, _ = downloaded(caller, song, "mix?vocals=0.25&accompaniment=1.1")
        stems = {stem: soundfile.read(path, dtype="float32")[0] for stem, path in command_stems.items()}
        expected = 0.25 * stems["vocals"] + 1.1 * stems["accompaniment"]
        peak = np.abs(expected).max()
        scale = np.linalg.norm(samples) / np.linalg.norm(expected)
        assert scale == pytest.approx(min(1, 1 / peak), rel=1e-3)
        assert np.abs(samples - scale * expected).max() < 3 / 32768

    def test_karaoke_is_the_accompaniment(self, done, command_stems):
        caller, song = done
        samples, _ = downloaded(caller, song, "mix?vocals=0&accompaniment=1")
        expected, _ = soundfile.read(command_stems["accompaniment"], dtype="float32")
        assert np.abs(samples - expected).max() < 2 / 32768

    @pytest.mark.parametrize("query", ["vocals=1", "vocals=nan&accompaniment=1", "vocals=2&accompaniment=1"])
    def test_a_bad_level_leaves_no_file(self, done, server, query):
        caller, song = done
        before = files_of(server)
        assert caller.http.get(f"vocalsep/songs/{song['id']}/mix?{query}").status_code == 400
        assert files_of(server) == before

    def test_what_is_heard_is_what_is_written(self, done, command_stems):
        caller, song = done
        facts = caller.song(song)
        heard = b""
        for start in range(0, facts["samples"], 100_000):
            query = {"start": start, "count": 100_000}
            heard += caller.http.get(f"vocalsep/songs/{song['id']}/audio", params=query).content
        heard = np.frombuffer(heard, "<i2").reshape(-1, 2, 2) / 16384
        for index, stem in enumerate(("vocals", "accompaniment")):
            expected, _ = soundfile.read(command_stems[stem], dtype="float32")
            assert np.abs(heard[:, index] - expected).max() < 3 / 32768

    def test_peaks_bound_the_samples(self, done, command_stems):
        caller, song = done
        data = caller.http.get(f"vocalsep/songs/{song['id']}/peaks?start=0").content
        peaks = np.frombuffer(data, np.uint8).reshape(-1, 2)
        vocals, rate = soundfile.read(command_stems["vocals"], dtype="float32")
        assert len(peaks) == -(-len(vocals) // (rate // 50))
        assert peaks[:, 0].max() == pytest.approx(np.abs(vocals).max() * 255, abs=1.5)

    def test_spectrograms_are_pictures_that_differ(self, done):
        from PIL import Image

        caller, song = done
        pictures = {}
        for name in ("mixture", "vocals", "accompaniment"):
            answer = caller.http.get(f"vocalsep/songs/{song['id']}/spectrogram/{name}")
            image = Image.open(io.BytesIO(answer.content))
            assert image.size == (900, 256)
            pictures[name] = np.asarray(image.convert("L"), float)
        # at the start the demo song has no voice
        assert pictures["vocals"][:, :80].mean() < 0.5 * pictures["accompaniment"][:, :80].mean()
        assert pictures["mixture"].mean() > 20
        assert caller.http.get(f"vocalsep/songs/{song['id']}/spectrogram/other").status_code == 404

    @pytest.mark.parametrize(
        "query",
        ["start=-1&count=5", "start=a&count=5", "start=0", "start=0&count=99999999999", "start=1e3&count=2"],
    )
    def test_bad_ranges_are_refused(self, done, query):
        caller, song = done
        assert caller.http.get(f"vocalsep/songs/{song['id']}/audio?{query}").status_code == 400

    def test_a_range_behind_the_end_is_empty(self, done):
        caller, song = done
        assert caller.http.get(f"vocalsep/songs/{song['id']}/audio?start=99999999&count=5").content == b""


def files_of(server) -> list[str]:
    root = server.sessions.folder
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_a_text_is_named_and_leaves_nothing(caller, server, tmp_path):
    before = files_of(server)
    text = tmp_path / "words.mp3"
    text.write_text("la la la " * 1000)
    song = caller.upload(text)
    assert song["state"] == "failed"
    assert "words.mp3 is not audio" in song["error"]
    assert str(server.sessions.folder) not in song["error"]
    assert files_of(server) == before


def test_the_words_are_those_of_the_command(caller, tmp_path):
    text = tmp_path / "words.mp3"
    text.write_text("la la la " * 1000)
    done = subprocess.run(["vocalsep", "split", "words.mp3"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr.strip() == f"error: {caller.upload(text)['error']}"


def test_cancel_leaves_nothing_but_the_song(caller, server, long_song):
    song = caller.upload(long_song)
    before = files_of(server)
    caller.start(song)
    while not caller.song(song).get("samples"):
        time.sleep(0.05)
    assert files_of(server) != before
    caller.http.post(f"vocalsep/songs/{song['id']}/cancel")
    facts = wait_for(caller, song, "cancelled")
    assert facts["stems"] == []
    assert files_of(server) == before
    caller.http.delete(f"vocalsep/songs/{song['id']}")
    assert not [name for name in files_of(server) if song["id"] in name]


def test_a_second_start_changes_nothing(caller, long_song):
    song = caller.upload(long_song)
    other = caller.upload(EXAMPLE)
    caller.start(song)
    caller.start(song, format="flac")
    facts = caller.start(song, other).json()["songs"]
    assert [one["state"] for one in facts if one["id"] == other["id"]] == ["waiting"]
    assert caller.song(other)["place"] == 1
    for one in (song, other):
        caller.http.post(f"vocalsep/songs/{one['id']}/cancel")
    wait_for(caller, song, "cancelled")


class TestBounds:
    @pytest.fixture(scope="class")
    def small(self):
        limits = Limits(max_minutes=0.5, max_mb=3, max_songs=2, max_sessions=3, max_disk_gb=0.04)
        with web_server(limits=limits) as started:
            yield started

    def test_a_large_file(self, small, tmp_path):
        caller = Caller(small)
        large = tmp_path / "large.wav"
        large.write_bytes(bytes(4_000_000))
        answer = caller.upload(large)
        assert answer["status"] == 400
        assert "larger than 3 MB" in answer["error"]
        assert caller.songs() == []

    def test_a_long_file_that_is_small(self, small, tmp_path):
        """Hours of silence in a few kilobytes."""
        caller = Caller(small)
        bomb = tmp_path / "bomb.flac"
        with soundfile.SoundFile(bomb, "w", 44100, 2, "PCM_16") as file:
            for _ in range(60):
                file.write(np.zeros((44100 * 60, 2), np.int16))
        assert bomb.stat().st_size < 3_000_000
        song = caller.upload(bomb)
        assert song["state"] == "failed"
        assert "longer than 0.5 minutes" in song["error"]

    def test_many_channels(self, small, tmp_path):
        caller = Caller(small)
        wide = tmp_path / "wide.wav"
        soundfile.write(wide, np.zeros((100, 1024), np.float32), 44100)
        assert "1024 channels" in caller.upload(wide)["error"]

    def test_many_songs_and_a_full_disk(self, small):
        caller = Caller(small)
        first = caller.upload(EXAMPLE)
        second = caller.upload(EXAMPLE)
        answer = caller.upload(EXAMPLE)
        assert answer["status"] == 503
        assert "2 songs" in answer["error"]
        answer = caller.start(first, second)
        assert answer.status_code == 503
        assert "disk" in answer.json()["error"]
        for song in (first, second):
            caller.http.post(f"vocalsep/songs/{song['id']}/cancel")

    def test_many_sessions(self, small):
        callers = []
        with pytest.raises(KeyError):  # no id in the answer
            for _ in range(5):
                callers.append(Caller(small))
                callers[-1].upload(EXAMPLE)
        assert len(callers) <= 3

    def test_a_large_json(self, server, caller):
        answer = caller.http.post("vocalsep/start", json={"songs": ["x" * 100_000]})
        assert answer.status_code == 413

    def test_no_json(self, caller):
        assert caller.http.post("vocalsep/start", content=b"[" * 1000).status_code == 400
        assert caller.http.post("vocalsep/start", content=b"[]").status_code == 400


class TestGate:
    @pytest.mark.parametrize(
        "path",
        [
            "gradio_api/file=/etc/passwd",
            "gradio_api/file=C:/windows/win.ini",
            "file=/etc/passwd",
            "file/etc/passwd",
            "gradio_api/proxy=https://example.com/",
            "gradio_api/runs",
            "gradio_api/vibe-code/",
            "monitoring",
            "login_check",
            "docs",
            "openapi.json",
            "static/../../../../etc/passwd",
            "assets/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
            "vocalsep/static/..%2f..%2fpage.py",
            "vocalsep/static/%2e%2e",
            "vocalsep/none",
        ],
    )
    def test_what_the_page_does_not_need_is_shut(self, server, path):
        assert httpx.get(server.url + path).status_code in (403, 404)

    @pytest.mark.parametrize("path", ["gradio_api/component_server", "gradio_api/process_recording", "login"])
    def test_so_is_what_can_be_posted(self, server, path):
        assert httpx.post(server.url + path, json={}).status_code == 404

    @pytest.mark.parametrize("path", ["/etc/hostname", "http://127.0.0.1:1/x", "../../etc/hostname", "\u0000", ""])
    def test_the_api_reads_no_file_but_uploads(self, server, path):
        """Gradio itself copies any file that a caller names into a folder from where it can be had."""
        data = [{"path": path, "meta": {"_type": "gradio.FileData"}}, "compact-v6", "wav", "both", False]
        event = httpx.post(server.url + "gradio_api/call/split", json={"data": data}).json()["event_id"]
        answer = httpx.get(server.url + f"gradio_api/call/split/{event}", timeout=20).text
        assert "event: error" in answer

    def test_an_url_in_a_file_is_not_fetched(self, server):
        data = [{"path": "x", "url": "http://127.0.0.1:1/x", "meta": {"_type": "gradio.FileData"}}]
        event = httpx.post(server.url + "gradio_api/call/split", json={"data": data}).json()["event_id"]
        assert "event: error" in httpx.get(server.url + f"gradio_api/call/split/{event}", timeout=20).text

    @pytest.mark.parametrize(
        "headers",
        [
            {"origin": "https://example.com"},
            {"origin": "null"},
            {"origin": "http://127.0.0.1:1"},
            {"host": "example.com"},
            {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        ],
    )
    def test_other_sites_are_refused(self, server, headers):
        for path in ("", "vocalsep/models", "config"):
            assert httpx.get(server.url + path, headers=headers).status_code == 403
        assert httpx.post(server.url + "vocalsep/session", headers=headers).status_code == 403

    def test_a_link_to_the_page_is_followed(self, server):
        headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
        assert httpx.get(server.url, headers=headers).status_code == 200

    def test_own_requests_pass(self, server):
        origin = server.url.rstrip("/")
        assert httpx.post(server.url + "vocalsep/session", headers={"origin": origin}).status_code == 200

    def test_headers_keep_the_page_to_itself(self, server):
        headers = httpx.get(server.url, headers={"origin": server.url.rstrip("/")}).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert "set-cookie" not in headers
        assert not [name for name in headers if name.startswith("access-control")]

    def test_no_path_of_the_machine_is_told(self, server):
        for path in ("", "config", "gradio_api/info"):
            text = httpx.get(server.url + path).text
            assert str(Path.home()) not in text
            assert str(server.sessions.folder) not in text


class TestSessions:
    def test_two_do_not_see_each_other(self, server):
        one, other = Caller(server), Caller(server)
        song = one.upload(EXAMPLE)
        assert [known["id"] for known in one.songs()] == [song["id"]]
        assert other.songs() == []
        assert other.http.delete(f"vocalsep/songs/{song['id']}").status_code == 404
        assert other.start(song).json()["songs"] == []
        assert one.song(song)["state"] == "ready"

    def test_a_closed_page_loses_its_songs_and_a_reloaded_one_does_not(self, server, monkeypatch):
        monkeypatch.setattr("vocalsep.web.sessions._LEFT_SECONDS", 0.2)
        caller = Caller(server)
        song = caller.upload(EXAMPLE)
        leave = {"content": caller.http.headers["x-vocalsep-session"]}
        caller.http.post("vocalsep/leave", **leave)
        assert caller.song(song)["state"] == "ready"  # loaded again
        caller.http.post("vocalsep/leave", **leave)
        time.sleep(0.4)
        server.sessions.expire()
        assert caller.http.get("vocalsep/session").status_code == 404
        assert not [name for name in files_of(server) if song["id"] in name]

    def test_songs_that_nobody_uses_go(self):
        with web_server(limits=Limits(idle_seconds=0.3)) as started:
            caller = Caller(started)
            caller.upload(EXAMPLE)
            time.sleep(0.5)
            assert len(caller.songs()) == 1  # the page is open
            started.sessions.expire()
            assert caller.songs() == []
            assert files_of(started) == []


def test_a_token_where_others_reach_the_page():
    with web_server(host="0.0.0.0") as started:
        port = started.url.split(":")[2].split("/")[0]
        assert len(started.token) >= 32
        for path in ("", "config", "vocalsep/models", "gradio_api/info", "wrong/", f"{started.token}x/"):
            assert httpx.get(f"http://127.0.0.1:{port}/{path}").status_code == 404
        assert httpx.get(f"http://127.0.0.1:{port}/{started.token}/").status_code == 200
        assert httpx.get(f"http://127.0.0.1:{port}/{started.token}/vocalsep/models").status_code == 200


def test_the_client_of_gradio_splits_a_song(server, command_stems, tmp_path):
    gradio_client = pytest.importorskip("gradio_client")

    client = gradio_client.Client(server.url, verbose=False, download_files=str(tmp_path))
    vocals, accompaniment = client.predict(gradio_client.handle_file(EXAMPLE), api_name="/split")
    for stem, path in (("vocals", vocals), ("accompaniment", accompaniment)):
        assert Path(path).read_bytes() == command_stems[stem].read_bytes()


def test_the_client_is_told_what_is_wrong(server, tmp_path):
    gradio_client = pytest.importorskip("gradio_client")

    client = gradio_client.Client(server.url, verbose=False, download_files=str(tmp_path))
    song = gradio_client.handle_file(EXAMPLE)
    with pytest.raises(Exception, match="no model 'none'"):
        client.predict(song, "none", api_name="/split")
