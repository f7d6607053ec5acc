"""Downloads with the real Hub client, in processes of its own, from a server on loopback."""

import errno
import hashlib
import random
import re
import socket
import threading
from pathlib import Path

import huggingface_hub
import pytest

from helpers.hub_downloads import CONTENT, WRONG, entry, in_cache, outcome
from helpers.hub_server import COMMIT
from vocalsep.errors import DiskFullError, DownloadError, OptionError
from vocalsep.weights.hub import fetch_repo


def test_first_download_then_cache_without_a_request(server, client):
    server.add("someone/voices", "voices.safetensors", CONTENT)
    first = outcome(client(entry=entry()))
    assert Path(first["path"]).read_bytes() == CONTENT
    assert first["progress"][-1] == [len(CONTENT), len(CONTENT)]
    assert [r.method for r in server.requests] == ["HEAD", "GET"]
    second = outcome(client(entry=entry()))
    assert second == {"path": first["path"], "progress": []}
    assert len(server.requests) == 2


def test_a_main_branch_and_a_size_that_are_not_known(server, client):
    """The hash guards what comes; what is in the cache is not asked for again."""
    source = {"repo": "someone/voices", "revision": None, "file": "v.onnx"}
    wanted = {**entry(), "bytes": None, "sources": [source]}
    server.add("someone/voices", "v.onnx", CONTENT, WRONG)
    first = outcome(client(entry=wanted))
    assert Path(first["path"]).read_bytes() == CONTENT
    n_requests = len(server.requests)
    assert len(server.gets()) == 2
    for offline in (False, True):
        again = outcome(client(entry=wanted, offline=offline))
        assert again == {"path": first["path"], "progress": []}
    assert len(server.requests) == n_requests
    server.add("someone/else", "v.onnx", WRONG)
    other = {**wanted, "sources": [{**source, "repo": "someone/else"}]}
    assert outcome(client(entry=other))["error"] == "CorruptWeightsError"


def test_resumes_after_a_cut(server, client):
    content = random.Random(2).randbytes(12_000_000)  # the client keeps what has come by chunks of 10 MiB
    server.add("someone/voices", "voices.safetensors", content, 11_500_000)
    done = outcome(client(entry=entry(content)))
    if "error" in done:  # clients before 2.0 give up, and resume when they are called again
        done = outcome(client(entry=entry(content)))
    assert Path(done["path"]).read_bytes() == content
    assert [r.range for r in server.gets()] == [None, f"bytes={10 * 2**20}-"]
    counts = [count for count, _ in done["progress"]]
    assert counts == sorted(counts)
    assert counts[-1] == len(content)


def test_wrong_bytes_are_fetched_once_more_then_refused(server, client, tmp_path):
    server.add("someone/voices", "voices.safetensors", CONTENT, WRONG, WRONG)
    failed = outcome(client(entry=entry()))
    assert failed["error"] == "CorruptWeightsError"
    assert hashlib.sha256(WRONG).hexdigest() in failed["message"]
    assert hashlib.sha256(CONTENT).hexdigest() in failed["message"]
    assert "someone/voices" in failed["message"]
    assert len(server.gets()) == 2
    assert in_cache(tmp_path) == []


def test_wrong_then_right_bytes(server, client):
    server.add("someone/voices", "voices.safetensors", CONTENT, WRONG)
    assert Path(outcome(client(entry=entry()))["path"]).read_bytes() == CONTENT
    assert len(server.gets()) == 2


def test_damage_in_the_cache_is_noticed_and_repaired(server, client):
    server.add("someone/voices", "voices.safetensors", CONTENT)
    path = Path(outcome(client(entry=entry()))["path"])
    path.write_bytes(CONTENT[:1000])
    assert outcome(client(entry=entry()))["path"] == str(path)
    assert path.read_bytes() == CONTENT
    assert len(server.gets()) == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"repo": "someone/else"}, "there is no repository someone/else"),
        ({"revision": "f" * 40}, f"someone/voices has no revision {'f' * 40}"),
        ({"file": "other.safetensors"}, f"someone/voices at {COMMIT[:12]} has no file other.safetensors"),
    ],
)
def test_not_found(server, client, tmp_path, change, says):
    server.add("someone/voices", "voices.safetensors", CONTENT)
    wanted = entry()
    wanted["sources"][0].update(change)
    failed = outcome(client(entry=wanted))
    assert (failed["error"], failed["message"]) == ("DownloadError", says)
    assert server.gets() == []


@pytest.mark.parametrize(("status", "code"), [(401, "RepoNotFound"), (401, "GatedRepo"), (403, "GatedRepo")])
def test_refused_access_says_how_to_log_in(server, client, status, code):
    server.refused["someone/voices"] = (status, code)
    failed = outcome(client(entry=entry()))
    assert failed["error"] == "DownloadError"
    assert failed["message"].startswith(f"access to someone/voices is refused ({status})")
    assert "HF_TOKEN" in failed["hint"]
    assert "hf auth login" in failed["hint"]


def test_the_token_is_sent(server, client):
    server.add("someone/voices", "voices.safetensors", CONTENT)
    outcome(client(entry=entry(), env={"HF_TOKEN": "hf_secret"}))
    assert {r.token for r in server.requests} == {"Bearer hf_secret"}


def test_no_network(client):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        failed = outcome(client(endpoint=endpoint, entry=entry(), hurry=True))
    assert failed["error"] == "DownloadError"
    assert failed["message"].startswith(f"no connection to {endpoint}: ")
    assert "HF_ENDPOINT and the proxy" in failed["hint"]


def test_no_network_as_older_clients_say_it(monkeypatch):
    def closed(*_, **__):
        raise RuntimeError("Cannot send a request, as the client has been closed.")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", closed)
    with pytest.raises(
        DownloadError, match=f"^no connection to {re.escape(huggingface_hub.constants.ENDPOINT)}: "
    ):
        fetch_repo("hf:someone/voices")


@pytest.mark.parametrize(
    ("how", "switches"),
    [
        ({"offline": True}, "offline=True"),
        ({"env": {"HF_HUB_OFFLINE": "1"}}, "HF_HUB_OFFLINE"),
        ({"offline": True, "env": {"HF_HUB_OFFLINE": "1"}}, "offline=True and HF_HUB_OFFLINE"),
    ],
)
def test_offline_makes_no_request(server, client, how, switches):
    server.add("someone/voices", "voices.safetensors", CONTENT)
    failed = outcome(client(entry=entry(), **how))
    assert failed["error"] == "DownloadError"
    assert "nothing is downloaded offline" in failed["message"]
    assert failed["hint"] == f"Run it once without {switches}."
    assert server.requests == []
    path = outcome(client(entry=entry()))["path"]
    n_requests = len(server.requests)
    assert outcome(client(entry=entry(), **how))["path"] == path
    assert len(server.requests) == n_requests


def test_server_error(server, client):
    server.refused["someone/voices"] = (500, "")
    failed = outcome(client(entry=entry(), hurry=True))
    assert failed["error"] == "DownloadError"
    assert "500" in failed["message"]


@pytest.mark.parametrize("fault", ["absent", "wrong"])
def test_the_next_mirror_is_tried(server, client, fault):
    if fault == "wrong":
        server.add("first/mirror", "voices.safetensors", CONTENT, WRONG, WRONG)
    server.add("second/mirror", "voices.safetensors", CONTENT)
    done = outcome(client(entry=entry(repos=("first/mirror", "second/mirror"))))
    assert Path(done["path"]).read_bytes() == CONTENT
    assert "second--mirror" in done["path"]
    n_requests = len(server.requests)
    again = outcome(client(entry=entry(repos=("first/mirror", "second/mirror"))))
    assert again["path"] == done["path"]
    assert len(server.requests) == n_requests, "the cached mirror comes first"


def test_all_mirrors_fail_each_for_its_reason(server, client):
    server.refused["first/mirror"] = (403, "GatedRepo")
    server.add("second/mirror", "voices.safetensors", CONTENT, WRONG, WRONG)
    failed = outcome(client(entry=entry(repos=("first/mirror", "second/mirror"))))
    assert failed["error"] == "DownloadError"
    assert "first/mirror: access to first/mirror is refused (403)" in failed["message"]
    assert "second/mirror: voices.safetensors of second/mirror is not 'voices', twice" in failed["message"]


def test_two_processes_at_once(server, client, tmp_path):
    server.rendezvous = threading.Barrier(2)  # both have found the cache empty
    server.add("someone/voices", "voices.safetensors", CONTENT)
    both = [client(entry=entry()) for _ in range(2)]
    paths = {outcome(process)["path"] for process in both}
    assert [Path(path).read_bytes() for path in paths] == [CONTENT]
    assert len(in_cache(tmp_path)) == 2, "one blob and one link, nothing unfinished"


def test_any_repository(server, client):
    server.add("someone/voices", "model.safetensors", CONTENT)
    server.add("someone/voices", "config.json", b"{}")
    path = Path(outcome(client(repo="hf:someone/voices"))["path"])
    assert path.read_bytes() == CONTENT
    assert path.with_name("config.json").read_bytes() == b"{}"
    assert outcome(client(repo="hf:someone/voices", offline=True))["path"] == str(path)
    assert outcome(client(repo=f"hf:someone/voices@{COMMIT}"))["path"] == str(path)


def test_a_repository_without_a_config_file(server, client):
    server.add("someone/voices", "model.safetensors", CONTENT)
    assert Path(outcome(client(repo="hf:someone/voices"))["path"]).read_bytes() == CONTENT


def test_pickles_of_any_repository_are_not_taken(server, client):
    server.add("someone/voices", "model.ckpt", CONTENT)
    failed = outcome(client(repo="hf:someone/voices"))
    assert failed["message"] == "someone/voices at main has no file model.safetensors"
    assert server.gets() == []


def test_full_disk(monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", full)
    with pytest.raises(DiskFullError, match="set HF_HOME to another disk"):
        fetch_repo("hf:someone/voices")


def test_a_user_without_a_home_folder_is_told_of_hf_home(monkeypatch):
    def homeless(*_, **__):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", homeless)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", "~/.cache/huggingface/hub")
    with pytest.raises(DownloadError, match=r"no home folder to keep .*Set HF_HOME"):
        fetch_repo("hf:someone/voices")


def test_a_cache_that_may_not_be_written_is_named_with_hf_home(monkeypatch, tmp_path):
    def refused(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", refused)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        DownloadError, match=f"cannot write to {re.escape(str(tmp_path))}: Permission.*Set HF_HOME"
    ):
        fetch_repo("hf:someone/voices")


@pytest.mark.parametrize("spec", ["hf:voices", "hf:a/b/c", "hf:../etc", "hf:a/..", "hf:a/b@", "hf:a/b@x/../../y"])
def test_malformed_repositories(spec):
    with pytest.raises(OptionError, match=re.escape(f"'{spec}' is no Hub repository")):
        fetch_repo(spec)
