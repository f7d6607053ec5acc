import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from vocalsep.errors import CorruptWeightsError, OptionError
from vocalsep.models.architectures import build_model, config_of
from vocalsep.models.unet_blocks import sinusoidal_positions
from vocalsep.weights.checkpoint import build_from, load_model_file
from vocalsep.weights.published import import_published, rename_published

PROJECT = Path(__file__).parents[2]

SMALL = {
    "n_bins": 16,
    "n_fft": 32,
    "hop_length": 16,
    "growth": 4,
    "depth": 2,
    "kernel_size": [3, 5],
    "channels": 1,
}

MIXERS = {
    "tdf": "unet_block.tdf_block.norm_fc_act_stack.{j}.{part}",
    "tdsa": "tfc_tdsa_block.tdsa_block.norm_attn_act_stack.{j}.{part}",
    "tdt": "unet_block.tdt_block.transformer_blk_stack.{j}",
}


def published_name(name: str, architecture: str) -> str:
    """The name that the published code gives to a tensor of our U-Net: the table of `legacy`, by another way."""
    where, *rest = name.split(".")
    if where.endswith("_conv"):
        return name
    scale = "sample_block" if architecture == "tdsa" else "_block"
    prefix = {"encoder": "down_blocks", "bottleneck": "mid_block", "decoder": "up_blocks"}[where]
    if where != "bottleneck":
        prefix += f".{rest.pop(0)}"
        part = rest.pop(0)
        if part in ("up", "down"):
            return ".".join(
                [prefix, part + scale, "norm_conv_act", str(["norm", "conv"].index(rest[0])), *rest[1:]]
            )
    kind, _, j, *rest = rest
    part = 0
    if kind == "tfc" or architecture != "tdt":
        part = 0 if rest.pop(0) == "norm" else 1
    elif rest[0] == "feed_forward":
        rest.insert(1, "0")
    mixer = MIXERS[architecture].format(j=j, part=part)
    block, _, stack = mixer.partition(".")
    stack = f"tfc_block.norm_conv_act_stack.{j}.{part}" if kind == "tfc" else stack
    return ".".join([prefix, *([block] if where != "bottleneck" else []), stack, *rest])


def published_state(model: torch.nn.Module, architecture: str) -> dict[str, torch.Tensor]:
    state = {published_name(name, architecture): tensor for name, tensor in model.state_dict().items()}
    for name, buffer in model.named_buffers():
        if name.endswith(".positions"):
            shared = published_name(name.replace("positions", "layer_norm.weight"), architecture)
            state[shared.replace("layer_norm.weight", "positional_encoding")] = buffer
    return state


@pytest.mark.parametrize(
    ("architecture", "published", "ours"),
    [
        ("tdf", "in_conv.weight", "in_conv.weight"),
        ("tdf", "down_blocks.2.down_block.norm_conv_act.0.running_var", "encoder.2.down.norm.running_var"),
        ("tdf", "up_blocks.1.up_block.norm_conv_act.1.weight", "decoder.1.up.conv.weight"),
        (
            "tdf",
            "down_blocks.0.unet_block.tdf_block.norm_fc_act_stack.1.1.weight",
            "encoder.0.block.mixer.layers.1.linear.weight",
        ),
        ("tdt", "mid_block.tfc_block.norm_conv_act_stack.0.1.weight", "bottleneck.tfc.layers.0.conv.weight"),
        (
            "tdt",
            "mid_block.tdt_block.transformer_blk_stack.0.feed_forward.0.bias",
            "bottleneck.mixer.layers.0.feed_forward.bias",
        ),
        (
            "tdsa",
            "up_blocks.0.tfc_tdsa_block.tdsa_block.norm_attn_act_stack.0.1.query.bias",
            "decoder.0.block.mixer.layers.0.attention.query.bias",
        ),
        ("tdsa", "down_blocks.1.downsample_block.norm_conv_act.1.weight", "encoder.1.down.conv.weight"),
        ("umx", "lstm.weight_ih_l0_reverse", "lstm.weight_ih_l0_reverse"),
    ],
)
def test_names(architecture, published, ours):
    assert list(rename_published({published: torch.zeros(1)}, architecture)) == [ours]


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize(
    ("architecture", "config"),
    [
        ("tdf", {"layers": 1}),
        ("tdf", {"layers": 2, "bottleneck": 4}),
        ("tdsa", {"layers": 1}),
        ("tdsa", {"layers": 2}),
        ("tdsa", {"layers": 1, "n_heads": 4}),
        ("tdt", {"layers": 2}),
    ],
)
def test_config_and_weights_of_a_published_u_net(tmp_path, architecture, config, prefix):
    torch.manual_seed(1)
    model = build_model({"architecture": architecture, **SMALL, **config})
    state = {prefix + name: tensor for name, tensor in published_state(model, architecture).items()}
    path = tmp_path / "published.pth"
    torch.save(state, path)
    checkpoint = import_published(path, architecture, {"n_heads": 4} if "n_heads" in config else None)
    imported = build_from(checkpoint, path)
    assert config_of(imported) == config_of(model)
    waveform = torch.randn(1, 1, 400)
    with torch.inference_mode():  # not equal to the bit: where tensors lie in memory changes the order of sums
        torch.testing.assert_close(imported(waveform), model(waveform), rtol=1e-5, atol=1e-6)


def test_open_unmix_with_the_buffers_of_its_checkpoints():
    config = {"architecture": "umx", "n_fft": 64, "hop_length": 16, "hidden_size": 8, "max_bin": 20, "n_layers": 2}
    model = build_model(config)
    extra = {
        "sample_rate": torch.tensor(44100.0),
        "stft.window": torch.ones(64),
        "transform.0.window": torch.ones(64),
    }
    checkpoint = import_published({**model.state_dict(), **extra}, "umx")
    assert config_of(build_from(checkpoint, "here")) == config_of(model)
    assert checkpoint.state.keys() == model.state_dict().keys()


def open_unmix_file(hidden, n_in_bins, n_bins, n_layers=3):
    """The tensors of a file as the authors of Open-Unmix published them: names and shapes, by hand."""
    shapes = {
        "input_mean": (n_in_bins,),
        "input_scale": (n_in_bins,),
        "output_scale": (n_bins,),
        "output_mean": (n_bins,),
        "fc1.weight": (hidden, 2 * n_in_bins),
        "fc2.weight": (hidden, 2 * hidden),
        "fc3.weight": (2 * n_bins, hidden),
    }
    for norm, width in (("bn1", hidden), ("bn2", hidden), ("bn3", 2 * n_bins)):
        shapes |= {f"{norm}.{part}": (width,) for part in ("weight", "bias", "running_mean", "running_var")}
        shapes[f"{norm}.num_batches_tracked"] = ()
    for layer in range(n_layers):
        for way in ("", "_reverse"):
            shapes[f"lstm.weight_ih_l{layer}{way}"] = (2 * hidden, hidden)
            shapes[f"lstm.weight_hh_l{layer}{way}"] = (2 * hidden, hidden // 2)
            shapes |= {f"lstm.bias_{part}_l{layer}{way}": (2 * hidden,) for part in ("ih", "hh")}
    state = {name: torch.zeros(shape) for name, shape in shapes.items()}
    windows = dict.fromkeys(["stft.window", "transform.0.window"], torch.hann_window(2 * (n_bins - 1)))
    return {"sample_rate": torch.tensor(44100.0), **windows, **state}


@pytest.mark.parametrize(
    ("hidden", "max_bin", "n_bins"), [(512, 1487, 2049), (1024, 100, 129)], ids=["as umxhq", "as wide as umxl"]
)
def test_layouts_of_the_published_open_unmix(hidden, max_bin, n_bins):
    """Of a window of 4,096 samples at 44.1 kHz, 1,487 bins are the 16 kHz that umxhq hears."""
    state = open_unmix_file(hidden, max_bin, n_bins)
    config = build_from(import_published(state, "umx"), "here").config
    assert (config.hidden_size, config.max_bin, config.n_layers, config.channels) == (hidden, max_bin, 3, 2)
    assert (config.n_fft, config.hop_length, config.sample_rate) == (2 * (n_bins - 1), (n_bins - 1) // 2, 44100)
    other_rate = {**state, "sample_rate": torch.tensor(16000.0)}
    assert import_published(other_rate, "umx").config["sample_rate"] == 16000


@pytest.mark.parametrize("suffix", [".pth", ".pt"])
def test_the_hash_in_a_name_is_verified(tmp_path, suffix):
    torch.save(open_unmix_file(8, 5, 9, n_layers=2), tmp_path / "vocals")
    digest = hashlib.sha256((tmp_path / "vocals").read_bytes()).hexdigest()
    wrong = f"{(int(digest[0], 16) + 1) % 16:x}{digest[1:8]}"
    for name in (f"vocals-{digest[:8]}", f"vocals-{digest}", "vocals-a", "vocals_b62c91ce", "vocals-best-model"):
        path = (tmp_path / name).with_suffix(suffix)
        path.write_bytes((tmp_path / "vocals").read_bytes())
        assert import_published(path, "umx").config["hidden_size"] == 8
    (tmp_path / "vocals").rename(tmp_path / f"vocals-{wrong}{suffix}")
    with pytest.raises(CorruptWeightsError, match=f"vocals-{wrong}.* is not what its name says: .*{digest}"):
        import_published(tmp_path / f"vocals-{wrong}{suffix}", "umx")


def test_kernels_of_the_compact_network_are_turned():
    config = {"architecture": "tdf_mask", "n_fft": 128, "hop_length": 64, "n_bins": 64, "width": 4, "growth": 2}
    model = build_model(config)
    turned = {n: t.transpose(2, 3) if t.ndim == 4 else t for n, t in model.state_dict().items()}
    checkpoint = import_published(turned, "tdf_mask")
    assert config_of(build_from(checkpoint, "here")) == config_of(model)
    assert all(torch.equal(tensor, checkpoint.state[name]) for name, tensor in model.state_dict().items())


def test_positions_that_are_not_the_published_ones_are_refused():
    name = "mid_block.tdt_block.transformer_blk_stack.0.positional_encoding"
    assert rename_published({name: sinusoidal_positions(16, 4)}, "tdt") == {}
    with pytest.raises(CorruptWeightsError, match="is not the published positional encoding"):
        rename_published({name: sinusoidal_positions(16, 4) + 1e-3}, "tdt")


def test_another_architecture_is_refused():
    state = published_state(build_model({"architecture": "tdf", **SMALL}), "tdf")
    with pytest.raises(CorruptWeightsError, match=r"is not a published tdt checkpoint: .* is missing"):
        import_published(state, "tdt")
    with pytest.raises(
        CorruptWeightsError, match=r"the state given is not a published umx checkpoint: input_mean"
    ):
        import_published(state, "umx")


def test_an_architecture_without_a_published_format():
    with pytest.raises(OptionError, match="no checkpoints are published for 'tdx'"):
        import_published({"weight": torch.zeros(1)}, "tdx")


def test_heads_must_be_given():
    model = build_model({"architecture": "tdsa", **SMALL, "n_heads": 4})
    with pytest.raises(OptionError, match="does not show its number of attention heads"):
        import_published(published_state(model, "tdsa"), "tdsa")


def test_the_published_checkpoint(reference_data):
    checkpoint = import_published(reference_data / "reference" / "vocals_transformer_0511.pth", "tdt")
    model = build_from(checkpoint, "the published checkpoint")
    assert config_of(model) == config_of(build_model({"architecture": "tdt"}))
    assert sum(p.numel() for p in model.parameters()) == 84172


def test_configs_of_the_reference_models(reference_data):
    index = json.loads((reference_data / "reference" / "index.json").read_text())
    names = [name for name in index if "_small" in name and name.split("_")[0] in ("tdf", "tdsa", "tdt", "umx")]
    names.remove("tdf_v3_small")
    assert len(names) == 9
    for name in names:
        tensors = load_file(reference_data / "reference" / f"{name}.safetensors")
        state = {key.removeprefix("state."): t for key, t in tensors.items() if key.startswith("state.")}
        checkpoint = import_published(state, name.split("_")[0], {"n_heads": 4} if "multihead" in name else None)
        model = build_from(checkpoint, name)
        assert sum(p.numel() for p in model.parameters()) == index[name]["parameters"], name


def test_first_default_sounds_like_the_weights_it_was_made_of(reference_data):
    """Stored in float16, they give the same vocals within -60 dB."""
    first = reference_data / "weights" / "first_tdf_mask.safetensors"
    pair = load_file(first.with_name("first_tdf_mask_io.safetensors"))
    imported = build_from(import_published(first, "tdf_mask"), first)
    with torch.inference_mode():
        expected = imported(pair["waveform"])
        given = load_model_file(PROJECT / "research" / "training-log" / "compact-v1.safetensors")(pair["waveform"])
    assert (expected[:, 0] - pair["vocals"]).abs().max() < 1e-5 * pair["vocals"].abs().max()
    assert 20 * torch.log10((given - expected).norm() / expected.norm()) < -60
