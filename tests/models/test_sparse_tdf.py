import pytest
import torch

from vocalsep.errors import OptionError
from vocalsep.models.architectures import build_model

SMALL = {
    "architecture": "sparse_tdf", "n_fft": 256, "hop_length": 64,
    "band_bins": (32, 32, 64), "band_strides": (1, 2, 4),
    "width": 4, "growth": 2, "recurrent_width": 4,
}  # fmt: skip


def small(**changed):
    torch.manual_seed(0)
    return build_model({**SMALL, **changed})


def test_it_is_as_small_as_the_wheel_needs():
    model = build_model({"architecture": "sparse_tdf"})
    assert sum(p.numel() for p in model.parameters()) <= 4_000_000


def test_high_bins_share_positions_and_low_bins_do_not():
    config = build_model({"architecture": "sparse_tdf"}).config
    assert config.band_positions == (384, 160, 64)
    hz = config.sample_rate / config.n_fft
    assert 4000 < config.band_bins[0] * hz < 4300


@torch.inference_mode()
def test_a_network_that_gives_nothing_masks_by_the_bias():
    model = small(mask_bias=0.75)
    for expand in model.expand:
        torch.nn.init.zeros_(expand.weight)
        torch.nn.init.zeros_(expand.bias)
    spectrogram = torch.randn(1, 2, 129, 7, dtype=torch.complex64)
    estimate = model.estimate(spectrogram)[:, 0]
    torch.testing.assert_close(estimate[:, :, :128], 0.75 * spectrogram[:, :, :128])
    assert not estimate[:, :, 128:].any()  # the Nyquist bin is above the last band


@torch.inference_mode()
def test_each_bin_has_a_mask_of_its_own_also_where_bins_share_a_position():
    model = small()
    codec = model.codec
    mask = torch.complex(
        *codec.unfold(model.network(codec.encode(torch.randn(1, 2, 129, 8, dtype=torch.complex64))))
    )
    shared = mask[:, :, 64:].unflatten(2, (16, 4))  # the high band: four bins a position
    assert (shared - shared[..., :1, :]).abs().amax(dim=(0, 1, 2, 4))[1:].min() > 1e-4


@torch.inference_mode()
def test_it_hears_what_comes_seconds_later():
    model = small()
    features = torch.randn(1, 6, 64, 128)
    later = features.clone()
    later[:, :, -4:] += 5.0
    difference = (model.network(later) - model.network(features)).abs().amax(dim=(0, 1, 3))
    assert difference[0] > 0  # the convolutions alone reach 32 frames at most


@pytest.mark.parametrize(
    "wrong",
    [{"channels": 1}, {"band_strides": (1, 2)}, {"band_bins": (32, 32, 128)}, {"band_bins": (30, 32, 64)}],
)
def test_sizes_that_do_not_fit_are_refused(wrong):
    with pytest.raises(OptionError):
        small(**wrong)
