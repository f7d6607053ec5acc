import shutil

import pytest

pytest.importorskip("pyworld")
pytest.importorskip("torchaudio")
if any(shutil.which(program) is None for program in ("fluidsynth", "espeak-ng", "flite")):
    pytest.skip("FluidSynth, espeak-ng and flite are not all installed", allow_module_level=True)

from helpers.song_folders import write_tracks
from vocalsep.training import default_data
from vocalsep.training.default_data import training_dataset


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    """An empty folder for data, and songs that are made fast."""
    monkeypatch.setenv("VOCALSEP_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(default_data, "SYNTH_MINUTES", 0.2)
    monkeypatch.setattr(default_data, "_SYNTH_SONG_SECONDS", 6.0)
    return tmp_path / "data"


def test_without_data_songs_are_made_once_and_that_is_said(data_folder, caplog):
    dataset = training_dataset([])
    assert dataset.spec == f"synth:{data_folder / 'synth'}"
    made = {path: path.stat().st_mtime_ns for path in data_folder.rglob("*.flac")}
    assert len(dataset.tracks("train")) == len(dataset.tracks("valid")) == 1
    assert "training on 0 minutes of synthesised songs" in caplog.text
    caplog.clear()
    assert training_dataset(["synth"]).spec == dataset.spec
    assert {path: path.stat().st_mtime_ns for path in data_folder.rglob("*.flac")} == made
    assert caplog.text == ""
    write_tracks(data_folder / "own", 3, seconds=0.2)
    both = training_dataset(["synth", str(data_folder / "own")])
    assert both.spec == f"{dataset.spec} + folders:{data_folder / 'own'}"
    assert len(both.tracks("all")) == 2 + 3


def test_musdb_is_taken_where_fetch_puts_it(data_folder):
    for part, names in (("train", ["ANiMAL - Rockshow", "Another - Song"]), ("test", ["A Test - Song"])):
        for number, name in enumerate(names):
            write_tracks(data_folder / "made" / part / str(number), 1, seconds=0.2)
            song = data_folder / "musdb18hq" / part / name
            song.parent.mkdir(parents=True, exist_ok=True)
            (data_folder / "made" / part / str(number) / "song-0").rename(song)
    dataset = training_dataset([])
    assert dataset.spec == f"musdb18hq:{data_folder / 'musdb18hq'}"
    assert [track.name for track in dataset.tracks("valid")] == ["ANiMAL - Rockshow"]
