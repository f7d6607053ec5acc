"""Songs on the workers of a local Ray: they come out as without, whatever becomes of the workers."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from helpers.stem_reading import leftovers, read
from vocalsep.audio.outputs import Outputs
from vocalsep.audio.reading_options import ReadingOptions
from vocalsep.errors import ClusterError, OptionError
from vocalsep.separation.options import SeparationOptions

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs the extra 'ray'")
needs_two_cores = pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="Ray gives each worker a core")
needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="finds processes in /proc")

ON_RAY = ("-d", "cpu", "--cluster", "ray", "--jobs", "2")
SONGS = "abcd"
SECONDS = 20


def start(*arguments, **options):
    command = [sys.executable, "-m", "vocalsep", "split", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


@pytest.fixture
def long_songs(tmp_path):
    noise = (0.1 * np.random.default_rng(1).standard_normal((SECONDS * 44100, 2))).astype(np.float32)
    paths = [tmp_path / f"{name}.wav" for name in SONGS]
    for i, path in enumerate(paths):
        soundfile.write(path, np.roll(noise, 1000 * i, axis=0), 44100, subtype="PCM_16")
    return paths


def wait_until_two_songs_are_under_way(process, out):
    deadline = time.monotonic() + 240
    while len({Path(path).parent for path in leftovers(out)}) < 2:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def workers_of(process) -> list[int]:
    """The process ids of the workers: children of a child of ``process``."""
    parents, titles = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            titles[int(folder.name)] = (folder / "cmdline").read_text(errors="replace")
            parents[int(folder.name)] = int(re.search(r"PPid:\s+(\d+)", (folder / "status").read_text())[1])
    return [
        pid
        for pid, title in titles.items()
        if title.startswith("ray::_Worker") and parents.get(parents.get(pid)) == process.pid
    ]


@needs_ray
@needs_two_cores
@needs_proc
def test_a_worker_killed_in_the_middle(long_songs, tmp_path):
    """Every song comes out once and whole: its stems have its length and add up to it."""
    out = tmp_path / "out"
    process = start(*long_songs, "-o", out, "--json", *ON_RAY)
    wait_until_two_songs_are_under_way(process, out)
    workers = workers_of(process)
    assert len(workers) == 2
    for worker in workers:  # Ray's own niceness of 15 would be a hundredth of a core next to other work
        assert os.getpriority(os.PRIO_PROCESS, worker) == os.getpriority(os.PRIO_PROCESS, process.pid)
    os.kill(workers[0], signal.SIGKILL)
    stdout, stderr = process.communicate(timeout=400)
    assert process.returncode == 0, stderr
    facts = [json.loads(line) for line in stdout.splitlines()]
    assert [fact["input"] for fact in facts] == [str(path) for path in long_songs]
    assert {fact["status"] for fact in facts} == {"done"}
    assert leftovers(out)  # of the killed worker, which was at it
    told = [line for line in stderr.splitlines() if " in " in line]
    assert len(told) == len(SONGS) + 1
    assert sum("the worker died, in attempt 1 of 3" in line for line in told) == 1
    assert stderr.splitlines() == told  # and nothing by Ray
    for path in long_songs:
        stems = [read(out / path.stem / f"{stem}.wav") for stem in ("vocals", "accompaniment")]
        assert np.abs(sum(stems) - read(path)).max() <= 1.01 / 32768  # each is rounded to 16 bits
    files = {str(path) for path in out.rglob("*") if path.is_file()}
    assert len(files - set(leftovers(out))) == 2 * len(SONGS)


@needs_ray
@needs_two_cores
@needs_proc
def test_ctrl_c_leaves_nothing(long_songs, tmp_path):
    """Pressed in a terminal, it goes to Ray's processes as well."""
    out = tmp_path / "out"
    process = start(*long_songs, "-o", out, *ON_RAY, start_new_session=True)
    wait_until_two_songs_are_under_way(process, out)
    workers = workers_of(process)
    os.killpg(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=200)
    assert (process.returncode, stdout) == (130, "")
    assert stderr == "interrupted: nothing half-written is left\n"
    assert [path for path in out.rglob("*") if path.is_file()] == []
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@needs_ray
@needs_two_cores
def test_results_are_those_of_this_machine(song, tmp_path):
    """Damaged songs among good ones, relative paths, one output that exists: line by line the same."""
    told = []
    for name, options in (("here", ("-d", "cpu", "--jobs", "2")), ("ray", ON_RAY)):
        folder = tmp_path / name
        (folder / "album").mkdir(parents=True)
        for track in "acd":
            shutil.copy(song, folder / "album" / f"{track}.wav")
        (folder / "album" / "b.wav").write_text("not audio at all, but a letter to a friend")
        (folder / "out" / "d").mkdir(parents=True)
        (folder / "out" / "d" / "vocals.wav").write_bytes(b"mine")
        process = start("album", "missing.mp3", "-o", "out", "--json", "--threads", "1", *options, cwd=folder)
        stdout, stderr = process.communicate(timeout=400)
        assert process.returncode == 50, stderr
        lines = [json.loads(line) for line in stdout.splitlines()]
        assert [line["status"] for line in lines] == ["done", "failed", "done", "failed", "failed"]
        times = [line.pop(key) for line in lines for key in ("wall_seconds", "real_time_factor") if key in line]
        assert len(times) == 4
        errors = [line for line in stderr.splitlines() if "error" in line]
        told.append((lines, errors, (folder / "out/a/vocals.wav").read_bytes(), leftovers(folder)))
        assert (folder / "out/d/vocals.wav").read_bytes() == b"mine"
    assert told[0] == told[1]


@pytest.fixture
def cluster():
    pytest.importorskip("ray")
    from vocalsep.cli import cluster

    return cluster


@needs_ray
def test_a_worker_may_take_minutes_to_start():
    """After a minute Ray would end it and start it again, for ever on a busy machine."""
    program = (
        "from vocalsep.cli import cluster\n"
        "from ray._raylet import Config\n"
        "print(Config.worker_register_timeout_seconds())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "600\n"


class DoomedWorkers:
    """Stand in for Ray: each worker dies, the last of ``lives`` aside, and all say what they were asked for."""

    def __init__(self, lives):
        self.lives, self.asked = lives, []

    def start(self):
        write = SimpleNamespace(remote=lambda path, outputs, *_: self.asked.append(outputs.overwrite))
        return SimpleNamespace(write_stems=write, reached=SimpleNamespace(remote=lambda: None))

    def wait(self, tasks, timeout):
        return tasks, []

    def get(self, task):
        from ray.exceptions import ActorDiedError

        if len(self.asked) < self.lives:
            raise ActorDiedError
        return "split"

    def kill(self, worker):
        pass


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("lives", [3, 4])
def test_a_song_whose_workers_die_is_given_up(cluster, tmp_path, monkeypatch, there, lives):
    """After three; and a song of which stems were there before never replaces them."""
    doomed = DoomedWorkers(lives)
    monkeypatch.setattr(cluster, "ray", doomed)
    outputs = Outputs(folder=tmp_path, template="{track}-{stem}.{ext}")
    if there:
        (tmp_path / "a-vocals.wav").touch()
    workers = cluster.RayWorkers(doomed.start, [doomed.start()], "tdf")

    def separate():
        return workers.write_stems(
            Path("a.wav"), outputs, ReadingOptions(), track="a", progress=lambda done, total: None
        )

    if lives == 3:
        assert separate() == "split"
    else:
        with pytest.raises(ClusterError, match="died in each of 3 attempts"):
            separate()
    assert doomed.asked == [False, not there, not there]


@pytest.mark.parametrize(
    ("machines", "jobs", "device", "threads", "cpus", "gpus"),
    [
        ([{"CPU": 2.0}], 2, "auto", None, 1, 0),
        ([{"CPU": 4.0}, {"CPU": 4.0}], 3, "auto", None, 2, 0),  # three cores each would leave room for two
        ([{"CPU": 4.0}, {"CPU": 64.0}], 2, "cpu", None, 32, 0),
        ([{"CPU": 8.0, "GPU": 2.0}, {"CPU": 64.0}], 2, "auto", None, 4, 1),
        ([{"CPU": 8.0, "GPU": 2.0}], 2, "cpu", 3, 3, 0),
        ([{"CPU": 8.0, "GPU": 2.0}], 2, "cpu", 5, None, None),
        ([{"CPU": 8.0, "GPU": 2.0}], 3, "cuda", None, None, None),
        ([{"CPU": 8.0}], 1, "cuda", None, None, None),
        ([{"CPU": 2.0}], 3, "auto", None, None, None),
    ],
)
def test_what_workers_ask_for(cluster, monkeypatch, machines, jobs, device, threads, cpus, gpus):
    nodes = [{"Alive": True, "Resources": machine} for machine in machines]
    gone = {"Alive": False, "Resources": {"CPU": 99.0, "GPU": 9.0}}
    monkeypatch.setattr(cluster.ray, "nodes", lambda: [gone, *nodes])
    options = SeparationOptions(device=device, threads=threads)
    if cpus is None:
        with pytest.raises(OptionError, match="has room for"):
            cluster._resources(jobs, options)
    else:
        assert cluster._resources(jobs, options) == {"num_cpus": cpus, "num_gpus": gpus}


@needs_ray
def test_an_address_where_nobody_answers(vocalsep, song, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # and does not listen
        address = f"127.0.0.1:{free.getsockname()[1]}"
        done = vocalsep("split", song, "-o", tmp_path / "out", *ON_RAY, "--cluster-address", address)
    assert done.code == 51
    assert f"no Ray cluster at {address}" in done.error_line


def test_without_the_extra(vocalsep, song, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "vocalsep.cli.cluster", raising=False)
    done = vocalsep("split", song, "-o", tmp_path / "out", *ON_RAY)
    assert done.code == 64
    assert "this needs ray" in done.error_line
    assert "pip install 'vocalsep[ray]'" in done.error_line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--cluster-address", "head:6379"), "Add --cluster ray"),
        (("--cluster", "ray", "-d", "cuda:1"), "Use --device cuda"),
        (("--cluster", "ray", "--stem", "vocals", "-o", "-"), "writes no stdout"),
        (("--cluster", "ray", "-"), "reads no stdin"),
    ],
)
def test_options_that_do_not_go_together(vocalsep, song, arguments, said):
    done = vocalsep("split", song, *arguments)
    assert done.code == 2
    assert said in done.error_line
