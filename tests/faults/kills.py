"""Kills batches at random moments, and finishes them: ``python kills.py FOLDER SEED COUNT fork|process``.

``fork`` runs the command in children of this process, which has loaded all that it needs; ``process`` starts a
Python for each. Prints a line for each kill, and at the end a line of JSON.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import soundfile
import torch

from helpers.stem_reading import leftovers
from vocalsep.api import Separator
from vocalsep.audio.reader import open_audio
from vocalsep.cli import main as command
from vocalsep.stem_names import STEMS
from vocalsep.system.files import TEMPORARY_PREFIX

RATE = 44100
SAMPLES = {"a": 11025, "b": 4410, "c": 22050}  # of each song
Start = Callable[[list[str], Path], int]


def write_songs(folder: Path) -> Path:
    folder.mkdir()
    for name, n in SAMPLES.items():
        soundfile.write(folder / f"{name}.wav", 0.1 * np.random.default_rng(n).standard_normal((n, 2)), RATE)
    return folder


def fork(arguments: list[str], printed: Path) -> int:
    """Run the command in a child of this process; its id."""
    if pid := os.fork():
        return pid
    code = 70
    try:
        for descriptor, path in ((1, printed), (2, printed.with_suffix(".err"))):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
        sys.argv = ["vocalsep", *arguments]
        command()
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def process(arguments: list[str], printed: Path) -> int:
    """Run the command in a new process; its id."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    streams = [
        (os.POSIX_SPAWN_OPEN, 1, str(printed), flags, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, str(printed.with_suffix(".err")), flags, 0o600),
    ]
    words = [sys.executable, "-m", "vocalsep", *arguments]
    return os.posix_spawn(sys.executable, words, os.environ, file_actions=streams)


def seconds(path: Path) -> float:
    with open_audio(path) as audio:
        return sum(block.shape[1] for block in audio.blocks()) / audio.info.sample_rate


def whole_stems(out: Path) -> set[tuple[str, str]]:
    """Song and stem of the files under their names, after decoding each to its end."""
    found = set()
    for path in out.rglob("*"):
        if path.is_file() and not path.name.startswith(TEMPORARY_PREFIX):
            song, stem = path.parent.name, path.stem
            assert stem in STEMS, path
            assert seconds(path) == SAMPLES[song] / RATE, path  # opus has another rate
            found.add((song, stem))
    return found


def reported(printed: Path) -> dict[str, str]:
    """Song to status of the whole lines that were printed."""
    lines = [line for line in printed.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return {Path(facts["input"]).stem: facts["status"] for facts in map(json.loads, lines)}


class Killer:
    """Batches over the same songs, each in a folder of its own."""

    def __init__(self, folder: Path, start: Start) -> None:
        self.folder, self.start = folder, start
        self.songs = write_songs(folder / "songs")
        self.printed = folder / "printed"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        os.environ["TMPDIR"] = str(self.temporary)
        self.counts: Counter[str] = Counter()
        self.longest: dict[tuple[str, ...], float] = {}

    def options(self, dice: random.Random) -> tuple[str, ...]:
        return ("-f", dice.choice(["wav", "flac", "mp3", "opus"]), "-j", str(dice.choice([1, 2])))

    def arguments(self, out: Path, options: tuple[str, ...]) -> list[str]:
        return ["split", str(self.songs), "-o", str(out), "--json", "-d", "cpu", "--threads", "1", *options]

    def finish(self, arguments: list[str]) -> float:
        """Run a batch to its end; seconds it took."""
        began = time.monotonic()
        _, status = os.waitpid(self.start(arguments, self.printed), 0)
        errors = self.printed.with_suffix(".err").read_text()
        assert os.waitstatus_to_exitcode(status) == 0, errors
        return time.monotonic() - began

    def seconds_whole(self, options: tuple[str, ...]) -> float:
        """What a batch with these options takes: some formats take many times as long as others."""
        if options not in self.longest:
            out = self.folder / "whole"
            self.longest[options] = self.finish(self.arguments(out, options))
            shutil.rmtree(out)
        return self.longest[options]

    def kill(self, dice: random.Random) -> str:
        """Kill a batch and finish it; says what was found."""
        out, options = self.folder / "out", self.options(dice)
        arguments, longest_seconds = self.arguments(out, options), self.seconds_whole(options)
        self.printed.write_text("")
        pid = self.start(arguments, self.printed)
        moment = dice.triangular(0, longest_seconds, 0.8 * longest_seconds)  # more often where files are written
        time.sleep(moment)
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        killed = os.WIFSIGNALED(status)
        stems, left = whole_stems(out), leftovers(out)
        done = {song for song, state in reported(self.printed).items() if state == "done"}
        assert stems >= {(song, stem) for song in done for stem in STEMS}, (done, stems)

        self.finish([*arguments, "--skip-existing"])
        assert whole_stems(out) == {(song, stem) for song in SAMPLES for stem in STEMS}
        states = reported(self.printed)
        assert set(states) == set(SAMPLES)
        assert all(states[song] == "skipped" for song in done), (done, states)
        assert leftovers(out) == []
        assert list(self.temporary.iterdir()) == []
        shutil.rmtree(out)
        self.counts["kills"] += 1
        self.counts["before the end"] += killed
        self.counts["with a half-written file"] += bool(left)
        self.counts["with some songs done"] += 0 < len(stems) < len(SAMPLES) * len(STEMS)
        return f"after {moment:.3f} s: {len(stems)} stems, {len(left)} half-written, {len(done)} songs reported"


def main(folder: Path, seed: int, count: int, way: str) -> None:
    torch.set_num_threads(1)
    killer = Killer(folder, {"fork": fork, "process": process}[way])
    if way == "fork":  # what a child needs is loaded by now
        import_module("vocalsep.cli.commands.split")
        Separator(device="cpu").separate_file(killer.songs / "a.wav", folder / "warm")
    for number in range(count):
        name = f"{seed}-{number}"
        try:
            print(name, killer.kill(random.Random(name)), flush=True)
        except AssertionError:
            print(f"kill {name} failed", flush=True)
            raise
    print(json.dumps(killer.counts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
