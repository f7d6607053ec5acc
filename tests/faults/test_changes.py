"""What changes under a run: its input, its output folder, the clock, another run."""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest
import soundfile

from stem_reading import leftovers, read
from vocalsep.audio.stem_files import StemFiles
from vocalsep.errors import DamagedAudioError, InputUnreadableError, OutputNotWritableError

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
def test_an_input_that_vanishes_while_it_is_read_is_split(separator, songs, tmp_path, at_the_first_block):
    song = songs / "a.wav"
    whole = read(song)
    result = separator.separate_file(song, tmp_path / "out", progress=at_the_first_block(song.unlink))
    assert abs(sum(read(path) for path in result.outputs.values()) - whole).max() < 2 / 32768


@posix
def test_an_input_that_vanishes_after_it_was_opened(separator, songs, tmp_path, monkeypatch):
    from vocalsep.audio.tags import read_tags

    def late(path):
        path.unlink()
        return read_tags(path)

    monkeypatch.setattr("vocalsep.api.read_tags", late)
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

    monkeypatch.setattr("vocalsep.api.read_tags", cut)
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
    """Neither takes what the other writes for a leftover."""
    out = tmp_path / "out"
    command = [sys.executable, "-m", "vocalsep", "split", songs, "-o", out, "--skip-existing", "-d", "cpu"]
    command += ["--template", "{track}-{stem}.{ext}", "--json"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for run in runs:
        printed, said = run.communicate()
        assert run.returncode == 0, said
        assert {json.loads(line)["status"] for line in printed.splitlines()} <= {"done", "skipped"}
    names = sorted(f"{song}-{stem}.wav" for song in "abc" for stem in ("accompaniment", "vocals"))
    assert sorted(path.name for path in out.iterdir()) == names
    assert all(soundfile.info(path).frames == 22050 for path in out.iterdir())
    assert leftovers(tmp_path) == []
