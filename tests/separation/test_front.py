"""Which channels of surround sound are separated, and what becomes of the others."""

import numpy as np
import pytest

from helpers.identity_model import IdentityModel
from vocalsep.separation.engine import SegmentedSeparation
from vocalsep.separation.front import front_groups, stream_front
from vocalsep.separation.options import SeparationOptions
from vocalsep.separation.stems import stream_stems


def separate(mixture, layout=(), block=3000):
    groups = front_groups(len(mixture), layout)
    separation = SegmentedSeparation(
        IdentityModel(sample_rate=8000, share=0.5), SeparationOptions(segment_seconds=0.5, device="cpu")
    )

    def stream(i, blocks):
        return stream_stems(separation, blocks, sample_rate=8000, channels=len(groups[i]))

    blocks = [mixture[:, i : i + block] for i in range(0, mixture.shape[1], block)]
    out = list(stream_front(stream, blocks, groups))
    return {stem: np.concatenate([one[stem] for one in out], axis=1) for stem in ("vocals", "accompaniment")}


@pytest.mark.parametrize(
    ("channels", "layout", "groups"),
    [
        (1, (), ((0,),)),
        (2, (), ((0, 1),)),
        (2, ("FC", "LFE"), ((0, 1),)),
        (3, (), ((0, 1), (2,))),
        (3, ("FC", "FL", "FR"), ((1, 2), (0,))),
        (3, ("FL", "FR", "LFE"), ((0, 1),)),
        (4, (), ((0, 1),)),
        (4, ("FL", "FR", "FC", "BC"), ((0, 1), (2,))),
        (5, (), ((0, 1), (2,))),
        (6, (), ((0, 1), (2,))),
        (6, ("FL", "FR", "SL", "SR", "BL", "BR"), ((0, 1),)),
        (8, (), ((0, 1), (2,))),
        (24, (), ((0, 1),)),
        (3, ("FC", "LFE", "BC"), ((0, 1),)),
    ],
)
def test_groups_of_every_layout(channels, layout, groups):
    assert front_groups(channels, layout) == groups


def test_pair_and_centre_are_separated_and_the_rest_stays():
    mixture = np.random.default_rng(0).standard_normal((6, 20_001)).astype(np.float32)
    stems = separate(mixture)
    np.testing.assert_allclose(stems["vocals"][:3], 0.5 * mixture[:3], atol=1e-6)
    assert not stems["vocals"][3:].any()
    np.testing.assert_array_equal(stems["accompaniment"][3:], mixture[3:])
    np.testing.assert_allclose(stems["vocals"] + stems["accompaniment"], mixture, atol=1e-6)


def test_channels_come_back_in_their_own_order():
    mixture = np.random.default_rng(1).standard_normal((4, 5000)).astype(np.float32)
    stems = separate(mixture, ("FC", "FR", "BC", "FL"))
    np.testing.assert_allclose(stems["vocals"][[0, 1, 3]], 0.5 * mixture[[0, 1, 3]], atol=1e-6)
    assert not stems["vocals"][2].any()
