from pathlib import Path

import numpy as np
import pytest
import soundfile

from vocalsep.audio.excerpt import audio_files
from vocalsep.datasets.candidates import find_candidates
from vocalsep.datasets.dataset import open_dataset
from vocalsep.datasets.folders import find_track_folders
from vocalsep.errors import NoTracksError, UnfitTrackError
from vocalsep.stem_names import ACCOMPANIMENT


@pytest.fixture
def put(tmp_path):
    """Write short files at paths below the root."""

    def write(*paths):
        for number, path in enumerate(paths):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(tmp_path / path, np.full((100, 2), 0.1 + 0.01 * number), 44100)
        return tmp_path

    return write


def names(files):
    return [file.name for file in files]


def test_folders_at_any_depth_by_name(put):
    root = put(
        "b/vocals.wav",
        "b/bass.wav",
        "a/deep/vocals.flac",
        "a/deep/x.flac",
        "a/vocals.wav",
        "a/y.wav",
        "c/bass.wav",
    )
    assert [track.name for track in find_track_folders(root)] == ["a", "a/deep", "b"]


def test_all_that_is_no_vocals_and_no_mixture_is_accompaniment(put):
    root = put("song/Vocals.wav", "song/MIXTURE.wav", "song/drums.flac", "song/odd name.ogg", "song/Keys.WAV")
    (root / "song" / "cover.jpg").write_bytes(b"")
    (root / "song" / ".hidden.wav").write_bytes(b"")
    (root / "song" / "folder.wav").mkdir()
    (track,) = find_track_folders(root)
    assert track.vocals.name == "Vocals.wav"
    assert track.mixture.name == "MIXTURE.wav"
    assert names(track.accompaniment) == ["Keys.WAV", "drums.flac", "odd name.ogg"]


@pytest.mark.parametrize("whole", ["accompaniment", "instrumental", "no_vocals"])
def test_a_file_of_the_whole_accompaniment_stands_for_all(put, whole):
    (track,) = find_track_folders(put("song/vocals.wav", f"song/{whole}.wav", "song/bass.wav"))
    assert names(track.accompaniment) == [f"{whole}.wav"]
    np.testing.assert_allclose(track.open().read(ACCOMPANIMENT), 0.11, atol=1e-4)


def test_hidden_folders_are_left_out(put):
    root = put("song/vocals.wav", ".vocalsep-song/vocals.wav", ".cache/deep/vocals.wav")
    assert [track.name for track in find_track_folders(root)] == ["song"]


def test_the_root_itself(put, monkeypatch):
    root = put("song/vocals.wav", "song/bass.wav") / "song"
    assert [track.name for track in find_track_folders(root)] == ["song"]
    monkeypatch.chdir(root)
    assert [track.name for track in find_track_folders(root.relative_to(root))] == ["song"]


def test_a_root_that_is_a_link(put, tmp_path):
    root = put("data/song/vocals.wav")
    (tmp_path / "link").symlink_to(root / "data")
    assert [track.name for track in find_track_folders(tmp_path / "link")] == ["song"]


def test_links_to_songs_are_followed(put, tmp_path):
    put("all/a/vocals.wav", "all/a/bass.wav", "all/b/deep/vocals.wav", "all/c/vocals.wav")
    subset = tmp_path / "subset"
    subset.mkdir()
    for name in "ab":
        (subset / name).symlink_to(tmp_path / "all" / name)
    (subset / "nowhere").symlink_to(tmp_path / "nothing")
    tracks = find_track_folders(subset)
    assert [track.name for track in tracks] == ["a", "b/deep"]
    assert names(tracks[0].accompaniment) == ["bass.wav"]
    assert [found.name for found in find_candidates(open_dataset(str(subset)))] == ["a", "b/deep"]


def test_links_in_a_circle_end(put):
    root = put("a/vocals.wav", "b/vocals.wav")
    for link, target in (("a/up", root), ("a/self", root / "a"), ("a/b", root / "b"), ("b/a", root / "a")):
        (root / link).symlink_to(target)
    (root / "a/above").symlink_to(root.parent)
    assert [track.name for track in find_track_folders(root)] == ["a", "a/b", "b", "b/a"]


def test_order_is_not_that_of_the_disk(put, monkeypatch):
    root = put(*(f"{name}/vocals.wav" for name in "dbca"), "a/z.wav", "a/b.wav")
    iterdir = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda folder: reversed(list(iterdir(folder))))
    tracks = find_track_folders(root)
    assert [track.name for track in tracks] == list("abcd")
    assert names(tracks[0].accompaniment) == ["b.wav", "z.wav"]


def test_no_accompaniment(put):
    (track,) = find_track_folders(put("song/vocals.wav", "song/mixture.wav"))
    with pytest.raises(UnfitTrackError, match=r"'song' has vocals and no accompaniment.*pools:"):
        track.open()


def test_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "nothing", tmp_path / "file"):
        with pytest.raises(NoTracksError, match="is not a folder"):
            find_track_folders(path)


def test_audio_files_are_those_that_are_seeked_in(put):
    root = put("a.wav", "b.FLAC", "c.ogg", "d.mp3", "deep/e.wav")
    for name in ("f.m4a", "g.txt", ".h.wav"):
        (root / name).write_bytes(b"")
    assert names(audio_files(root)) == ["a.wav", "b.FLAC", "c.ogg", "d.mp3"]
