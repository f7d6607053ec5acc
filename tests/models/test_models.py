import dataclasses

import pytest
import torch

from vocalsep.errors import OptionError, UnknownModelError
from vocalsep.models.architectures import ARCHITECTURES, build_graph_model, build_model, config_of
from vocalsep.models.unet_blocks import TDSA, Attention

SMALL = {
    "umx": {"n_fft": 512, "hop_length": 128, "hidden_size": 16},
    "tdf": {"n_fft": 256, "hop_length": 128, "n_bins": 128, "growth": 4},
    "tdsa": {"n_fft": 256, "hop_length": 128, "n_bins": 128, "growth": 4},
    "tdt": {"n_fft": 256, "hop_length": 128, "n_bins": 128, "growth": 4},
    "tdf_mask": {"n_fft": 256, "hop_length": 128, "n_bins": 128, "width": 4, "growth": 2},
    "sparse_tdf": {
        "n_fft": 256, "hop_length": 64, "band_bins": (32, 32, 64), "band_strides": (1, 2, 4),
        "width": 4, "growth": 2,
        "recurrent_width": 4,
    },
    "tfc_tdf_v3": {"n_fft": 256, "hop_length": 128, "n_bins": 128, "width": 4, "growth": 2, "scales": 3},
    "mel_band_roformer": {
        "n_fft": 256, "hop_length": 64, "n_bands": 8, "width": 16, "depth": 1, "n_heads": 2, "head_width": 8,
    },
    "bs_roformer": {
        "n_fft": 256, "hop_length": 64, "band_bins": [1, 2, 30, 96], "width": 16, "depth": 1, "n_heads": 2,
        "head_width": 8,
    },
    "scnet": {"n_fft": 256, "hop_length": 64, "widths": [4, 8, 8], "depth": 2},
    "mdx_net": {"n_fft": 512, "hop_length": 128, "n_bins": 200},
}  # fmt: skip


def small(architecture):
    torch.manual_seed(1)
    config = {"architecture": architecture, **SMALL[architecture]}
    if ARCHITECTURES[architecture].build:
        return build_model(config)
    return build_graph_model(config, lambda codec, n_stems: torch.tanh)  # in the place of an ONNX graph


@pytest.mark.parametrize(
    ("architecture", "count"),
    [("umx", 9_469_960), ("tdf", 1_804_076), ("tdsa", 5_291_228), ("tdt", 84_172), ("tdf_mask", 450_944)],
)
def test_parameter_counts_are_the_published_ones(architecture, count):
    assert sum(p.numel() for p in build_model({"architecture": architecture}).parameters()) == count


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("length", [1, 2, 127, 128, 129, 1000, 5000])
def test_every_length_comes_back(architecture, length):
    waveform, model = torch.randn(2, 2, length), small(architecture)
    with torch.inference_mode():
        output = model(waveform)
    assert output.shape == (2, len(model.config.stems), 2, length)
    assert output.isfinite().all()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_items_of_a_batch_do_not_see_each_other(architecture):
    model = small(architecture)
    waveform = torch.randn(3, 2, 4000)
    with torch.inference_mode():
        together = model(waveform)
        alone = torch.cat([model(item[None]) for item in waveform])
        changed = model(torch.cat([waveform[:1], 100 * torch.randn(2, 2, 4000)]))
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(changed[0], together[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("architecture", ["umx", "tdf_mask"])
def test_what_masks_gives_silence_for_silence(architecture):
    with torch.inference_mode():
        assert small(architecture)(torch.zeros(1, 2, 4000)).abs().max() < 1e-6


def test_tdf_mask_follows_the_level():
    model, waveform = small("tdf_mask"), torch.randn(1, 2, 4000)
    with torch.inference_mode():
        quiet, loud = model(0.001 * waveform), model(10 * waveform)
        absurd = model(1e25 * waveform)
    assert (quiet * 10_000 - loud).norm() / loud.norm() < 2e-3  # 1e-6 is added to the level
    torch.testing.assert_close(absurd / 1e24, loud, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("architecture", [name for name, kind in ARCHITECTURES.items() if kind.build])
def test_config_round_trip(architecture):
    model = small(architecture)
    again = build_model(config_of(model))
    assert again.config == model.config
    assert dataclasses.is_dataclass(model.config)
    again.load_state_dict(model.state_dict())


def test_attention_never_holds_the_scores():
    """12,000 tokens: the scores alone would take 576 MB, queries, keys and values take 1.2 MB each."""
    attention, tokens = Attention(24).eval(), torch.randn(1, 12_000, 24)
    with torch.inference_mode(), torch.profiler.profile(profile_memory=True, acc_events=True) as profile:
        attention(tokens)
    largest = max(event.self_cpu_memory_usage for event in profile.key_averages())
    assert largest < 50e6


def test_tdsa_tokens_are_positions_of_one_item():
    """Attention knows no order: permuting an item's frames permutes its output."""
    torch.manual_seed(0)
    block, x = TDSA(16, 1, 1).eval(), torch.randn(2, 3, 8, 16)
    order = torch.randperm(8)
    with torch.inference_mode():
        torch.testing.assert_close(block(x)[:, :, order], block(x[:, :, order]))


def test_tdsa_within_a_frame_sees_that_frame_alone():
    """A frame gives what it gives alone, and the order of its channels means nothing."""
    torch.manual_seed(0)
    block, x = TDSA(16, 1, 2, within_frame=True).eval(), torch.randn(2, 3, 8, 16)
    order = torch.randperm(3)
    with torch.inference_mode():
        together = block(x)
        alone = torch.cat([block(frame) for frame in x.split(1, dim=2)], dim=2)
        torch.testing.assert_close(together, alone)
        torch.testing.assert_close(together[:, order], block(x[:, order]))


def test_both_kinds_of_tdsa_are_one_on_a_single_frame():
    torch.manual_seed(0)
    segment, frame = TDSA(16, 2, 1), TDSA(16, 2, 1, within_frame=True)
    frame.load_state_dict(segment.state_dict())
    one, several = torch.randn(4, 3, 1, 16), torch.randn(4, 3, 5, 16)
    for mode in (True, False):
        torch.testing.assert_close(segment.train(mode)(one), frame.train(mode)(one))
    with torch.inference_mode():
        assert (segment(several) - frame(several)).norm() > 1e-3 * frame(several).norm()


def test_the_config_chooses_what_tdsa_attends_to():
    """What changes 16 frames away, farther than the convolutions reach, is heard by attention over the segment."""
    far = {}
    for attention in ("segment", "frame"):
        torch.manual_seed(0)
        config = {"architecture": "tdsa", **SMALL["tdsa"], "depth": 1, "attention": attention}
        model = build_model(config)
        quiet = torch.randn(1, 4, 64, 128)
        changed = quiet.clone()
        changed[:, :, 48:] += 1
        with torch.inference_mode():
            far[attention] = (model.network(quiet) - model.network(changed))[:, :, :32].abs().max()
    assert far["frame"] == 0
    assert far["segment"] > 0
    with pytest.raises(OptionError, match="segment, frame"):
        build_model({"architecture": "tdsa", "attention": "song"})


def test_unknown_architecture_and_key_are_named():
    with pytest.raises(UnknownModelError, match="no_such"):
        build_model({"architecture": "no_such"})
    with pytest.raises(OptionError, match=r"'grwth'.*'growth'"):
        build_model({"architecture": "tdf", "grwth": 8})
    with pytest.raises(OptionError, match="cannot be halved"):
        build_model({"architecture": "tdf", "n_bins": 100})
    with pytest.raises(OptionError, match="'growth' is 'wide'"):
        build_model({"architecture": "tdf", "growth": "wide"})


@pytest.mark.parametrize("architecture", ["tdf", "tdsa", "tdt"])
def test_an_untrained_mask_is_about_one_half(architecture):
    waveform = torch.randn(1, 2, 4000)
    with torch.inference_mode():
        half = build_model({"architecture": architecture, "head": "mask", **SMALL[architecture]})(waveform)[:, 0]
    assert (half - waveform / 2).norm() < 0.2 * waveform.norm()


@pytest.mark.parametrize("architecture", ["tdf", "tdsa", "tdt"])
def test_a_mask_head_multiplies_the_mixture_s_spectrogram(architecture):
    config = {
        "architecture": architecture,
        "n_fft": 256,
        "hop_length": 128,
        "n_bins": 128,
        "growth": 4,
        "depth": 2,
    }
    model = build_model({**config, "head": "mask"})
    torch.nn.init.zeros_(model.out_conv.weight)
    with torch.no_grad():  # real parts of both channels, then imaginary ones: left times 2, right times i
        model.out_conv.bias.copy_(torch.tensor([2.0, 0.0, 0.0, 1.0]))
    spectrogram = model.codec.transform(torch.randn(2, 2, 4000))
    with torch.inference_mode():
        estimate = model.estimate(spectrogram)[:, 0]
    torch.testing.assert_close(estimate[:, 0, :128], 2 * spectrogram[:, 0, :128])
    torch.testing.assert_close(estimate[:, 1, :128], 1j * spectrogram[:, 1, :128])
    assert estimate[:, :, 128].eq(0).all()


def test_a_head_that_is_neither_is_refused():
    with pytest.raises(OptionError, match="spectrogram, mask"):
        build_model({"architecture": "tdf", "head": "magnitude"})


def test_the_baseline_s_input_has_mean_zero_and_deviation_one_in_each_bin():
    model = build_model({"architecture": "umx", "n_fft": 256, "hop_length": 64, "hidden_size": 8, "max_bin": 100})
    filtered = torch.nn.functional.avg_pool1d(torch.randn(6, 2, 20_000), 4, stride=1)
    model.standardise(filtered.split(2))
    magnitude = model.codec.transform(filtered).abs()[:, :, :100]
    normed = (magnitude + model.input_mean[:, None]) * model.input_scale[:, None]
    torch.testing.assert_close(normed.mean(dim=(0, 1, 3)), torch.zeros(100), atol=1e-3, rtol=0)
    torch.testing.assert_close(normed.var(dim=(0, 1, 3)), torch.ones(100), atol=1e-2, rtol=0)
