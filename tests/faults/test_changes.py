"""What changes under a run: its input, its output folder, the clock, another run."""

import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from helpers.stem_reading import leftovers, read
from vocalsep.audio.stem_files import StemFiles
from vocalsep.errors import DamagedAudioError, InputUnreadableError, OutputNotWritableError
from vocalsep.system.files import remove_leftovers

posix = pytest.mark.skipif(sys.platform == "win32", reason="open files cannot be removed on Windows")


@pytest.fixture
def at_the_first_block():
    """A progress callback that does something once."""

    def when(deed):
        deeds = iter([deed])

        def progress(done, total):
            next(deeds, lambda: None)()

        return progress

    return when


@posix
def test_an_input_that_vanishes_while_it_is_read_is_split(separator, tmp_path, at_the_first_block):
    """It is longer than what is read ahead: 8 blocks of 65,536 samples."""
    song = tmp_path / "long.wav"
    noise = 0.1 * np.random.default_rng(0).standard_normal((12 * 65536, 1))
    soundfile.write(song, noise, 44100, subtype="PCM_16")
    whole = read(song)
    result = separator.separate_file(song, tmp_path / "out", progress=at_the_first_block(song.unlink))
    assert abs(sum(read(path) for path in result.outputs.values()) - whole).max() < 2 / 32768


@posix
def test_an_input_that_vanishes_after_it_was_opened(separator, songs, tmp_path, monkeypatch):
    from vocalsep.audio.tags import read_tags

    def late(path):
        path.unlink()
        return read_tags(path)

    monkeypatch.setattr("vocalsep.separation.split_file.read_tags", late)
    result = separator.separate_file(songs / "a.wav", tmp_path / "out")
    assert soundfile.info(result.outputs["vocals"]).frames == 22050


@pytest.mark.parametrize("format", ["WAV", "FLAC", "AU"])
def test_an_input_that_is_cut_while_it_is_read(separator, tmp_path, songs, format, monkeypatch):
    """Right after its header was read."""
    samples, rate = soundfile.read(songs / "a.wav")
    song = tmp_path / "song"
    soundfile.write(song, samples, rate, format=format, subtype="PCM_16")
    size = song.stat().st_size
    from vocalsep.audio.tags import read_tags

    def cut(path):
        os.truncate(path, size // 2)
        return read_tags(path)

    monkeypatch.setattr("vocalsep.separation.split_file.read_tags", cut)
    with pytest.raises((DamagedAudioError, InputUnreadableError)):
        separator.separate_file(song, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@posix
def test_an_output_folder_that_is_removed_in_the_middle(separator, songs, tmp_path, at_the_first_block):
    out = tmp_path / "out"
    remove = at_the_first_block(lambda: shutil.rmtree(out))
    with pytest.raises(OutputNotWritableError, match=r"cannot write .*vocals\.wav: No such file"):
        separator.separate_file(songs / "a.wav", out, progress=remove)
    assert not out.exists()


@posix
def test_a_batch_goes_on_where_its_output_folder_was_removed(vocalsep, songs, tmp_path, monkeypatch):
    out, commit = tmp_path / "out", StemFiles.commit

    def after_a_removal(files):
        shutil.rmtree(out)
        monkeypatch.setattr(StemFiles, "commit", commit)
        return files.commit()

    monkeypatch.setattr(StemFiles, "commit", after_a_removal)
    done = vocalsep("split", songs, "-o", out, "--json")
    facts = [json.loads(line) for line in done.out.splitlines()]
    assert [fact["status"] for fact in facts] == ["failed", "done", "done"]
    assert facts[0]["exit_code"] == 21
    assert done.code == 50
    assert sorted(path.name for path in out.iterdir()) == ["b", "c"]


def test_a_clock_that_goes_backwards(vocalsep, songs, tmp_path, monkeypatch):
    now = iter(range(2_000_000_000, 0, -86400))
    monkeypatch.setattr(time, "time", lambda: next(now))
    done = vocalsep("split", songs, "-o", tmp_path / "out", "--json")
    facts = [json.loads(line) for line in done.out.splitlines()]
    assert [fact["status"] for fact in facts] == ["done"] * 3
    assert all(0 < fact["wall_seconds"] < 1000 for fact in facts)
    for path in (tmp_path / "out").rglob("*.wav"):
        os.utime(path, (1, 1))
    assert vocalsep("split", songs, "-o", tmp_path / "out", "--skip-existing").err.count("skipped") == 3


@posix
def test_two_runs_with_the_same_outputs(songs, tmp_path):
    """The second does not take what the first is writing for a leftover."""
    out = tmp_path / "out"
    noise = 0.1 * np.random.default_rng(0).standard_normal((12 * 44100, 2))
    soundfile.write(songs / "a.wav", noise, 44100, subtype="PCM_16")
    command = [sys.executable, "-m", "vocalsep", "split", songs, "-o", out, "--skip-existing", "-d", "cpu"]
    command += ["--template", "{track}-{stem}.{ext}", "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    runs = [subprocess.Popen(command, **pipes)]
    while not leftovers(tmp_path):  # those of its first song
        assert runs[0].poll() is None, runs[0].communicate()
        time.sleep(0.01)
    remove_leftovers(out)  # as the second does first, whether or not it is in time
    assert leftovers(tmp_path)
    runs.append(subprocess.Popen(command, **pipes))
    for run in runs:
        printed, said = run.communicate()
        assert run.returncode == 0, said
        assert {json.loads(line)["status"] for line in printed.splitlines()} <= {"done", "skipped"}
    names = sorted(f"{song}-{stem}.wav" for song in "abc" for stem in ("accompaniment", "vocals"))
    assert sorted(path.name for path in out.iterdir()) == names
    lengths = {path.name[0]: soundfile.info(path).frames for path in out.iterdir()}
    assert lengths == {"a": 12 * 44100, "b": 22050, "c": 22050}
    assert leftovers(tmp_path) == []
