"""Bad input gets one line that says what, where and what to do, a code of its own, and loses nothing."""

import os
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from helpers.stem_reading import leftovers, read
from vocalsep import load_model
from vocalsep.cli.app import app
from vocalsep.cli.exit import reported
from vocalsep.weights.manifest import load_manifest


def refused(vocalsep, code, *arguments, words=()):
    done = vocalsep("split", *arguments)
    assert done.code == code, done.err
    assert done.out == ""
    assert done.error_line.startswith("error: ")
    for word in words:
        assert str(word) in done.error_line
    return done


def outputs(folder):
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    yield folder
    assert leftovers(tmp_path) == []


def test_missing_file(vocalsep, tmp_path, out):
    refused(vocalsep, 10, tmp_path / "nothing.mp3", "-o", out, words=[tmp_path / "nothing.mp3", "does not exist"])
    assert not out.exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_unreadable_file(vocalsep, song, out):
    song.chmod(0)
    refused(vocalsep, 11, song, "-o", out, words=["cannot read", song])


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="only Linux has this file")
def test_file_with_read_errors(vocalsep, out):
    """The first page of a process is nobody's to read, not even root's."""
    refused(vocalsep, 11, "/proc/self/mem", "-o", out, words=["cannot read /proc/self/mem", "Input/output error"])


@pytest.fixture
def locked():
    """A folder that may not be searched. Root may search all, and becomes somebody else for the test."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "locked"
        folder.mkdir()
        (folder / "song.wav").write_bytes(b"")
        folder.parent.chmod(0o755)
        folder.chmod(0)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        yield folder
        os.seteuid(user)
        folder.chmod(0o700)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has other rights")
def test_folders_that_may_not_be_searched(vocalsep, locked):
    """Whatever asks there whether a file exists."""
    for given in (locked / "song.wav", locked, locked / "*.wav"):
        refused(vocalsep, 11, given, words=["cannot read", given, "Permission denied"])
    refused(vocalsep, 11, "-r", locked.parent, words=["cannot read", locked])
    weights = locked / "a.safetensors"
    refused(vocalsep, 32, "nothing.wav", "-m", weights, words=["cannot read", weights, "Permission denied"])


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has other rights")
@pytest.mark.parametrize("option", ["--overwrite", "--skip-existing", "--recursive"])
def test_an_output_folder_that_may_not_be_searched(vocalsep, tone, locked, option):
    user = os.geteuid()
    os.seteuid(os.getuid())
    song = locked.parent / "song.wav"
    soundfile.write(song, tone.T, 44100)
    song.chmod(0o644)
    load_model()  # what it imports may be root's alone
    os.seteuid(user)
    refused(vocalsep, 21, song, "-o", locked / "out", option, words=["cannot write", "Permission denied"])


def test_names_too_long_for_the_file_system(vocalsep, song, out):
    long = "a" * 300
    refused(vocalsep, 10, f"{long}.wav", "-o", out, words=["does not exist"])
    refused(vocalsep, 21, song, "-o", out / long, words=["cannot write", "too long"])
    refused(vocalsep, 21, song, "-o", out / long, "--skip-existing", words=["cannot write", "too long"])
    refused(vocalsep, 30, song, "-o", out, "-m", f"{long}.pth", words=["no weights file"])


def test_a_bad_output_name_does_not_end_a_batch(vocalsep, song, out):
    done = vocalsep("split", song, song.with_name("no.wav"), "-o", out / ("b" * 300), "--skip-existing")
    assert done.code == 50
    assert done.err.splitlines()[-1] == "error: 2 of 2 tracks failed. The reasons are above."


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_utf8(vocalsep, song, out):
    song = song.rename(song.with_name("\udcff.wav"))
    done = vocalsep("split", song, "-o", out)
    assert done.code == 0
    assert Path(done.out.splitlines()[0]) == out / "_" / "vocals.wav"
    assert "\\udcff.wav: skipped" in vocalsep("split", song, "-o", out, "--skip-existing").err


def test_failed_tracks_leave_no_folders(vocalsep, tmp_path, song, tone, out):
    tone[1, 44100] = np.nan
    soundfile.write(tmp_path / "bad.wav", tone.T, 44100, subtype="FLOAT")
    assert vocalsep("split", tmp_path / "bad.wav", "-o", out / "deep").code == 16
    assert not out.exists()
    assert vocalsep("split", tmp_path / "bad.wav", song, "-o", out, "--json", "-j", "2").code == 50
    assert [path.name for path in out.iterdir()] == ["song"]


def test_an_empty_output_folder(vocalsep, song):
    refused(vocalsep, 2, song, "-o", "", words=["-o is empty"])


def run(*arguments, **options):
    command = [sys.executable, "-m", "vocalsep", "split", *arguments]
    return subprocess.run(command, **{"stderr": subprocess.PIPE, "text": True, **options})


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [["--json"], ["-o", "-", "--stem", "vocals"]])
def test_a_full_stdout(song, out, arguments):
    with open("/dev/full", "w") as full:
        done = run(song, "-o", out, *arguments, stdout=full)
    assert done.returncode == 22
    assert "cannot write to stdout: No space left" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_closed_streams(song, out):
    def closed(descriptor):
        return {"preexec_fn": lambda: os.close(descriptor)}

    done = run("-", "-o", out, **closed(0))
    assert (done.returncode, done.stderr[:23]) == (11, "error: stdin is closed.")
    done = run(song, "-o", "-", "--stem", "vocals", **closed(1))
    assert (done.returncode, done.stderr[:24]) == (21, "error: stdout is closed.")
    assert not out.exists()
    done = run(song, "-o", out, **closed(2), stdout=subprocess.PIPE)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2)
    assert soundfile.info(out / "song/vocals.wav").frames == 88200
    assert run(song, "-o", out, "--skip-existing", **closed(1)).returncode == 0


def test_stdin_that_cannot_be_kept(song, out, tmp_path):
    """A limit on the size of files fails as a full disk does."""

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    with song.open("rb") as file:
        done = run(
            "-",
            "-o",
            out,
            stdin=file,
            preexec_fn=limit,
            restore_signals=False,
            env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        )
    assert done.returncode == 22, done.stderr
    assert f"cannot keep stdin in {tmp_path}" in done.stderr


def test_errors_of_stdin_name_it(vocalsep, out):
    refused(vocalsep, 13, "-", "-o", out, words=["- (stdin) is an empty file"])


def test_warnings_of_stdin_name_it(tmp_path, song, out):
    damaged = tmp_path / "damaged.wav"
    damaged.write_bytes(song.read_bytes()[:-2])
    with damaged.open("rb") as file:
        done = run("-", "-o", out, stdin=file)
    assert done.returncode == 0
    assert "- (stdin) is damaged: it ends 2 bytes before" in done.stderr


def test_a_file_whose_name_is_a_dash(tmp_path, song, out):
    (tmp_path / "-").write_bytes(song.read_bytes())
    done = run("./-", "-o", out, cwd=tmp_path, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert (out / "-" / "vocals.wav").exists()


def test_folder_without_audio(vocalsep, tmp_path, out):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "cover.jpg").write_bytes(b"")
    refused(vocalsep, 12, tmp_path / "empty", "-o", out, words=["no audio files", "--recursive"])


def test_pattern_without_match(vocalsep, tmp_path, out):
    refused(vocalsep, 12, tmp_path / "*.flac", "-o", out, words=["*.flac"])


def test_empty_file(vocalsep, tmp_path, out):
    (tmp_path / "empty.wav").write_bytes(b"")
    refused(vocalsep, 13, tmp_path / "empty.wav", "-o", out, words=["empty.wav", "empty"])


def test_no_samples(vocalsep, tmp_path, out):
    soundfile.write(tmp_path / "none.wav", np.zeros((0, 2)), 44100)
    refused(vocalsep, 13, tmp_path / "none.wav", "-o", out, words=["none.wav"])


def test_one_sample(vocalsep, tmp_path, out):
    soundfile.write(tmp_path / "one.wav", np.full((1, 2), 0.25), 44100)
    assert vocalsep("split", tmp_path / "one.wav", "-o", out).code == 0
    total = read(out / "one/vocals.wav") + read(out / "one/accompaniment.wav")
    np.testing.assert_allclose(total, 0.25, atol=1 / 32768)


def test_text_renamed_to_wav(vocalsep, tmp_path, out):
    (tmp_path / "text.wav").write_text("Dear friend, this is no audio. " * 50)
    refused(vocalsep, 14, tmp_path / "text.wav", "-o", out, words=["text.wav"])


def test_truncated_mp3(vocalsep, tmp_path, song, out):
    vocalsep("split", song, "-o", tmp_path / "made", "-f", "mp3", "--stem", "accompaniment")
    whole = (tmp_path / "made/song/accompaniment.mp3").read_bytes()
    (tmp_path / "cut.mp3").write_bytes(whole[: len(whole) * 6 // 10])
    refused(vocalsep, 15, tmp_path / "cut.mp3", "-o", out, words=["cut.mp3", "--salvage"])
    assert outputs(out) == []
    assert vocalsep("split", tmp_path / "cut.mp3", "-o", out, "--salvage").code == 0
    assert 40_000 < soundfile.info(out / "cut/vocals.wav").frames < 60_000


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(vocalsep, tmp_path, tone, out, value):
    tone[1, 44100] = value
    soundfile.write(tmp_path / "bad.wav", tone.T, 44100, subtype="FLOAT")
    refused(vocalsep, 16, tmp_path / "bad.wav", "-o", out, words=["bad.wav", "0:01.000"])
    assert outputs(out) == []


def test_silence_gives_silence(vocalsep, tmp_path, out):
    soundfile.write(tmp_path / "quiet.wav", np.zeros((44100, 2)), 44100)
    done = vocalsep("split", tmp_path / "quiet.wav", "-o", out)
    assert done.code == 0
    assert "the input is silent" in done.error_line
    assert not read(out / "quiet/vocals.wav").any()
    assert not read(out / "quiet/accompaniment.wav").any()


def test_output_folder_is_a_file(vocalsep, song, tmp_path):
    (tmp_path / "out").write_text("a file")
    refused(vocalsep, 20, song, "-o", tmp_path / "out", words=["not a folder"])
    refused(vocalsep, 20, song, "-o", tmp_path / "out" / "deeper", words=["not a folder"])
    assert (tmp_path / "out").read_text() == "a file"


def test_read_only_output(vocalsep, song, out, monkeypatch):
    """As root, permissions do not hold; a read-only file system does, and /proc is one everywhere on Linux."""
    if Path("/proc/self").is_dir():
        refused(vocalsep, 21, song, "-o", "/proc/self/out", words=["cannot write", "/proc/self/out"])
    if os.geteuid() != 0:
        out.mkdir()
        out.chmod(0o500)
        refused(vocalsep, 21, song, "-o", out, words=["cannot write", "Permission denied"])
        out.chmod(0o700)


@pytest.mark.parametrize("format", ["wav", "flac", "mp3"])
def test_full_disk(song, out, format):
    """A limit on the size of files fails as a full disk does."""
    samples = np.tile(soundfile.read(song, dtype="int16")[0], (10, 1))
    soundfile.write(song, samples, 44100)

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    code = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); from vocalsep.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "split", song, "-o", out, "-f", format],
        capture_output=True,
        text=True,
        preexec_fn=limit,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 22, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "no space left" in done.stderr
    assert outputs(out) == []


def test_unknown_model(vocalsep, song, out):
    refused(vocalsep, 30, song, "-o", out, "--model", "compct-v1", words=["compct-v1", load_manifest().default])


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000, None])
def test_corrupt_weights(vocalsep, song, out, tmp_path, content):
    bundled = load_manifest().entry(load_manifest().default).bundled_path
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(bundled.read_bytes()[:100_000] if content is None else content)
    refused(vocalsep, 32, song, "-o", out, "--model", weights, words=["weights.safetensors"])


@pytest.mark.parametrize(
    "template",
    ["../{track}/{stem}.{ext}", "/tmp/{track}{stem}", "{track}.{ext}", "{x}{stem}", "{track}/{stem:.0}x"],
)
def test_template_that_leaves_the_folder(vocalsep, song, out, template):
    refused(vocalsep, 24, song, "-o", out, "--template", template, words=["template"])


@pytest.mark.parametrize(
    "options",
    [
        ["--overlap", "0.95"],
        ["--wiener", "-1"],
        ["--segment", "0"],
        ["--device", "toaster"],
        ["--shard", "3/2"],
        ["--skip-existing", "--overwrite"],
        ["--format", "mp3", "--bitrate", "99999"],
        ["--format", "mp3", "--depth", "24"],
    ],
)
def test_options_that_make_no_sense(vocalsep, song, out, options):
    refused(vocalsep, 2, song, "-o", out, *options)


def test_missing_device(vocalsep, song, out):
    refused(vocalsep, 40, song, "-o", out, "--device", "cuda:77", words=["no CUDA device 77", "--device cpu"])


def test_mp3_of_six_channels_is_refused_before_the_work(vocalsep, tmp_path, out):
    soundfile.write(tmp_path / "film.wav", np.full((4410, 6), 0.1), 44100)
    refused(vocalsep, 2, tmp_path / "film.wav", "-o", out, "-f", "mp3", words=["mp3"])


def test_debug_shows_the_traceback(song, out):
    command = [sys.executable, "-m", "vocalsep", "--debug", "split", song, "-o", out, "--model", "nope"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: no model is called 'nope'")
    assert done.returncode == 30


def test_debug_goes_on_with_the_batch(song, out):
    missing = song.with_name("missing.wav")
    broken = song.with_name("broken.wav")
    broken.write_bytes(b"no sound")
    command = [sys.executable, "-m", "vocalsep", "--debug", "split", broken, missing, song, "-o", out]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 50, done.stderr
    assert f"InputNotFoundError: {missing} does not exist" in done.stderr
    assert done.stderr.count("Traceback") >= 2
    assert [Path(line).name for line in done.stdout.splitlines()] == ["vocals.wav", "accompaniment.wav"]
    assert done.stderr.splitlines()[-1].startswith("error: 2 of 3 tracks failed")


@pytest.mark.parametrize("arguments", [["-dash.wav"], ["-dash.wav", "song.wav"], ["-q", "song.wav", "-dash.wav"]])
def test_a_file_that_looks_like_an_option(song, monkeypatch, arguments):
    monkeypatch.chdir(song.parent)
    song.with_name("-dash.wav").write_bytes(song.read_bytes())
    for command in (["split"], []):
        result = CliRunner().invoke(app, [*command, *arguments])
        assert result.exit_code == 2
        assert "-dash.wav is a file: write ./-dash.wav" in result.stderr
    assert not Path("stems").exists()


def test_no_file_is_named_where_none_looks_like_an_option(song):
    result = CliRunner().invoke(app, ["split", str(song), "--no-such-option"])
    assert result.exit_code == 2
    assert "is a file" not in result.stderr


def test_a_rate_that_is_not_whole(song):
    result = CliRunner().invoke(app, ["split", str(song), "--rate", "44.1"])
    assert result.exit_code == 2
    assert "'44.1' is no whole number of Hz, such as 44100." in result.stderr


def test_the_message_of_a_usage_error_starts_with_what_is_wrong():
    with pytest.raises(typer.BadParameter) as caught, reported(["-x"]):
        raise typer.BadParameter("Value error, it is too loud")
    assert caught.value.message == "it is too loud"


def test_a_bitrate_of_a_wav(vocalsep, song, out):
    refused(vocalsep, 2, song, "-o", out, "--bitrate", "320", words=["Add --format mp3."])


def test_an_output_folder_that_is_a_file(vocalsep, song):
    for folder in (song, song / "deeper"):
        refused(vocalsep, 20, song, "-o", folder, words=[f"{song} is a file, not a folder"])
