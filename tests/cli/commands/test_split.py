import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from helpers.stem_reading import leftovers, read
from vocalsep.api import Separator
from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.loudspeakers import to_stereo
from vocalsep.audio.reader import open_audio
from vocalsep.audio.resample import resample_blocks
from vocalsep.audio.writer import AudioWriter
from vocalsep.cli.app import app
from vocalsep.weights.manifest import load_manifest


def test_two_stems_of_the_inputs_own_kind(vocalsep, song, tmp_path):
    done = vocalsep("split", song, "-o", tmp_path / "out")
    assert done.code == 0
    paths = [Path(line) for line in done.out.splitlines()]
    assert paths == [tmp_path / "out/song/vocals.wav", tmp_path / "out/song/accompaniment.wav"]
    for path in paths:
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.frames, info.subtype) == (44100, 2, 88200, "PCM_16")
    total = read(paths[0]) + read(paths[1])
    assert np.abs(total - read(song)).max() <= 1.01 / 32768  # each is rounded to 16 bits
    assert "0:02 in" in done.error_line
    assert leftovers(tmp_path) == []


def test_json_says_what_was_done(vocalsep, song, tmp_path):
    done = vocalsep("split", song, "-o", tmp_path / "out", "--json", "-q", "--precision", "fp32", "-d", "cpu")
    (line,) = done.out.splitlines()
    facts = json.loads(line)
    default = load_manifest().entry(load_manifest().default)
    assert facts["status"] == "done"
    assert facts["outputs"]["vocals"] == str(tmp_path / "out/song/vocals.wav")
    assert facts["seconds"] == 2
    assert facts["real_time_factor"] == pytest.approx(facts["wall_seconds"] / 2, rel=0.05)
    assert (facts["model"], facts["weights_sha256"]) == (default.id, default.sha256)
    assert (facts["device"], facts["precision"], facts["gain"]) == ("cpu", "fp32", 1.0)
    assert done.err == ""


def test_wiener_filtered(vocalsep, song, tmp_path):
    """As the library does it, and another sound than without."""
    filtered, plain = (
        Separator(wiener=n, device="cpu", precision="fp32").separate(read(song), 44100) for n in (2, 0)
    )
    options = ("-d", "cpu", "--precision", "fp32", "--depth", "float", "--wiener", "2")
    done = vocalsep("split", song, "-o", tmp_path / "out", *options)
    assert done.code == 0, done.err
    vocals = read(tmp_path / "out/song/vocals.wav")
    np.testing.assert_allclose(vocals, filtered["vocals"], atol=1e-6)
    assert np.abs(vocals - plain["vocals"]).max() > 1e-3


@pytest.mark.parametrize("container", ["flac", "mp3", "ogg", "opus", "m4a"])
def test_formats(vocalsep, song, tmp_path, container):
    done = vocalsep("split", song, "-o", tmp_path, "-f", container, "--stem", "vocals", "-q")
    assert done.code == 0
    assert Path(done.out.strip()) == tmp_path / f"song/vocals.{container}"
    assert Path(done.out.strip()).stat().st_size > 2000


def test_one_stem_to_stdout_from_stdin(song, tmp_path):
    command = [sys.executable, "-m", "vocalsep", "split", "-", "-o", "-", "--stem", "vocals"]
    done = subprocess.run(command, input=song.read_bytes(), capture_output=True, check=True)
    (tmp_path / "piped.wav").write_bytes(done.stdout)
    assert soundfile.info(tmp_path / "piped.wav").frames == 88200
    assert b"stdin" not in done.stdout


def test_stdout_takes_one_stem_of_one_file(vocalsep, song):
    assert "-o - writes one stem" in vocalsep("split", song, "-o", "-").error_line
    shutil.copy(song, song.with_name("other.wav"))
    assert vocalsep("split", song.parent, "-o", "-", "--stem", "vocals").code == 2


def test_existing_outputs_are_kept_unless_asked(vocalsep, song, tmp_path):
    out = tmp_path / "out"
    assert vocalsep("split", song, "-o", out).code == 0
    stem = out / "song/vocals.wav"
    stem.write_bytes(b"mine")
    refused = vocalsep("split", song, "-o", out)
    assert refused.code == 23
    assert f"{stem} exists. Pass --skip-existing or --overwrite" in refused.error_line
    skipped = vocalsep("split", song, "-o", out, "--skip-existing")
    assert skipped.code == 0
    assert "skipped" in skipped.error_line
    assert stem.read_bytes() == b"mine"
    assert vocalsep("split", song, "-o", out, "--overwrite").code == 0
    assert stem.stat().st_size > 100_000


@pytest.mark.parametrize("option", ["--overwrite", "--skip-existing"])
def test_an_output_that_would_be_the_input_is_refused(vocalsep, song, tmp_path, option):
    (tmp_path / "vocals").mkdir()
    song = song.rename(tmp_path / "vocals/vocals.wav")
    before = song.read_bytes()
    refused = vocalsep("split", song, "-o", tmp_path, option)
    assert refused.code == 23
    assert "is the input itself" in refused.error_line
    assert song.read_bytes() == before
    assert [path.name for path in song.parent.iterdir()] == ["vocals.wav"]


def test_a_second_run_does_not_split_the_stems_of_the_first(vocalsep, song, tmp_path):
    assert vocalsep("split", tmp_path, "-r", "-o", tmp_path).code == 0
    again = vocalsep("split", tmp_path, "-r", "-o", tmp_path, "--skip-existing", "-f", "flac")
    assert again.code == 0
    assert [Path(line) for line in again.out.splitlines()] == [
        tmp_path / "song/vocals.flac",
        tmp_path / "song/accompaniment.flac",
    ]
    assert "2 files left out" in again.err
    third = vocalsep("split", tmp_path, "-r", "-o", tmp_path, "--skip-existing", "-q")
    assert (third.code, third.out, third.err) == (0, "", "")


def test_songs_whose_names_become_one_are_all_split(vocalsep, song, tmp_path):
    folder = tmp_path / "album"
    folder.mkdir()
    for name in ("a?b", "a_b", "a*b"):
        shutil.copy(song, folder / f"{name}.wav")
    done = vocalsep("split", folder, "-o", tmp_path / "out", "--stem", "vocals", "-q", "--overwrite")
    assert len(set(done.out.splitlines())) == 3
    again = vocalsep("split", folder, "-o", tmp_path / "out", "--stem", "vocals", "--skip-existing")
    assert (again.out, again.err.count("skipped")) == ("", 3)


def test_skip_existing_finds_the_outputs_of_a_weights_file(vocalsep, song, tmp_path):
    """``{model}`` is its name and not its path."""
    weights = tmp_path / "mine.safetensors"
    shutil.copy(load_manifest().entry(load_manifest().default).bundled_path, weights)
    template = "{model}/{track}-{stem}.{ext}"
    arguments = ["split", song, "-o", tmp_path / "out", "--template", template, "-m", weights]
    done = vocalsep(*arguments)
    assert Path(done.out.splitlines()[0]) == tmp_path / "out/mine/song-vocals.wav"
    again = vocalsep(*arguments, "--skip-existing")
    assert (again.out, again.code) == ("", 0)
    assert "skipped" in again.error_line


def test_results_on_a_stdout_of_another_encoding(song, tmp_path):
    paths = [shutil.copy(song, tmp_path / "音é🎤.wav"), song]
    arguments = ["split", *map(str, paths), "-o", str(tmp_path / "out"), "--stem", "vocals"]
    runner = CliRunner(charset="ascii")
    done = runner.invoke(app, arguments)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0].endswith("\\u97f3\\xe9\\U0001f3a4/vocals.wav")
    done = runner.invoke(app, [*arguments, "--overwrite", "--json"])
    assert [json.loads(line)["input"] for line in done.stdout.splitlines()] == [str(path) for path in paths]


def test_a_shard_of_nothing_says_so(vocalsep, song, tmp_path):
    done = vocalsep("split", song, "-o", tmp_path / "out", "--shard", "2/2")
    assert (done.code, done.error_line) == (0, "shard 2/2 has no tracks")


def test_skip_existing_makes_what_is_missing(vocalsep, song, tmp_path):
    out = tmp_path / "out"
    vocalsep("split", song, "-o", out)
    (out / "song/vocals.wav").unlink()
    assert vocalsep("split", song, "-o", out, "--skip-existing").code == 0
    assert (out / "song/vocals.wav").exists()


def test_one_bad_file_does_not_stop_a_batch(vocalsep, song, tmp_path):
    folder = tmp_path / "album"
    folder.mkdir()
    shutil.copy(song, folder / "a.wav")
    (folder / "b.wav").write_text("not audio at all, but a letter to a friend")
    shutil.copy(song, folder / "c.wav")
    done = vocalsep("split", folder, tmp_path / "missing.mp3", "-o", tmp_path / "out", "--json", "-j", "2")
    facts = [json.loads(line) for line in done.out.splitlines()]
    assert [fact["status"] for fact in facts] == ["done", "failed", "done", "failed"]
    assert [fact.get("exit_code") for fact in facts] == [None, 14, None, 10]
    assert done.code == 50
    assert "2 of 4 tracks failed" in done.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "c"]


def test_the_shards_are_the_whole_list_once(vocalsep, song, tmp_path):
    folder = tmp_path / "album"
    folder.mkdir()
    for name in "abc":
        shutil.copy(song, folder / f"{name}.wav")
    names = []
    for shard in ("1/2", "2/2"):
        done = vocalsep("split", folder, "-o", tmp_path / "out", "--shard", shard, "--stem", "vocals", "-q")
        names.append([Path(line).parent.name for line in done.out.splitlines()])
    assert names == [["a", "c"], ["b"]]


def test_names_in_every_script_with_spaces_newlines_and_dashes(vocalsep, song, tmp_path):
    for name in ("夜 に", "été\nneuf", "-dash", "🎤"):
        path = tmp_path / f"{name}.wav"
        shutil.copy(song, path)
        done = vocalsep("split", "--stem", "vocals", "-o", tmp_path / "out", "--", path)
        assert done.code == 0, done.err
        assert len(done.err.splitlines()) == 1
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_clipping_is_rescaled_by_one_gain_and_said(vocalsep, tmp_path):
    """A hot float song: the stems keep their sum, at one gain."""
    rng = np.random.default_rng(0)
    hot = (3 * rng.standard_normal((2, 44100))).astype(np.float32)
    soundfile.write(tmp_path / "hot.wav", hot.T, 44100, subtype="FLOAT")
    done = vocalsep("split", tmp_path / "hot.wav", "-o", tmp_path / "out", "--depth", "24", "--json")
    gain = json.loads(done.out)["gain"]
    assert 0.05 < gain < 0.3
    assert f"at gain {gain:.4f} ({20 * np.log10(gain):.1f} dB) so that none clips" in done.err
    assert ": --depth float keeps the level" in done.err
    total = read(tmp_path / "out/hot/vocals.wav") + read(tmp_path / "out/hot/accompaniment.wav")
    assert np.abs(total - gain * hot).max() < 1e-6
    untouched = vocalsep("split", tmp_path / "hot.wav", "-o", tmp_path / "float", "--json")
    assert json.loads(untouched.out)["gain"] == 1
    total = read(tmp_path / "float/hot/vocals.wav") + read(tmp_path / "float/hot/accompaniment.wav")
    assert np.abs(total - hot).max() < 1e-5


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (48000, 2), (96000, 1), (22050, 6)])
def test_rates_and_channel_counts_come_back(vocalsep, tmp_path, rate, channels):
    samples = 0.1 * np.random.default_rng(1).standard_normal((rate // 2 + 1, channels))
    soundfile.write(tmp_path / "odd.wav", samples, rate, subtype="PCM_24")
    assert vocalsep("split", tmp_path / "odd.wav", "-o", tmp_path / "out").code == 0
    info = soundfile.info(tmp_path / "out/odd/vocals.wav")
    assert (info.samplerate, info.channels, info.frames) == (rate, channels, rate // 2 + 1)
    assert info.subtype == "PCM_24"


def test_interrupting_leaves_nothing(song, tmp_path):
    """Ctrl-C in the middle of a ten-minute song: code 130, one line, no file."""
    samples = np.tile(soundfile.read(song, dtype="int16")[0], (300, 1))
    soundfile.write(tmp_path / "long.wav", samples, 44100)
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "vocalsep", "split", tmp_path / "long.wav", "-o", out],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not leftovers(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stdout == ""
    assert stderr.splitlines() == ["interrupted: nothing half-written is left"]
    assert leftovers(tmp_path) == []
    assert [path for path in out.rglob("*") if path.is_file()] == []


def test_version_and_help_without_torch():
    code = (
        "import sys; sys.argv = ['vocalsep', *sys.argv[1:]]\n"
        "from vocalsep.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print({'torch', 'ray'} & set(sys.modules), file=sys.stderr)"
    )
    for arguments in (["--help"], ["--version"], ["models", "list"], ["split", "--help"]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        assert done.stdout
        assert done.stderr.strip() == "set()"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_comes_through_a_pipe(song, tmp_path):
    """By a FIFO, ``/dev/stdin`` and a process substitution of bash."""
    os.mkfifo(tmp_path / "pipe.wav")
    for name, arguments in {
        "fifo": f"cat {song} > {tmp_path}/pipe.wav & $vocalsep split {tmp_path}/pipe.wav",
        "stdin": f"cat {song} | $vocalsep split /dev/stdin",
        "substitution": f"$vocalsep split <(cat {song})",
    }.items():
        script = f"set -e; vocalsep='{sys.executable} -m vocalsep'; {arguments} -o {tmp_path}/{name}"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        vocals, accompaniment = map(Path, done.stdout.split())
        assert soundfile.info(vocals).frames == soundfile.info(accompaniment).frames == soundfile.info(song).frames


def test_a_gain_is_said_where_the_stem_goes_to_stdout_too(vocalsep, tmp_path, tone):
    loud = tmp_path / "loud.wav"
    soundfile.write(loud, (tone / np.abs(tone).max()).T, 44100, subtype="PCM_16")
    done = vocalsep("split", loud, "--stem", "accompaniment", "-o", "-")
    assert done.code == 0, done.err
    assert "loud.wav: 0:02 in" in done.error_line
    assert done.out.startswith("RIFF")


def test_a_quality_stands_for_a_model_and_says_its_licence(vocalsep, song, tmp_path, monkeypatch):
    def no_network(*_, **__):
        raise RuntimeError("Cannot send a request, as the client has been closed.")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", no_network)
    monkeypatch.setattr("vocalsep.weights.hub.cache_folder", lambda: tmp_path / "cache")
    best = load_manifest().entry(load_manifest().qualities.best)
    done = vocalsep("split", song, "-o", tmp_path / "out", "--quality", "best")
    assert done.code == 33
    licence, error = done.err.splitlines()
    assert licence.endswith(f"{best.id}: 913 MB, licence {best.licence.name}. {best.licence.statement}")
    assert error.count("no connection to") == 1
    assert f"--model {load_manifest().default} works now" in error
    done = vocalsep("split", song, "-o", tmp_path / "out", "--quality", "fast", "--json")
    assert json.loads(done.out)["model"] == load_manifest().default
    done = vocalsep("split", song, "-o", tmp_path / "more", "--quality", "fast", "--model", "tdt")
    assert (done.code, not (tmp_path / "more").exists()) == (2, True)
    assert "exclude each other" in done.error_line


@pytest.mark.parametrize(("by", "switch"), [("option", "--offline"), ("variable", "HF_HUB_OFFLINE")])
def test_what_forbids_a_download_is_named(vocalsep, song, tmp_path, monkeypatch, by, switch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", by == "variable")
    monkeypatch.setattr("vocalsep.weights.hub.cache_folder", lambda: tmp_path / "cache")
    options = ["--offline"] if by == "option" else []
    done = vocalsep("split", song, "-o", tmp_path / "out", "--quality", "balanced", *options)
    assert done.code == 33
    assert done.error_line == (
        "error: the weights of 'scnet' are not on this machine, and nothing is downloaded offline."
        f" Run it once without {switch}. --model {load_manifest().default} works now: it is in the package."
    )
    assert len(done.error_line) < 3 * 80


def test_verbose_says_what_a_song_is_split_with(vocalsep, song, tmp_path):
    default = load_manifest().entry(load_manifest().default)
    lines = vocalsep("split", song, "-o", tmp_path / "out", "-v", "--device", "cpu").err.splitlines()
    weights, run, file, result = lines
    assert weights == f"{default.id}: weights {default.bundled_path}, sha256 {default.sha256}"
    assert re.fullmatch(
        rf"{default.id}: cpu, threads \d+, (fp32|bf16), segments of [\d.]+ s that overlap by \d+%, \d+ at once",
        run,
    )
    assert file == f"{song}: reads pcm_16, 44100 Hz, 2 channels, 0:02.000, writes wav, 16 bit"
    assert result.startswith(f"{song}: 0:02 in ")


def test_an_ensemble_is_named_in_the_template_and_found_again(vocalsep, song, tmp_path):
    default = load_manifest().default
    file = tmp_path / "other.safetensors"
    shutil.copy(load_manifest().entry(default).bundled_path, file)
    command = ["split", song, "-m", f"{default}+{file}", "-o", tmp_path / "out"]
    command += ["--template", "{model}/{track}/{stem}.{ext}", "-d", "cpu"]
    done = vocalsep(*command)
    assert done.code == 0, done.err
    folder = tmp_path / "out" / f"{default}+other" / "song"
    assert {path.name for path in folder.iterdir()} == {"vocals.wav", "accompaniment.wav"}
    alone = vocalsep("split", song, "-o", tmp_path / "alone", "-d", "cpu")
    assert alone.code == 0
    together, single = (read(path / "vocals.wav")[0] for path in (folder, tmp_path / "alone" / "song"))
    np.testing.assert_allclose(together, single, atol=1e-4)  # of two that are the same
    assert "skipped" in vocalsep(*command, "--skip-existing").err


def test_the_line_on_softer_stems_names_what_keeps_the_level_in_each_format(vocalsep, tmp_path):
    hot = 3 * np.random.default_rng(0).standard_normal((2, 22050))
    soundfile.write(tmp_path / "hot.wav", hot.T, 44100, subtype="FLOAT")
    for container in ("flac", "m4a"):
        done = vocalsep("split", tmp_path / "hot.wav", "-o", tmp_path, "-f", container)
        assert "keeps the level" in done.err
        assert "-f wav --depth float" in done.err


def test_a_song_alone_is_split(vocalsep, song, tmp_path, monkeypatch):
    """As ``split`` does it, with its options before or behind the song."""
    monkeypatch.chdir(tmp_path)
    whole = vocalsep("split", song, "-o", "a")
    assert whole.code == 0
    for arguments in ([song, "-o", "b"], ["-o", "c", "song.wav"], ["--debug", song, "-o", "d"]):
        done = vocalsep(*arguments)
        assert done.code == 0, done.err
        folder = arguments[arguments.index("-o") + 1]
        assert done.out == whole.out.replace("a/song", f"{folder}/song")
        for stem in ("vocals.wav", "accompaniment.wav"):
            assert (tmp_path / folder / "song" / stem).read_bytes() == (tmp_path / "a/song" / stem).read_bytes()


def test_the_name_of_a_command_is_the_command(vocalsep, song, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(song, tmp_path / "models")
    assert "compact-v6" in vocalsep("models", "list").out
    done = vocalsep("./models", "--stem", "vocals")
    assert (done.code, done.out) == (0, "stems/models/vocals.wav\n")
    shutil.copy(song, tmp_path / "modles")  # a file is a file, however near its name is to that of a command
    assert vocalsep("modles", "--stem", "vocals").out == "stems/modles/vocals.wav\n"


def test_what_is_no_command_and_no_file(vocalsep):
    assert "No such command 'modls'" in vocalsep("modls", "list").err
    missing = vocalsep("song that is not there.mp3")
    assert (missing.code, "does not exist" in missing.error_line) == (10, True)
    assert "vocalsep split SONG" in vocalsep("--help").out
    assert vocalsep("--version").out.startswith("vocalsep ")
    assert "No such option: --nope" in vocalsep("--nope", "song.mp3").err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("vocalsep mod", "models"),
        ("vocalsep song.wav --overw", "--overwrite"),
        ("vocalsep -o x --overw", "--overwrite"),
    ],
)
def test_completion_knows_commands_and_the_options_of_split(words, expected):
    settings = {
        "_VOCALSEP_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    code = "from vocalsep.cli.app import app; app(prog_name='vocalsep')"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **settings}, capture_output=True, text=True
    )
    assert done.stdout.split() == [expected]


@pytest.mark.parametrize("bitrate", ["192", "192k", "192K", "192 kbps", "192kbit/s", "192000"])
def test_bitrates_as_people_write_them(vocalsep, song, tmp_path, bitrate):
    done = vocalsep(song, "-o", tmp_path, "-f", "mp3", "--bitrate", bitrate, "--stem", "vocals")
    assert done.code == 0, done.err
    assert mutagen.File(tmp_path / "song/vocals.mp3").info.bitrate == pytest.approx(192_000, abs=1)


@pytest.mark.parametrize("bitrate", ["3x", "k", "-192", "1.5k", "99999", "512k"])
def test_bitrates_that_are_none(vocalsep, song, tmp_path, bitrate):
    done = vocalsep(song, "-o", tmp_path / "out", "-f", "mp3", "--bitrate", bitrate)
    assert done.code == 2
    assert "bitrate" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("container", ["wav", "flac", "mp3", "m4a"])
def test_outputs_of_another_rate(vocalsep, song, tmp_path, container):
    """Of the same length in seconds, and the stems sum to the song at that rate."""
    done = vocalsep(song, "-o", tmp_path, "-f", container, "--rate", "22050", "--json", "-q")
    assert done.code == 0, done.err
    stems = []
    for stem in ("vocals", "accompaniment"):
        with open_audio(tmp_path / f"song/{stem}.{container}") as audio:
            assert audio.info.sample_rate == 22050
            stems.append(np.concatenate(list(audio.blocks()), axis=1))
    assert stems[0].shape[1] == stems[1].shape[1] == 44100
    if container in ("wav", "flac"):
        whole = np.concatenate(list(resample_blocks([read(song)], 44100, 22050)), axis=1)
        assert np.abs(stems[0] + stems[1] - whole).max() < 2.1 / 32768


@pytest.mark.parametrize(
    ("container", "rate"), [("mp3", 96000), ("opus", 44100), ("wav", 999), ("flac", 700_000), ("wav", 0)]
)
def test_rates_that_a_format_has_not(vocalsep, song, tmp_path, container, rate):
    done = vocalsep(song, "-o", tmp_path / "out", "-f", container, "--rate", rate)
    assert done.code == 2
    assert f"{container} has no sample rate of {rate} Hz" in done.error_line
    assert not (tmp_path / "out").exists()


def test_skipped_stems_of_another_model_are_said(vocalsep, song, tmp_path):
    """And stay as they are: nobody asked to replace them."""
    for container in ("wav", "flac", "mp3", "ogg", "opus", "m4a"):
        vocalsep(song, "-o", tmp_path, "-f", container, "-m", "compact-v5", "-q")
    before = {path: path.read_bytes() for path in (tmp_path / "song").iterdir()}
    for container in ("wav", "flac", "mp3", "ogg", "opus", "m4a"):
        same = vocalsep(song, "-o", tmp_path, "-f", container, "-m", "compact-v5", "--skip-existing")
        assert same.error_line.endswith("skipped, its stems are there")
        other = vocalsep(song, "-o", tmp_path, "-f", container, "-m", "compact-v6", "--skip-existing", "--json")
        assert "made by compact-v5: --overwrite makes them by compact-v6" in other.error_line
        assert json.loads(other.out)["made_by"] == "compact-v5"
    assert {path: path.read_bytes() for path in (tmp_path / "song").iterdir()} == before
    unknown = tmp_path / "old" / "song"
    unknown.mkdir(parents=True)
    for stem in ("vocals.wav", "accompaniment.wav"):
        shutil.copy(song, unknown / stem)
    assert vocalsep(song, "-o", tmp_path / "old", "--skip-existing").error_line.endswith("its stems are there")


def test_a_working_folder_that_is_gone_is_said(vocalsep, song, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for arguments in ([song], ["split", song, "-o", tmp_path / "out"], ["doctor"], ["models", "list"]):
        done = vocalsep(*arguments)
        assert (done.code, "the working folder is gone" in done.error_line) == (11, True)
    assert vocalsep("--version").code == 0


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such places")
@pytest.mark.parametrize("place", ["/proc/x", "/proc/self/x/y", "/sys/x", "/dev/null/x", "/dev/null"])
def test_folders_that_cannot_be_made_are_named(vocalsep, song, place):
    done = vocalsep(song, "-o", place)
    assert done.code in (20, 21)
    named = "/dev/null is a file" if place.startswith("/dev/null") else f"{place}/song"
    assert named in done.error_line
    assert "*" not in done.error_line


@pytest.mark.parametrize("name", ["x" * 251, "夜" * 80, "é" * 120 + "x", "🎤" * 60])
@pytest.mark.parametrize("template", ["{track} - {stem}.{ext}", "{model}/{track} {track} {stem}.{ext}"])
def test_names_that_the_template_makes_too_long_are_cut(vocalsep, song, tmp_path, name, template):
    (tmp_path / "in").mkdir()
    song.rename(tmp_path / "in" / f"{name}.wav")
    done = vocalsep(tmp_path / "in", "-o", tmp_path / "out", "--template", template)
    assert done.code == 0, done.err
    paths = [Path(line) for line in done.out.splitlines()]
    assert len(set(paths)) == 2
    for path, stem in zip(paths, ("vocals", "accompaniment"), strict=True):
        assert path.name.startswith(name[:4])
        assert path.name.endswith(f"{stem}.wav")
        assert 150 < len(path.name.encode()) <= 255
        assert soundfile.info(path).frames == 88200
    again = vocalsep(tmp_path / "in", "-o", tmp_path / "out", "--template", template, "--skip-existing")
    assert again.error_line.endswith("skipped, its stems are there")


@pytest.mark.parametrize("container", ["wav", "flac", "mp3", "ogg", "opus", "m4a"])
def test_surround_sound_becomes_stereo_where_that_is_asked_for(vocalsep, tmp_path, container):
    """And the stems sum to the stereo of the song."""
    samples = (0.05 * np.random.default_rng(1).standard_normal((6, 30000))).astype(np.float32)
    soundfile.write(tmp_path / "surround.wav", samples.T, 48000, subtype="FLOAT")
    arguments = (tmp_path / "surround.wav", "-o", tmp_path, "-f", container)
    if container not in ("wav", "flac"):
        refused = vocalsep(*arguments)
        assert (refused.code, "Pass --downmix for stereo" in refused.error_line) == (2, True)
    done = vocalsep(*arguments, "--downmix")
    assert done.code == 0, done.err
    stems = []
    for stem in ("vocals", "accompaniment"):
        with open_audio(tmp_path / f"surround/{stem}.{container}") as audio:
            assert audio.info.channels == 2
            stems.append(np.concatenate(list(audio.blocks()), axis=1))
    if container in ("wav", "flac"):
        assert np.abs(sum(stems) - to_stereo(samples, ())).max() < 1e-4


def test_stereo_stays_as_it_is_with_downmix(vocalsep, song, tmp_path):
    for arguments in (("-o", tmp_path / "a"), ("-o", tmp_path / "b", "--downmix")):
        assert vocalsep(song, *arguments).code == 0
    for stem in ("vocals.wav", "accompaniment.wav"):
        assert (tmp_path / "a/song" / stem).read_bytes() == (tmp_path / "b/song" / stem).read_bytes()


def test_stems_of_surround_sound_have_its_loudspeakers(vocalsep, tmp_path):
    layout = ("FL", "FR", "FC", "LFE", "SL", "SR")
    samples = (0.05 * np.random.default_rng(1).standard_normal((6, 30000))).astype(np.float32)
    with AudioWriter(
        tmp_path / "a.wav", sample_rate=44100, channels=6, format=OutputFormat(), layout=layout
    ) as writer:
        writer.write(samples)
        writer.commit()
    assert vocalsep(tmp_path / "a.wav", "-o", tmp_path).code == 0
    for stem in ("vocals", "accompaniment"):
        with open_audio(tmp_path / f"a/{stem}.wav") as audio:
            assert audio.info.layout == layout
