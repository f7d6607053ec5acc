"""Files that are several files one behind the other: all of them, each to the sample."""

import numpy as np
import pytest
import soundfile

from vocalsep.audio.ogg import ends_within_page
from vocalsep.audio.source import Source
from vocalsep.errors import DamagedAudioError

LENGTHS = [100, 4410, 30_001, 128, 1, 70_000]


@pytest.fixture(scope="module")
def links(tmp_path_factory, song):
    folder = tmp_path_factory.mktemp("links")
    for i, n in enumerate(LENGTHS):
        soundfile.write(folder / f"{i}.ogg", song(n, seed=i).T, 44_100, format="OGG", subtype="VORBIS")
    return folder


def joined(path, *parts):
    path.write_bytes(b"".join(part if isinstance(part, bytes) else part.read_bytes() for part in parts))
    return path


def test_links_of_any_length_and_count(tmp_path, links, decode):
    paths = [links / f"{i}.ogg" for i in range(len(LENGTHS))] * 4
    np.testing.assert_array_equal(
        decode(joined(tmp_path / "a.ogg", *paths)), np.concatenate([decode(path) for path in paths], axis=1)
    )


def test_a_later_link_with_an_earlier_serial(tmp_path, links, decode):
    first, second = links / "2.ogg", links / "5.ogg"
    decoded = decode(joined(tmp_path / "a.ogg", first, second, first))
    assert decoded.shape == (2, 2 * 30_001 + 70_000)
    np.testing.assert_array_equal(decoded[:, :30_001], decoded[:, -30_001:])


@pytest.mark.parametrize("codec", ["ogg/libopus", "ogg/flac"])
def test_links_of_other_codecs(tmp_path, song, encode, decode, codec):
    encode(tmp_path / "a", song(48_000, sample_rate=48_000), codec, 48_000)
    encode(tmp_path / "b", song(30_000, sample_rate=48_000, seed=2), codec, 48_000)
    decoded = decode(joined(tmp_path / "c", tmp_path / "a", tmp_path / "b"))
    np.testing.assert_array_equal(
        decoded, np.concatenate([decode(tmp_path / "a"), decode(tmp_path / "b")], axis=1)
    )


def test_a_link_of_another_rate_and_channel_count(tmp_path, links, song, decode):
    soundfile.write(tmp_path / "m.ogg", song(11_025, 1, 22_050).T, 22_050, format="OGG", subtype="VORBIS")
    decoded = decode(joined(tmp_path / "a.ogg", links / "2.ogg", tmp_path / "m.ogg", links / "1.ogg"))
    assert decoded.shape == (2, 30_001 + 22_050 + 4410)
    np.testing.assert_array_equal(decoded[0, 30_001:-4410], decoded[1, 30_001:-4410])
    assert decode(joined(tmp_path / "b.ogg", tmp_path / "m.ogg", links / "5.ogg")).shape == (1, 11_025 + 35_000)


def test_what_lies_between_links_and_links_of_headers_alone(tmp_path, links, decode):
    data = (links / "2.ogg").read_bytes()
    second_page = data.index(b"OggS", 4)
    headers = data[: data.index(b"OggS", second_page + 4)]
    second, third = links / "1.ogg", links / "0.ogg"
    path = joined(tmp_path / "a.ogg", links / "2.ogg", b"junk" * 99, headers, second, bytes(999), third, b"x")
    assert decode(path).shape == (2, 30_001 + 4410 + 100)


def test_a_link_that_breaks_off(tmp_path, links, decode, caplog):
    """In the middle of a chain it is a recorder that lost the station; at the end the file was cut."""
    cut = (links / "5.ogg").read_bytes()[:-2000]
    path = joined(tmp_path / "a.ogg", cut, links / "2.ogg")
    n = decode(path).shape[1]
    assert 30_001 + 35_000 < n < 30_001 + 70_000
    assert "a page breaks off" in caplog.text
    with pytest.raises(DamagedAudioError, match="a page breaks off"):
        decode(path, strict=True)
    with pytest.raises(DamagedAudioError, match="last page is cut short"):
        decode(joined(tmp_path / "b.ogg", links / "2.ogg", cut))


def test_damage_is_told_at_its_place_in_the_file(tmp_path, links, decode, caplog):
    data = bytearray((links / "5.ogg").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 200] = bytes(200)
    path = joined(tmp_path / "a.ogg", links / "2.ogg", bytes(data), links / "1.ogg")
    assert decode(path).shape == (2, 30_001 + 70_000 + 4410)
    (warning,) = caplog.messages
    assert 30_001 / 44_100 < float(warning.partition(" at 0:0")[2].partition(",")[0]) < 100_001 / 44_100


def test_flac_files_that_were_joined(tmp_path, song, decode):
    for i in (1, 2):
        soundfile.write(tmp_path / f"{i}.flac", song(20_000 * i, seed=i).T, 44_100, subtype="PCM_16")
    path = joined(tmp_path / "a.flac", tmp_path / "1.flac", tmp_path / "2.flac")
    np.testing.assert_array_equal(
        decode(path), np.concatenate([decode(tmp_path / "1.flac"), decode(tmp_path / "2.flac")], axis=1)
    )


def test_the_end_of_the_last_page(links):
    path = links / "5.ogg"
    with path.open("rb") as file:
        size = path.stat().st_size
        for end, cut in ((size, False), (size - 1, True), (size - 4000, True)):
            assert ends_within_page(Source(path=path, stored=path, file=file, start=0, end=end)) is cut
