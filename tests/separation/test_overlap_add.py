import torch
from hypothesis import given
from hypothesis import strategies as st

from vocalsep.separation.overlap_add import OverlapMean, cut


@given(
    length=st.integers(1, 400), segment=st.integers(1, 120), stride=st.integers(1, 120), block=st.integers(1, 90)
)
def test_cut_covers_every_sample_with_equal_segments(length, segment, stride, block):
    stride = min(stride, segment)
    stream = torch.arange(length)[None]
    covered = set()
    starts = []
    for start, samples in cut(stream.split(block, dim=1), segment, stride):
        assert samples.shape[-1] == min(segment, length)
        assert torch.equal(samples, stream[:, start : start + segment])
        covered.update(samples[0].tolist())
        starts.append(start)
    assert covered == set(range(length))
    assert starts == sorted(set(starts))
    assert len(starts) == max(0, -(-(length - segment) // stride)) + 1  # no more than are needed


def test_overlap_is_the_weighted_mean():
    """Where two segments overlap, each counts by its squared sine."""
    mean = OverlapMean()
    mean.add(0, torch.zeros(1, 1, 100))
    mean.add(50, torch.ones(1, 1, 100))
    output = mean.pop_until(150)[0, 0]
    phase = (torch.arange(100) + 0.5) * torch.pi / 100
    window = phase.sin() ** 2
    expected = window[:50] / (window[:50] + window[50:])
    torch.testing.assert_close(output[50:100], expected)
    assert output[:50].eq(0).all()
    assert output[100:].eq(1).all()


def test_the_mean_goes_on_where_the_model_went():
    """From a GPU whose memory ran out to the CPU; the device without storage stands for the GPU."""
    mean = OverlapMean()
    mean.add(0, torch.zeros(1, 2, 100, device="meta"))
    mean.pop_until(100)
    mean.add(100, torch.ones(1, 2, 50))
    assert torch.equal(mean.pop_until(150), torch.ones(1, 2, 50))
