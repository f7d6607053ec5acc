from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vocalsep.datasets.dataset import data_folder, open_dataset, without_folders
from vocalsep.datasets.folders import Folders
from vocalsep.datasets.musdb18hq import MUSDB18HQ_VALIDATION, Musdb18hq
from vocalsep.datasets.pools import Pools
from vocalsep.errors import NoTracksError, OptionError, UnfitTrackError
from vocalsep.stem_names import ACCOMPANIMENT, MIXTURE, VOCALS

VALIDATION = sorted(MUSDB18HQ_VALIDATION)


def write(path, level=0.1, rate=44100):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full((200, 2), level), rate, subtype="FLOAT")


def song(folder):
    write(folder / "vocals.wav", 0.25)
    write(folder / "band.wav", 0.5)


def names(dataset, split):
    return [track.name for track in dataset.tracks(split)]


@pytest.fixture
def musdb18hq(tmp_path):
    """Three songs to train on, two that validate, two to test on."""
    root = tmp_path / "musdb18hq"
    for name in ("train/Song A", "train/Song B", "train/Song C", "test/Song D", "test/Song E"):
        for number, stem in enumerate(("bass", "drums", "other", "vocals", "mixture")):
            write(root / name / f"{stem}.wav", 2.0 ** -(2 + number))
    for name in VALIDATION[:2]:
        song(root / "train" / name)
    return root


def test_the_fourteen_that_the_field_validates_on():
    musdb_hq = pytest.importorskip("torchaudio.datasets.musdb_hq")
    assert set(musdb_hq._VALIDATION_SET) == MUSDB18HQ_VALIDATION


def test_musdb18hq_parts(musdb18hq):
    dataset = open_dataset(f"musdb18hq:{musdb18hq}")
    assert names(dataset, "train") == ["Song A", "Song B", "Song C"]
    assert names(dataset, "valid") == VALIDATION[:2]
    assert names(dataset, "test") == ["Song D", "Song E"]
    assert sorted(names(dataset, "all")) == sorted([*VALIDATION[:2], *(f"Song {letter}" for letter in "ABCDE")])
    assert dataset.has_test


def test_musdb18hq_stems(musdb18hq):
    track = open_dataset(f"musdb18hq:{musdb18hq}").tracks("test")[0]
    levels = {stem: track.read(stem)[0, 0] for stem in (VOCALS, ACCOMPANIMENT, MIXTURE)}
    assert levels == {VOCALS: 2.0**-5, ACCOMPANIMENT: 2.0**-2 + 2.0**-3 + 2.0**-4, MIXTURE: 2.0**-6}


@pytest.mark.parametrize("part", ["train", "test"])
def test_one_part_of_musdb18hq_is_enough_for_itself(musdb18hq, part):
    other = {"train": "test", "test": "train"}[part]
    (musdb18hq / other).rename(musdb18hq.with_name("elsewhere"))
    dataset = open_dataset(f"musdb18hq:{musdb18hq}")
    assert names(dataset, part)
    with pytest.raises(NoTracksError, match=other):
        dataset.tracks(other)


def test_where_musdb18hq_lies(musdb18hq, monkeypatch):
    monkeypatch.setenv("VOCALSEP_DATA", str(musdb18hq.parent))
    assert data_folder() == musdb18hq.parent
    assert open_dataset("musdb18hq") == Musdb18hq(musdb18hq)
    assert open_dataset(str(musdb18hq)) == Musdb18hq(musdb18hq)
    monkeypatch.setenv("VOCALSEP_DATA", str(musdb18hq / "nothing"))
    with pytest.raises(NoTracksError, match="vocalsep data fetch"):
        open_dataset("musdb18hq")
    monkeypatch.delenv("VOCALSEP_DATA")
    assert data_folder().parts[-2:] == ("vocalsep", "data")


def test_folders_of_their_own_parts(tmp_path):
    for name in ("train/a", "train/b", "valid/c", "test/d", "test/deep/e"):
        song(tmp_path / name)
    dataset = open_dataset(str(tmp_path))
    assert dataset == Folders("folders", tmp_path)
    assert [names(dataset, split) for split in ("train", "valid", "test")] == [["a", "b"], ["c"], ["d", "deep/e"]]
    assert names(dataset, "all") == ["test/d", "test/deep/e", "train/a", "train/b", "valid/c"]


@pytest.mark.parametrize("layout", ["", "train/"])
def test_a_tenth_validates_where_no_part_does(tmp_path, layout):
    for n in range(20):
        song(tmp_path / f"{layout}song {n:02}")
    dataset = open_dataset(f"folders:{tmp_path}")
    train, valid = names(dataset, "train"), names(dataset, "valid")
    assert (len(train), len(valid)) == (18, 2)
    assert sorted(train + valid) == [f"song {n:02}" for n in range(20)]
    assert train == sorted(train)
    song(tmp_path / f"{layout}song 99")
    assert len(set(names(dataset, "valid")) - set(valid)) <= 1, "a track more moves few of the others"


@pytest.mark.parametrize("other", ["test", "valid"])
def test_other_parts_do_not_leak_into_training(tmp_path, other):
    """A root of songs, with a folder of some that are to be kept apart."""
    for name in ("a", "b", "c", "d", f"{other}/x", f"{other}/y", f"{other}/z"):
        song(tmp_path / name)
    dataset = open_dataset(f"folders:{tmp_path}")
    parts = [name for split in ("train", "valid") for name in names(dataset, split)]
    expected = ["a", "b", "c", "d"] + (["x", "y", "z"] if other == "valid" else [])
    assert sorted(parts) == expected
    assert names(dataset, other) == ["x", "y", "z"]


def test_nothing_is_trained_and_validated_on(tmp_path):
    for n in range(5):
        song(tmp_path / "train" / str(n))
    dataset = open_dataset(str(tmp_path))
    assert max(Counter(names(dataset, "train") + names(dataset, "valid")).values()) == 1


def test_the_split_does_not_depend_on_where_the_root_lies(tmp_path):
    for root in (tmp_path / "one", tmp_path / "two" / "deep"):
        for n in range(10):
            song(root / f"song {n}")
    one, two = (names(open_dataset(str(root)), "valid") for root in (tmp_path / "one", tmp_path / "two" / "deep"))
    assert one == two


def test_folders_without_a_test_part(tmp_path):
    song(tmp_path / "a")
    dataset = open_dataset(f"folders:{tmp_path}")
    assert not dataset.has_test
    with pytest.raises(NoTracksError, match=r"no folder 'test'.*split=all"):
        dataset.tracks("test")
    with pytest.raises(NoTracksError, match="one track, and needs one to train and one to validate on"):
        dataset.tracks("train")
    assert names(dataset, "all") == ["a"]


def test_synthesised_songs(tmp_path):
    song(tmp_path / "a")
    assert open_dataset(f"synth:{tmp_path}").spec == f"synth:{tmp_path}"


def test_pools(tmp_path):
    for n in range(10):
        write(tmp_path / "voices" / f"v{n}.wav", 0.25)
        write(tmp_path / "bands" / f"b{n}.wav", 0.5)
    write(tmp_path / "voices" / "deep" / "not.wav")
    dataset = open_dataset(f"pools:{tmp_path / 'voices'},{tmp_path / 'bands'}")
    train, valid = dataset.tracks("train"), dataset.tracks("valid")
    assert Counter(tuple(track.stems) for track in train) == {(VOCALS,): 9, (ACCOMPANIMENT,): 9}
    assert Counter(tuple(track.stems) for track in valid) == {(VOCALS,): 1, (ACCOMPANIMENT,): 1}
    assert sorted(names(dataset, "all")) == sorted(
        [f"vocals/v{n}.wav" for n in range(10)] + [f"accompaniment/b{n}.wav" for n in range(10)]
    )
    assert sorted(track.name for track in train + valid) == sorted(names(dataset, "all"))
    assert not dataset.has_test
    with pytest.raises(NoTracksError, match="folders:ROOT"):
        dataset.tracks("test")


def test_pools_that_are_in_parts(tmp_path):
    for stem in ("voices", "bands"):
        for name in ("train/a", "train/b", "valid/c"):
            write(tmp_path / stem / f"{name}.wav")
    dataset = open_dataset(f"pools:{tmp_path / 'voices'},{tmp_path / 'bands'}")
    assert names(dataset, "train") == [
        "vocals/a.wav",
        "vocals/b.wav",
        "accompaniment/a.wav",
        "accompaniment/b.wav",
    ]
    assert names(dataset, "valid") == ["vocals/c.wav", "accompaniment/c.wav"]
    assert len(names(dataset, "all")) == 6


def test_several_data_sets_are_one(tmp_path):
    for n in range(3):
        song(tmp_path / "songs" / f"s{n}")
        song(tmp_path / "more" / f"s{n}")
        write(tmp_path / "voices" / f"v{n}.wav")
        write(tmp_path / "bands" / f"v{n}.wav")
    spec = f"synth:{tmp_path / 'songs'} + {tmp_path / 'more'} + pools:{tmp_path / 'voices'},{tmp_path / 'bands'}"
    dataset = open_dataset(spec)
    everything = names(dataset, "all")
    assert len(everything) == len(set(everything)) == 3 + 3 + 6
    assert {"1/s0", "2/s0", "3/vocals/v0.wav"} < set(everything)
    assert len(names(dataset, "valid")) == 1 + 1 + 2
    assert sorted(names(dataset, "train") + names(dataset, "valid")) == sorted(everything)
    assert not dataset.has_test
    assert open_dataset(dataset.spec) == dataset
    assert without_folders(dataset.spec) == "synth:songs + folders:more + pools:voices,bands"
    with pytest.raises(NoTracksError, match="nowhere is not a folder"):
        open_dataset(f"synth:{tmp_path / 'songs'} + folders:nowhere")


def test_several_data_sets_are_tested_on_the_test_parts_there_are(tmp_path):
    for part in ("train", "test"):
        song(tmp_path / "songs" / part / f"{part}-song")
    for kind in ("voices", "bands"):
        write(tmp_path / kind / "one.wav")
    pools = f"pools:{tmp_path / 'voices'},{tmp_path / 'bands'}"
    dataset = open_dataset(f"{pools} + {tmp_path / 'songs'}")
    assert dataset.has_test
    assert names(dataset, "test") == ["2/test-song"]
    with pytest.raises(NoTracksError):
        open_dataset(f"{pools} + {pools}").tracks("test")


def test_an_empty_pool(tmp_path):
    write(tmp_path / "voices" / "v.wav")
    (tmp_path / "bands").mkdir()
    dataset = open_dataset(f"pools:{tmp_path / 'voices'},{tmp_path / 'bands'}")
    for split in ("train", "all"):
        with pytest.raises(NoTracksError):
            dataset.tracks(split)


def test_specs_open_what_they_came_from(tmp_path, musdb18hq):
    for dataset in (Musdb18hq(musdb18hq), Folders("synth", tmp_path), Pools(tmp_path, musdb18hq)):
        assert open_dataset(dataset.spec) == dataset


@pytest.mark.parametrize(
    "spec", ["", "musdb", "musdb18hq:", "folders:", "synth", "pools:", "pools:a", "pools:a,b,c"]
)
def test_specs_that_are_none(spec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OptionError):
        open_dataset(spec)


@pytest.mark.parametrize("spec", ["musdb18hq:nothing", "folders:nothing", "pools:nothing,."])
def test_folders_that_are_not_there(spec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoTracksError, match="nothing is not a folder"):
        open_dataset(spec)


def test_empty_folders_and_unknown_parts(tmp_path):
    for dataset in (Folders("folders", tmp_path), Pools(tmp_path, tmp_path)):
        with pytest.raises(NoTracksError):
            dataset.tracks("all")
        with pytest.raises(OptionError, match=r"'validation'.*train, valid, test, all"):
            dataset.tracks("validation")


def test_one_bad_track_is_named(tmp_path):
    for n in range(3):
        song(tmp_path / f"song {n}")
    write(tmp_path / "song 1" / "band.wav", rate=22050)
    with pytest.raises(UnfitTrackError, match="'song 1'"):
        open_dataset(str(tmp_path)).tracks("all")


def test_opening_reads_nothing(tmp_path):
    (tmp_path / "song").mkdir()
    (tmp_path / "song" / "vocals.wav").write_text("no audio")
    assert open_dataset(str(tmp_path)).spec == f"folders:{tmp_path}"


def test_without_a_home_folder_the_folder_for_data_is_asked_for(monkeypatch):
    """And none is made in the working folder, with a tilde for its name."""
    monkeypatch.delenv("VOCALSEP_DATA", raising=False)
    monkeypatch.setattr("vocalsep.datasets.dataset.user_data_path", lambda name: Path("~") / name)
    with pytest.raises(OptionError, match="Set VOCALSEP_DATA"):
        data_folder()
