"""Whole songs: what `synthesise` promises of its files, and what becomes of runs that go wrong."""

import hashlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

pytest.importorskip("pyworld")
pytest.importorskip("mido")
pytest.importorskip("scipy")

import pyworld

from vocalsep.datasets.dataset import open_dataset
from vocalsep.errors import MissingToolError, OptionError, OutputExistsError
from vocalsep.synthesis import synthesise, synthesise_stream
from vocalsep.synthesis.programs import Soundfont, find_soundfonts
from vocalsep.synthesis.singing.speech import Speaker, find_speakers, recorded_speakers
from vocalsep.synthesis.song import draw_song

RATE = 44_100
SEED, SECONDS = 8, 8


def make(folder, *, minutes=0.14, seed=SEED, jobs=1, **options):
    return synthesise(folder, minutes=minutes, seed=seed, jobs=jobs, song_seconds=SECONDS, **options)


def songs_of(folder):
    return sorted(path for path in folder.iterdir() if path.name.startswith("song-"))


def integers(path):
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == RATE
    return samples.astype(np.int32)


def digests(song):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(song.iterdir())}


def lines_of(song):
    return json.loads((song / "song.json").read_text())["song"]["vocals"]["lines"]


def ended(group):
    """Whether all processes of a group end within a few seconds."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def known_speakers(made, tmp_path):
    """A folder that already has the recordings of the speakers, to save the time."""
    shutil.copytree(made / ".cache", tmp_path / "songs" / ".cache")
    return tmp_path / "songs"


def test_a_voice_that_cannot_sing_is_left_out_and_named(tmp_path, caplog):
    voices = tmp_path / "voices"
    voices.mkdir()
    for name in ("ann", "bob"):
        soundfile.write(voices / f"{name}.flac", np.zeros(RATE), RATE)
    cast, soundfonts = find_speakers() + recorded_speakers(voices), find_soundfonts()
    songs = ((seed, draw_song(seed, 0, SECONDS, cast, soundfonts)) for seed in range(50))
    seed, drawn = next(
        (seed, song) for seed, song in songs if any(each.speaker.is_recording for each in song.vocals.singers)
    )
    with caplog.at_level(logging.WARNING, logger="vocalsep"):
        (song,) = make(tmp_path / "songs", minutes=0.05, seed=seed, voices=voices)
    made = json.loads((song / "song.json").read_text())["song"]
    assert made["vocals"]["singers"]
    assert not any(each["speaker"]["engine"] == "recording" for each in made["vocals"]["singers"])
    assert made["form"]["tempo"] == drawn.form.tempo
    assert any("has no syllables to sing, and is left out" in message for message in caplog.messages)


def test_the_mixture_is_exactly_the_sum_of_the_stems(made):
    for song in songs_of(made):
        stems = {file.stem: integers(file) for file in song.glob("*.flac")}
        mixture = stems.pop("mixture")
        assert "vocals" in stems
        assert 2 <= len(stems) <= 7
        assert np.array_equal(sum(stems.values()), mixture)
        assert mixture.shape[1] == 2


def test_nothing_clips_and_everything_sounds(made):
    for song in songs_of(made):
        for file in song.glob("*.flac"):
            samples = integers(file)
            assert np.abs(samples).max() < 32_767, file
            assert np.abs(samples).max() > 100, file


def test_they_last_as_long_as_was_asked_for_and_can_be_read_as_a_data_set(made):
    tracks = open_dataset(f"synth:{made}").tracks("all")
    assert [track.name for track in tracks] == ["song-0000", "song-0001", "song-0002"]
    seconds = [track.n_samples / RATE for track in tracks]
    assert sum(seconds) >= 24 > sum(seconds[:-1])
    whole = tracks[0].read("vocals") + tracks[0].read("accompaniment")
    assert np.allclose(whole, tracks[0].read("mixture"), atol=1e-6)


def test_the_record_says_what_was_drawn(made):
    for song in songs_of(made):
        record = json.loads((song / "song.json").read_text())
        assert record["seed"] == SEED
        assert {f"{stem}.flac" for stem in record["stems"]} | {"mixture.flac", "song.json"} == {
            file.name for file in song.iterdir()
        }
        bars = [chord for section in record["song"]["form"]["sections"] for chord in section["chords"]]
        assert record["seconds"] == pytest.approx(
            len(bars) * 240 / record["song"]["form"]["tempo"] + 1.2, abs=0.01
        )
        assert record["song"]["vocals"]["singers"][0]["speaker"]["engine"] in ("flite", "espeak-ng", "festival")
        assert record["soundfonts"] or all(part["soundfont"] is None for part in record["song"]["band"])


def test_the_singers_rest(made):
    for song in songs_of(made):
        vocals = integers(song / "vocals.flac") / 32_768
        frames = (vocals[: len(vocals) // 4410 * 4410].reshape(-1, 4410, 2) ** 2).mean(axis=(1, 2))
        assert (frames < frames.max() * 1e-4).mean() > 0.05
        assert (frames > frames.max() * 1e-2).mean() > 0.2


def test_consonants_and_breaths_reach_the_top(made):
    """Somewhere in the songs a frame of the vocals has more than a hundredth of its energy above 12 kHz."""
    highest = []
    for song in songs_of(made):
        vocals = integers(song / "vocals.flac").mean(axis=1) / 32_768
        frames = np.lib.stride_tricks.sliding_window_view(vocals, 2048)[::1024] * np.hanning(2048)
        power = np.abs(np.fft.rfft(frames)) ** 2
        loud = power.sum(axis=1) > power.sum(axis=1).max() * 1e-3
        top = np.fft.rfftfreq(2048, 1 / RATE) > 12_000
        highest.append((power[loud][:, top].sum(axis=1) / power[loud].sum(axis=1)).max())
    assert max(highest) > 0.01


def test_the_voice_follows_the_melody_of_the_record(made):
    """Where one singer sings alone, the pitch that is tracked is that of the notes, within a semitone."""
    right, voiced = 0, 0
    for song in songs_of(made):
        lines = lines_of(song)
        vocals = integers(song / "vocals.flac").mean(axis=1) / 32_768
        coarse, times = pyworld.dio(vocals, RATE, f0_floor=70, f0_ceil=1000)
        hz = pyworld.stonemask(vocals, coarse, times, RATE)
        spans = [
            (number, phrase["notes"][0]["start"] - 0.5, phrase["notes"][-1]["end"] + 0.5)
            for number, line in enumerate(lines)
            for phrase in line["phrases"]
        ]
        for number, line in enumerate(lines):
            for phrase in line["phrases"]:
                if phrase["delivery"] != "sung":
                    continue
                for note in phrase["notes"]:
                    alone = all(
                        other == number or end < note["start"] or begin > note["end"]
                        for other, begin, end in spans
                    )
                    if not alone or note["end"] - note["start"] < 0.25:
                        continue
                    inside = (times > note["start"] + 0.12) & (times < note["end"] - 0.08) & (hz > 0)
                    semitones = 69 + 12 * np.log2(hz[inside] / 440) - note["pitch"]
                    voiced += inside.sum()
                    right += (np.abs(semitones) < 1).sum()
    assert voiced > 200, "no passage where one singer is alone"
    assert right / voiced > 0.8


def test_the_number_of_jobs_changes_nothing(made, known_speakers):
    first, *_ = make(known_speakers, jobs=1)
    assert digests(first) == digests(made / "song-0000")


def test_an_instrumental_song_has_silent_vocals(tools, known_speakers, monkeypatch):
    monkeypatch.setattr("vocalsep.synthesis.song._INSTRUMENTAL_CHANCE", 1.0)
    from vocalsep.synthesis import studio as studios

    studio = studios.Studio(
        folder=known_speakers, seed=SEED, song_seconds=SECONDS, speakers=studios.find_speakers(), soundfonts=tools
    )
    studios.make_song(studio, 0)
    assert not integers(studio.song_folder(0) / "vocals.flac").any()
    assert integers(studio.song_folder(0) / "mixture.flac").any()
    assert json.loads((studio.song_folder(0) / "song.json").read_text())["song"]["vocals"]["singers"] == []


def test_songs_that_are_there_are_kept_and_the_others_made(made, tmp_path):
    folder = tmp_path / "songs"
    shutil.copytree(made, folder)
    kept = digests(folder / "song-0000"), (folder / "song-0000" / "mixture.flac").stat().st_mtime_ns
    wanted = digests(folder / "song-0001")
    shutil.rmtree(folder / "song-0001")
    # what a process that was killed leaves: a folder without its name
    half = folder / ".vocalsep-song-0001"
    half.mkdir()
    (half / "vocals.flac").write_bytes(b"fLaC")
    told = []
    made_again = make(folder, minutes=0.4, progress=lambda done, total: told.append((done, total)))
    assert [song.name for song in made_again] == ["song-0000", "song-0001", "song-0002"]
    assert (digests(folder / "song-0000"), (folder / "song-0000" / "mixture.flac").stat().st_mtime_ns) == kept
    assert digests(folder / "song-0001") == wanted
    assert not half.exists()
    assert told[0][0] > 0, "what is there counts as done"
    assert told[-1][0] == pytest.approx(told[-1][1])


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_leaves_whole_songs_alone(known_speakers):
    code = (
        "from pathlib import Path; from vocalsep.synthesis import synthesise\n"
        f"synthesise(Path({str(known_speakers)!r}), minutes=2, seed={SEED}, jobs=2, song_seconds={SECONDS})"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, start_new_session=True)
    until = time.monotonic() + 60
    while not list(known_speakers.glob(".vocalsep-*/*")) and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=20)[1].decode()
    assert process.returncode != 0
    assert said.count("Traceback") == 1, said
    assert "KeyboardInterrupt" in said
    assert ended(process.pid)
    assert not list(known_speakers.glob(".vocalsep-*"))
    for song in songs_of(known_speakers):
        assert (song / "song.json").exists()


def test_songs_of_another_seed_are_not_overwritten(made):
    before = digests(made / "song-0000")
    with pytest.raises(OutputExistsError, match="seed 8"):
        make(made, seed=SEED + 1)
    assert digests(made / "song-0000") == before


def test_a_folder_that_is_no_song_is_not_overwritten(tools, tmp_path):
    (tmp_path / "song-0000").mkdir()
    with pytest.raises(OutputExistsError, match="song-0000"):
        make(tmp_path)


@pytest.mark.parametrize(
    "options",
    [{"minutes": 0}, {"minutes": float("nan")}, {"minutes": 1, "jobs": 0}, {"minutes": 1, "song_seconds": 1}],
)
def test_numbers_out_of_their_range_are_refused(tmp_path, options):
    with pytest.raises(OptionError):
        synthesise(tmp_path, **{"seed": 0, **options})
    with pytest.raises(OptionError):
        synthesise(tmp_path, minutes=1, seed=-1)
    assert not list(tmp_path.iterdir())


def test_without_its_programs_it_says_what_to_install(tools, tmp_path, monkeypatch):
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(MissingToolError, match="fluidsynth") as error:
        make(tmp_path / "songs")
    assert "apt install fluidsynth" in error.value.hint
    assert "brew install" in error.value.hint
    (programs / "fluidsynth").symlink_to("/bin/true")
    with pytest.raises(MissingToolError, match="flite") as error:
        make(tmp_path / "songs")
    assert "apt install flite espeak-ng" in error.value.hint
    assert not (tmp_path / "songs").exists()


SPEAKERS = (
    Speaker(engine="flite", voice="slt", english=True),
    *(Speaker(engine="espeak-ng", voice=f"es+f{number}", english=False) for number in range(1, 6)),
)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    fonts = (Soundfont(path=tmp_path_factory.mktemp("fonts") / "a.sf2", weight=1.0),)
    return [draw_song(5, index, 60.0, SPEAKERS, fonts) for index in range(150)]


def test_drawn_songs_are_diverse(drawn):
    assert len({song.style for song in drawn}) > 15
    assert len({song.form.key.name for song in drawn}) > 30
    roles = {line.role for song in drawn for line in song.vocals.lines}
    assert roles == {"lead", "second lead", "double", "harmony", "choir", "ad-lib"}
    deliveries = {p.delivery for song in drawn for line in song.vocals.lines for p in line.phrases}
    assert deliveries == {"sung", "rapped", "spoken"}
    assert 0 < sum(not song.vocals.singers for song in drawn) < 15
    assert 3 < sum(song.master.codec is not None for song in drawn) < 40
    assert 3 < sum(song.master.medium is not None for song in drawn) < 40


def test_a_fifth_of_the_time_no_lead_sings(drawn):
    """Counted by phrases, in all songs with singers, against their length."""
    sung = total = 0.0
    for song in drawn:
        for line in song.vocals.lines:
            if line.role in ("lead", "second lead"):
                sung += sum(phrase.notes[-1].end - phrase.notes[0].start for phrase in line.phrases)
        total += song.form.seconds
    assert 0.35 < sung / total < 0.8


def test_a_song_depends_on_its_seed_and_index_alone(drawn, tmp_path):
    fonts = (Soundfont(path=tmp_path / "a.sf2", weight=1.0),)
    assert draw_song(5, 17, 60.0, SPEAKERS, fonts) == drawn[17]
    others = [draw_song(6, 17, 60.0, SPEAKERS, fonts), draw_song(5, 18, 60.0, SPEAKERS, fonts)]
    for other in others:
        assert other.vocals.lines != drawn[17].vocals.lines
        assert other.band != drawn[17].band


def test_all_that_is_played_is_in_the_song(drawn):
    for song in drawn:
        for line in song.vocals.lines:
            for phrase in line.phrases:
                assert len(phrase.notes) == len(phrase.syllables) > 0
                starts = [note.start for note in phrase.notes]
                assert starts == sorted(starts)
                assert all(note.end > note.start >= 0 for note in phrase.notes)
                assert phrase.notes[-1].end < song.form.seconds + 1.0
                assert all(33 <= note.pitch <= 88 for note in phrase.notes)


def test_a_stream_goes_on_where_it_stopped_and_makes_songs_as_they_are_taken(tmp_path):
    made, stream = [], tmp_path / "stream"

    def mark(folder):
        assert not list(stream.glob(f"{folder.name.rpartition('song')[2]}"))  # not in sight yet
        (folder / "mark").touch()

    def run(until):
        synthesise_stream(
            stream, keep=2, seed=SEED, song_seconds=SECONDS, finish=mark, should_stop=lambda: len(made) >= until,
            on_song=lambda song: made.append(song.name),
        )  # fmt: skip

    run(2)
    assert made == ["song-0000", "song-0001"] == [song.name for song in songs_of(stream)]
    shutil.rmtree(stream / "song-0000")  # as a trainer does with what it has heard
    run(3)
    assert made[-1] == "song-0002"
    assert [song.name for song in songs_of(stream)] == ["song-0001", "song-0002"]
    assert all((song / "mark").exists() for song in songs_of(stream))
    alike = make(tmp_path / "list", minutes=0.4)  # a stream's songs are those of `synthesise` of that seed
    assert (alike[2] / "mixture.flac").read_bytes() == (stream / "song-0002" / "mixture.flac").read_bytes()
