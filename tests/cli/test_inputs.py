import sys
import unicodedata
from pathlib import Path

import pytest

from vocalsep.cli.inputs import Track, find_tracks, take_shard
from vocalsep.errors import InputNotFoundError, InputUnreadableError, NoAudioFoundError, OptionError
from vocalsep.template import safe_track


def find(*inputs, recursive=False, out_dir=None, template="{track}/{stem}.wav"):
    def stems_of(name):
        stems = ("vocals", "accompaniment") if out_dir else ()
        return [out_dir / template.format(track=name, stem=stem) for stem in stems]

    return find_tracks(
        [str(text) for text in inputs],
        extensions=[".flac", ".mp3", ".wav"],
        recursive=recursive,
        out_dir=out_dir,
        stems_of=stems_of,
    )


def make(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


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
        make(tmp_path / "music" / name)
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
    make(path)
    assert find(path) == [Track(path, "song [live]")]


def test_each_file_once(music):
    assert names(find(music / "b.mp3", music, music / "*.mp3")) == ["b", "a"]


def test_missing_files_keep_their_place(music):
    tracks = find(music / "b.mp3", music / "nope.mp3", music / "a.MP3")
    assert names(tracks) == ["b", "nope", "a"]
    assert isinstance(tracks[1].error, InputNotFoundError)


def test_tracks_of_one_name_get_longer_ones(tmp_path):
    paths = [tmp_path / name for name in ("x/Song.mp3", "x/song.wav", "y/song.wav", "z/other.wav")]
    make(*paths)
    assert names(find(*paths)) == ["Song.mp3", "x/song.wav", "y/song.wav", "other"]
    assert names(find(*paths[:2])) == ["Song.mp3", "song.wav"]


@pytest.mark.parametrize(
    "files",
    [
        ("a?b.wav", "a_b.wav", "a*b.wav"),  # one name when made safe
        ("a.wav", "a.flac", "a.wav.flac"),  # the longer name of one is that of another
        ("é.wav", "e\u0301.wav", "É.wav"),  # one name where letters are composed, or upper is lower case
        (f"{'a' * 240}1.wav", f"{'a' * 240}2.wav"),  # one name when cut
        ("x/a?.wav", "x/a*.wav", "y/a?.wav", "a.wav", "a_.wav"),
        ("\udcfe.wav", "\udcff.wav"),  # bytes that are no UTF-8
    ],
)
def test_names_are_distinct_as_file_systems_see_them(tmp_path, files):
    make(*(tmp_path / name for name in files))
    tracks = find(tmp_path, recursive=True)
    seen = [unicodedata.normalize("NFC", track.name).casefold() for track in tracks]
    assert len(set(seen)) == len(files)
    assert names(tracks) == [safe_track(track.name) for track in tracks]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take upper for lower case")
def test_names_that_differ_in_case_are_those_of_each_song_alone(tmp_path):
    """Where the outputs go to a file system that tells them apart; else they stay apart by longer names."""
    paths = [tmp_path / name for name in ("song.wav", "Song.wav", "SONG.wav")]
    make(*paths)
    for out_dir in (tmp_path, tmp_path / "new" / "stems"):
        assert names(find(*paths, out_dir=out_dir)) == ["song", "Song", "SONG"]
        assert [names(find(path, out_dir=out_dir)) for path in paths] == [["song"], ["Song"], ["SONG"]]
    assert len({name.casefold() for name in names(find(*paths))}) == 3


def test_a_clashing_name_does_not_depend_on_the_order(tmp_path):
    paths = [tmp_path / name for name in ("a?b.wav", "a_b.wav", "a*b.wav")]
    make(*paths)
    there, back = find(*paths), find(*reversed(paths))
    assert {track.path: track.name for track in there} == {track.path: track.name for track in back}


def test_the_shards_of_clashing_names_are_distinct_together(tmp_path):
    make(*(tmp_path / name for name in ("a?b.wav", "a_b.wav", "a*b.wav")))
    tracks = find(tmp_path)
    assert len({track.name for i in (1, 2, 3) for track in take_shard(tracks, f"{i}/3")}) == 3


def test_stems_of_an_earlier_run_are_no_songs(tmp_path, caplog):
    """Where the outputs lie among the inputs, in whatever format they were."""
    make(tmp_path / "a.wav", tmp_path / "live" / "b.mp3")
    before = names(find(tmp_path, recursive=True, out_dir=tmp_path))
    make(*(tmp_path / name / stem for name in before for stem in ("vocals.wav", "accompaniment.flac")))
    assert names(find(tmp_path, recursive=True, out_dir=tmp_path)) == before == ["a", "live/b"]
    assert "4 files left out" in caplog.text
    assert names(find(tmp_path, recursive=True, out_dir=tmp_path / "live" / "..")) == ["a", "live/b"]


def test_what_is_left_out_leaves_its_name_to_others(tmp_path):
    make(tmp_path / "a.wav", tmp_path / "a" / "vocals.wav", tmp_path / "x" / "vocals.wav")
    assert names(find(tmp_path / "**" / "*.wav", out_dir=tmp_path)) == ["a", "vocals"]
    assert names(find(tmp_path / "a" / "vocals.wav", out_dir=tmp_path)) == ["vocals"]


def test_a_name_too_long_for_the_file_system_is_missing(tmp_path):
    (track,) = find(tmp_path / ("a" * 300))
    assert isinstance(track.error, InputNotFoundError)


def test_a_link_in_a_circle_cannot_be_read(tmp_path):
    (tmp_path / "loop.wav").symlink_to(tmp_path / "loop.wav")
    (track,) = find(tmp_path / "loop.wav")
    assert isinstance(track.error, InputUnreadableError)


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
