"""An offset, and a silent channel, do not change the separation."""

import numpy as np
import pytest

from vocalsep import Separator

RATE = 44100


@pytest.fixture(scope="module")
def separator():
    return Separator("tdf", threads=1)


@pytest.fixture(scope="module")
def song():
    rng = np.random.default_rng(0)
    time = np.arange(3 * RATE) / RATE
    tone = 0.2 * np.sin(2 * np.pi * 220 * time * (1 + 0.003 * np.sin(2 * np.pi * 5 * time)))
    return (np.stack([tone, 0.7 * tone]) + 0.05 * rng.standard_normal((2, len(time)))).astype(np.float32)


def relative_db(difference, reference):
    return 10 * np.log10(np.mean(difference**2) / np.mean(reference**2))


@pytest.mark.parametrize("offset", [0.2, -0.05])
def test_an_offset_is_in_the_accompaniment_and_changes_no_vocals(separator, song, offset):
    clean = separator.separate(song, RATE)["vocals"]
    stems = separator.separate(song + np.float32(offset), RATE)
    assert relative_db(stems["vocals"] - clean, clean) < -60
    assert stems["accompaniment"].mean() == pytest.approx(offset, abs=2e-3)
    np.testing.assert_allclose(stems["vocals"] + stems["accompaniment"], song + np.float32(offset), atol=1e-6)


@pytest.mark.parametrize("silent", [0, 1])
def test_a_silent_channel_leaves_a_mono_song(separator, song, silent):
    mono = separator.separate(song[:1], RATE)
    mixture = song[[0, 0]].copy()
    mixture[silent] = 0
    stems = separator.separate(mixture, RATE)
    for stem in ("vocals", "accompaniment"):
        np.testing.assert_allclose(stems[stem][1 - silent], mono[stem][0], atol=1e-6)
        assert not stems[stem][silent].any()


def test_an_ordinary_song_is_left_as_it_is(song):
    import torch

    from vocalsep.separation.repair import Repair

    assert Repair.of(torch.from_numpy(song)) == Repair()
