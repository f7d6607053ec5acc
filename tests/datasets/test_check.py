"""Data sets with one thing wrong each, and what is said of it."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vocalsep.datasets import check as checking
from vocalsep.datasets.check import check_dataset
from vocalsep.datasets.dataset import open_dataset
from vocalsep.datasets.track import open_track
from vocalsep.errors import NoTracksError
from vocalsep.stem_names import ACCOMPANIMENT, VOCALS

RATE = 44100
SECONDS = 4.0


def tone(hz, seconds=SECONDS, level=0.2, rate=RATE):
    time = np.arange(round(seconds * rate)) / rate
    return level * np.stack([np.sin(2 * np.pi * hz * time), np.cos(2 * np.pi * hz * time)], axis=1)


def write(path, samples, rate=RATE, subtype="PCM_24"):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype=None if path.suffix in (".ogg", ".mp3") else subtype)


def song(folder, mixture=True):
    """A good song: voice, bass and drums that sum to the mixture."""
    stems = {"vocals": tone(440), "bass": tone(70), "drums": tone(1000)}
    for name, samples in stems.items():
        write(folder / f"{name}.wav", samples)
    if mixture:
        write(folder / "mixture.wav", sum(stems.values()))
    return folder


@pytest.fixture
def songs(tmp_path):
    """A good song that has a mixture, and one that has none."""
    song(tmp_path / "good")
    return song(tmp_path / "song", mixture=False).parent


def findings(root, spec="folders", **options):
    found = check_dataset(open_dataset(f"{spec}:{root}"), **options).findings
    return [(finding.track, finding.level, finding.what) for finding in found]


def assert_one(found, track, level, pattern):
    assert len(found) == 1, found
    assert found[0][:2] == (track, level)
    assert re.fullmatch(pattern, found[0][2]), found[0][2]


def test_what_is_there(songs):
    report = check_dataset(open_dataset(f"folders:{songs}"))
    assert report.findings == ()
    assert (report.n_tracks, report.n_wrong) == (2, 0)
    assert report.seconds == pytest.approx(2 * SECONDS)
    assert report.sample_rates == {RATE: 7}
    assert report.stems == {"bass": 2, "drums": 2, "mixture": 1, "vocals": 2}
    assert report.spec == f"folders:{songs}"


@pytest.mark.parametrize("jobs", [1, 3, None])
def test_findings_are_in_the_order_of_the_tracks(tmp_path, jobs):
    for n in range(6):
        song(tmp_path / f"song {n}", mixture=False)
        write(tmp_path / f"song {n}" / "vocals.wav", tone(440, seconds=2 + 0.25 * n))
    seen = []
    found = findings(tmp_path, jobs=jobs, progress=lambda done, total: seen.append((done, total)))
    assert [each[0] for each in found if each[1] == "wrong"] == [f"song {n}" for n in range(6)]
    assert seen == [(n, 6) for n in range(1, 7)]


def test_parts_are_checked_too(tmp_path):
    song(tmp_path / "train" / "a")
    song(tmp_path / "test" / "b")
    write(tmp_path / "test" / "b" / "bass.wav", 0 * tone(1))
    assert ("test/b", "wrong") in {each[:2] for each in findings(tmp_path)}


def test_a_wav_that_is_cut(songs):
    path = songs / "song" / "bass.wav"
    path.write_bytes(path.read_bytes()[:100_000])
    assert_one(findings(songs), "song", "wrong", r".*bass\.wav is damaged: .* bytes of audio of the .*")


def test_a_flac_that_is_cut(songs):
    path = songs / "song" / "bass.flac"
    (songs / "song" / "bass.wav").unlink()
    write(path, tone(70))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert_one(findings(songs), "song", "wrong", r".*bass\.flac (cannot be decoded at|ends at) sample .*")


def test_damage_in_the_mixture_does_not_hide_the_rest(songs):
    write(songs / "good" / "vocals.wav", 0 * tone(1))
    path = songs / "good" / "mixture.wav"
    path.write_bytes(path.read_bytes()[:1000])
    found = {each[2] for each in findings(songs)}
    assert "vocals is silent, all zeros" in found
    assert len(found) == 2


def test_a_file_that_is_no_audio(songs):
    (songs / "song" / "bass.wav").write_text("text")
    assert_one(findings(songs), "song", "wrong", r".*bass\.wav is not audio.*")


def test_a_file_that_does_not_say_how_long_it_is(songs):
    path = songs / "song" / "bass.flac"
    write(path, tone(70))
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(content)
    (songs / "song" / "bass.wav").unlink()
    assert_one(findings(songs), "song", "wrong", r".*does not say how long it is")


def test_rates_that_differ(songs):
    write(songs / "song" / "bass.wav", tone(70, rate=48000), 48000)
    found = [each for each in findings(songs) if "lengths" not in each[2]]
    assert_one(found, "song", "wrong", r"has different rates: vocals\.wav 44100 Hz, bass\.wav 48000 Hz")


def test_a_rate_that_models_do_not_work_at(songs):
    for name in ("vocals", "bass", "drums"):
        write(songs / "song" / f"{name}.wav", tone(440, rate=48000), 48000)
    assert_one(findings(songs), "song", "wrong", r"is at 48000 Hz, and models work at 44100 Hz")


def test_lengths_that_differ(songs):
    write(songs / "song" / "bass.wav", tone(70, seconds=4.5))
    pattern = r"has different lengths: vocals\.wav 176400 samples, bass\.wav 198450 samples"
    assert_one(findings(songs), "song", "wrong", pattern)


def test_channels_that_differ(songs):
    write(songs / "song" / "bass.wav", tone(70)[:, :1])
    assert findings(songs) == []
    write(songs / "song" / "bass.wav", np.tile(tone(70), (1, 3)))
    pattern = r"has different numbers of channels: vocals\.wav 2 channels, bass\.wav 6 channels"
    assert_one(findings(songs), "song", "wrong", pattern)


def test_no_accompaniment(songs):
    for name in ("bass", "drums"):
        (songs / "song" / f"{name}.wav").unlink()
    assert_one(findings(songs), "song", "wrong", "has vocals and no accompaniment")


def test_files_that_are_left_out(songs):
    (songs / "song" / "keys.m4a").write_bytes(b"any")
    (songs / "song" / ".keys.m4a").write_bytes(b"any")
    (songs / "song" / "cover.jpg").write_bytes(b"any")
    assert_one(findings(songs), "song", "wrong", r"keys\.m4a cannot be read in parts and is left out: convert .*")


def test_files_of_one_name(songs):
    write(songs / "song" / "Bass.flac", tone(70))
    assert_one(findings(songs), "song", "wrong", r"has 2 files named bass: Bass\.flac, bass\.wav")


def test_folders_without_vocals(songs):
    write(songs / "band alone" / "bass.wav", tone(70))
    write(songs / ".hidden" / "bass.wav", tone(70))
    (songs / "text").mkdir()
    assert_one(findings(songs), "band alone", "note", "has audio files and none named vocals: left out")


@pytest.mark.parametrize(("level", "says"), [(0, "all zeros"), (0.0008, r"at -6[345]\.\d dBFS")])
def test_silent_stems(songs, level, says):
    write(songs / "song" / "vocals.wav", tone(440, level=level))
    assert_one(findings(songs), "song", "wrong", f"vocals is silent, {says}")


def test_quiet_is_not_silent(songs):
    write(songs / "song" / "vocals.wav", tone(440, level=0.002))  # at -57 dBFS
    assert findings(songs) == []


def test_a_silent_file_among_others_is_noted(songs):
    write(songs / "song" / "drums.wav", 0 * tone(1))
    assert_one(findings(songs), "song", "note", r"drums\.wav is silent, all zeros")


def test_an_accompaniment_that_is_silent_in_all_files(songs):
    for name in ("bass", "drums"):
        write(songs / "song" / f"{name}.wav", 0 * tone(1))
    wrong = [each for each in findings(songs) if each[1] == "wrong"]
    assert_one(wrong, "song", "wrong", "accompaniment is silent, all zeros")


@pytest.mark.parametrize(("error_db", "wrong"), [(-60, False), (-41, False), (-39, True), (-20, True)])
def test_stems_that_do_not_sum_to_the_mixture(songs, error_db, wrong):
    mixture = tone(440) + tone(70) + tone(1000)
    rng = np.random.default_rng(1)
    error = rng.standard_normal(mixture.shape)
    error *= 10 ** (error_db / 20) * np.sqrt(np.mean(mixture**2) / np.mean(error**2))
    write(songs / "good" / "mixture.wav", mixture + error, subtype="FLOAT")
    found = findings(songs)
    if not wrong:
        assert found == []
        return
    assert_one(found, "good", "wrong", r"the stems do not sum to the mixture: the difference is at (.*) dB of it")
    assert float(re.findall(r"at (\S+) dB", found[0][2])[0]) == pytest.approx(error_db, abs=0.3)


def test_a_mixture_that_is_late_does_not_fit(songs):
    mixture = np.roll(tone(440) + tone(70) + tone(1000), 100, axis=0)
    write(songs / "good" / "mixture.wav", mixture)
    assert "do not sum" in findings(songs)[0][2]


def test_stems_that_go_through_a_lossy_codec_may_differ_a_little(songs):
    write(songs / "good" / "vocals.ogg", tone(440))
    (songs / "good" / "vocals.wav").unlink()
    assert findings(songs) == []


def test_mono_stems_are_summed_into_both_channels(songs):
    voice = tone(440)[:, :1]
    write(songs / "good" / "vocals.wav", voice)
    write(songs / "good" / "mixture.wav", voice + tone(70) + tone(1000))
    assert findings(songs) == []


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite(songs, value):
    samples = tone(70)
    samples[[5, 100_000], 0] = value
    write(songs / "good" / "bass.wav", samples, subtype="FLOAT")
    found = findings(songs)
    assert found[0] == ("good", "wrong", "bass.wav has 2 samples that are not finite numbers")
    assert len(found) == 1


def test_clipping_is_noted(songs):
    samples = np.clip(tone(70, level=1.2), -1, 1)
    write(songs / "song" / "bass.wav", samples, subtype="PCM_16")
    n_clipped = int(re.findall(r"clips at (\d+) samples", findings(songs)[0][2])[0])
    full = np.count_nonzero(np.abs(samples) >= 1 - 2**-15)
    assert 0.95 * full < n_clipped < full
    assert findings(songs)[0][:2] == ("song", "note")


def test_a_peak_at_full_scale_is_no_clipping(songs):
    samples = tone(70)
    samples[::5000] = 1
    write(songs / "song" / "bass.wav", samples, subtype="PCM_16")
    assert findings(songs) == []


def test_short_songs_are_noted(songs):
    for name in ("vocals", "bass", "drums"):
        write(songs / "song" / f"{name}.wav", tone(440, seconds=2.5))
    assert_one(findings(songs), "song", "note", r"is shorter than 3 s: 2\.50 s")


def test_songs_without_samples(songs):
    for name in ("vocals", "bass", "drums"):
        write(songs / "song" / f"{name}.wav", np.zeros((0, 2)))
    assert_one(findings(songs), "song", "wrong", "has no samples")


def test_pools(tmp_path):
    write(tmp_path / "voices" / "a.wav", tone(440))
    write(tmp_path / "voices" / "b.wav", 0 * tone(1))
    write(tmp_path / "bands" / "c.wav", tone(70, rate=22050), 22050)
    (tmp_path / "bands" / "d.m4a").write_bytes(b"any")
    found = findings(f"{tmp_path / 'voices'},{tmp_path / 'bands'}", "pools")
    assert found == [
        ("vocals/b", "wrong", "vocals is silent, all zeros"),
        ("accompaniment", "wrong", "d.m4a cannot be read in parts and is left out: convert it to wav or flac"),
        ("accompaniment/c", "wrong", "is at 22050 Hz, and models work at 44100 Hz"),
    ]


def test_musdb18hq(tmp_path):
    """Stems that a part of all songs lacks are missing here, vocals too; and so are songs."""
    for name in ("train/A", "train/B", "test/C"):
        song(tmp_path / name)
        write(tmp_path / name / "other.wav", tone(300))
        write(tmp_path / name / "mixture.wav", tone(440) + tone(70) + tone(1000) + tone(300))
    (tmp_path / "train" / "A" / "vocals.wav").unlink()
    (tmp_path / "test" / "C" / "drums.wav").unlink()
    (tmp_path / "train" / ".vocalsep-D").mkdir()
    assert findings(tmp_path, "musdb18hq") == [
        ("train", "note", "2 songs of 100"),
        ("train/A", "wrong", "has no vocals.wav"),
        ("test", "note", "1 songs of 50"),
        ("test/C", "wrong", "has no drums.wav"),
    ]


def test_any_other_source(songs):
    class Source:
        spec = "mine"
        has_test = False

        def tracks(self, split):
            assert split == "all"
            folder = songs / "song"
            stems = {VOCALS: [folder / "vocals.wav"], ACCOMPANIMENT: [folder / "bass.wav"]}
            return [open_track("song", stems, songs / "good" / "mixture.wav")]

    report = check_dataset(Source())
    assert (report.n_tracks, report.n_wrong) == (1, 1)
    assert "do not sum" in report.findings[0].what


def test_no_tracks(tmp_path):
    for spec in ("folders", "musdb18hq"):
        with pytest.raises(NoTracksError, match="has no tracks"):
            findings(tmp_path, spec)
    write(tmp_path / "bass.wav", tone(70))
    with pytest.raises(NoTracksError):
        findings(tmp_path)


def test_every_sample_is_read_once(songs, monkeypatch):
    import vocalsep.datasets.levels as measuring

    read, reader = {}, measuring.read_excerpt

    def counting(path: Path, start, n_samples):
        read.setdefault(path, []).append((start, start + n_samples))
        return reader(path, start, n_samples)

    monkeypatch.setattr(measuring, "read_excerpt", counting)
    monkeypatch.setattr(measuring, "_BLOCK_SAMPLES", 50_000)
    assert findings(songs, jobs=1) == []
    assert len(read) == 7
    for spans in read.values():
        assert spans[0][0] == 0
        assert spans[-1][1] == round(SECONDS * RATE)
        assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]]


def test_an_interruption_stops_the_rest(tmp_path, monkeypatch):
    for n in range(10):
        song(tmp_path / str(n), mixture=False)
    measured = []
    measure = checking.measure
    monkeypatch.setattr(checking, "measure", lambda *files: measured.append(1) or measure(*files))

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        findings(tmp_path, jobs=1, progress=interrupt)
    assert len(measured) < 10
