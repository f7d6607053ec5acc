"""Ctrl-C, a process told to end, a terminal that is closed: at any time, once or often."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import pytest
import soundfile

from vocalsep.cli import signals, stderr
from vocalsep.system.files import TEMPORARY_PREFIX

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are of POSIX")

SAID = {
    signal.SIGINT: (130, "interrupted: nothing half-written is left\n"),
    signal.SIGTERM: (143, "terminated: nothing half-written is left\n"),
}
if sys.platform != "win32":
    SAID[signal.SIGHUP] = (129, "terminated: nothing half-written is left\n")


@pytest.fixture
def long_songs(tmp_path):
    noise = (0.1 * np.random.default_rng(1).standard_normal((120 * 44100, 2))).astype(np.float32)
    for name in ("a.wav", "b.wav"):
        soundfile.write(tmp_path / name, noise, 44100)
    return [tmp_path / "a.wav", tmp_path / "b.wav"]


def start(*arguments, prefix=(), stderr=subprocess.PIPE, **options):
    command = [*prefix, sys.executable, "-m", "vocalsep", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, **options)


def wait_until(happens, process):
    deadline = time.monotonic() + 60
    while not happens():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def begun(out):
    return lambda: any(out.rglob(f"{TEMPORARY_PREFIX}*"))


@posix
@pytest.mark.parametrize("number", SAID)
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("times", [1, 6])
def test_one_signal_or_many_leave_nothing(long_songs, tmp_path, number, jobs, times):
    out = tmp_path / "out"
    process = start("split", *long_songs, "-o", out, "--jobs", jobs, "-f", "flac", text=True)
    wait_until(begun(out), process)
    for _ in range(times):
        process.send_signal(number)
        time.sleep(0.02)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == SAID[number]
    assert [path for path in out.rglob("*") if path.is_file()] == []


SLOW_TO_LOAD = """
import sys, time
import vocalsep.api
from vocalsep.cli import main

def load(*_):
    print("loading", flush=True)
    time.sleep(60)

vocalsep.api.Separator._load = load
main()
"""


@posix
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_does_not_wait_for_the_model(long_songs, tmp_path, jobs):
    command = [sys.executable, "-c", SLOW_TO_LOAD, "split", *long_songs, "-o", tmp_path / "out", "-j", str(jobs)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "loading\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == SAID[signal.SIGINT]


@posix
def test_terminal_that_is_closed(long_songs, tmp_path):
    out = tmp_path / "out"
    ours, theirs = os.openpty()
    process = start("split", *long_songs, "-o", out, stderr=theirs, start_new_session=True)
    os.close(theirs)
    wait_until(begun(out), process)
    os.close(ours)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 129
    assert [path for path in out.rglob("*") if path.is_file()] == []


@posix
def test_what_nohup_ignores_stays_ignored(long_songs, tmp_path):
    out = tmp_path / "out"
    process = start("split", *long_songs, "-o", out, prefix=("nohup",), text=True)
    wait_until(begun(out), process)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143


@posix
@pytest.mark.parametrize("module", ["vocalsep.cli.app", "typer", "vocalsep.cli.commands.split"])
def test_ctrl_c_while_the_command_is_loaded(module):
    code = f"""
import importlib.abc, signal, sys

class Striking(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Striking())
sys.argv = ["vocalsep", "split", "nothing.wav"]
from vocalsep.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == SAID[signal.SIGINT]


@pytest.fixture
def handlers_restored():
    before = {number: signal.getsignal(number) for number in SAID}
    yield before
    for number, handler in before.items():
        signal.signal(number, handler)


def test_handlers_are_as_before_afterwards(handlers_restored):
    with signals.as_interrupts():
        assert signal.getsignal(signal.SIGTERM) not in handlers_restored.values()
    assert {number: signal.getsignal(number) for number in SAID} == handlers_restored


def test_further_signals_do_not_disturb_the_cleaning_up(handlers_restored):
    cleaned = False
    with pytest.raises(SystemExit) as caught, signals.as_interrupts():
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            cleaned = True
    assert cleaned
    assert caught.value.code == 130
    signal.raise_signal(signal.SIGINT)  # nor the end of the process


def test_an_interrupt_that_got_lost_does_not_make_deaf(handlers_restored):
    with pytest.raises(SystemExit) as caught, signals.as_interrupts():
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert not signals.under_way()
        signal.raise_signal(signal.SIGINT)
    assert caught.value.code == 130


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("\x1b[2Ja.wav", r"\x1b[2Ja.wav"),
        ("a\nb\r\t\x7f\x9b.wav", r"a\nb\r\t\x7f\x9b.wav"),
        ("a\u2028b.wav", r"a\u2028b.wav"),
        ("音\u3000é \U0001f468\u200d\U0001f3a4 [\\n].wav", "音\u3000é \U0001f468\u200d\U0001f3a4 [\\n].wav"),
    ],
)
def test_file_names_are_shown_and_not_obeyed(vocalsep, capsys, name, seen):
    stderr.say(name)
    assert capsys.readouterr().err == f"{seen}\n"
    assert seen in vocalsep("split", name).error_line
