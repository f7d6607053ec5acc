from pathlib import Path

import pytest

from vocalsep.cli.inputs import Track, find_tracks, take_shard
from vocalsep.errors import InputNotFoundError, NoAudioFoundError, OptionError


def find(*inputs, recursive=False, out_dir=None):
    return find_tracks(
        [str(text) for text in inputs], extensions=[".mp3", ".wav"], recursive=recursive, out_dir=out_dir
    )


def names(tracks):
    return [track.name for track in tracks]


@pytest.fixture
def music(tmp_path):
    for name in (
        "b.mp3",
        "a.MP3",
        "notes.txt",
        ".hidden.mp3",
        "live/a.mp3",
        "live/.trash/c.wav",
        "live/deep/d.wav",
    ):
        path = tmp_path / "music" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path / "music"


def test_a_folder_gives_its_audio_files_in_order(music):
    assert names(find(music)) == ["a", "b"]
    assert names(find(music, recursive=True)) == ["a", "b", "live/a", "live/deep/d"]


def test_outputs_inside_the_folder_are_no_inputs(music):
    assert names(find(music, recursive=True, out_dir=music / "live" / "deep")) == ["a", "b", "live/a"]
    assert names(find(music, recursive=True, out_dir=music)) == ["a", "b", "live/a", "live/deep/d"]


def test_patterns(music):
    assert names(find(music / "*.[mM][pP]3")) == ["a", "b"]
    assert names(find(music / "**" / "*.wav")) == ["d"]
    (track,) = find(music / "*.ogg")
    assert isinstance(track.error, NoAudioFoundError)


def test_a_file_named_like_a_pattern_is_a_file(tmp_path):
    path = tmp_path / "song [live].mp3"
    path.write_bytes(b"")
    assert find(path) == [Track(path, "song [live]")]


def test_each_file_once(music):
    assert names(find(music / "b.mp3", music, music / "*.mp3")) == ["b", "a"]


def test_missing_files_keep_their_place(music):
    tracks = find(music / "b.mp3", music / "nope.mp3", music / "a.MP3")
    assert names(tracks) == ["b", "nope", "a"]
    assert isinstance(tracks[1].error, InputNotFoundError)


def test_tracks_of_one_name_get_longer_ones(tmp_path):
    paths = [tmp_path / name for name in ("x/Song.mp3", "x/song.wav", "y/song.wav", "z/other.wav")]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    assert names(find(*paths)) == ["x/Song.mp3", "x/song.wav", "y/song.wav", "other"]
    assert names(find(*paths[:2])) == ["Song.mp3", "song.wav"]


def test_shards_are_the_list():
    tracks = [Track(Path(str(i)), str(i)) for i in range(10)]
    shards = [take_shard(tracks, f"{i}/3") for i in (1, 2, 3)]
    assert sorted(track.name for shard in shards for track in shard) == [str(i) for i in range(10)]
    assert take_shard(tracks, None) == tracks


@pytest.mark.parametrize("shard", ["0/3", "4/3", "1", "a/b", "1/0", "-1/3", "1/3/5"])
def test_bad_shards(shard):
    with pytest.raises(OptionError, match="shard"):
        take_shard([], shard)


def test_an_empty_input_is_refused():
    with pytest.raises(OptionError, match="empty"):
        find("")
