"""Published checkpoints: their names and configurations, turned into ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vocalsep.errors import CorruptWeightsError, OptionError
from vocalsep.models.unet_blocks import sinusoidal_positions
from vocalsep.weights.checkpoint import Checkpoint, build_from, read_tensors, unwrap
from vocalsep.weights.manifest import load_manifest
from vocalsep.weights.verify import check_name

# Applied in order, each to what the one before it left. The published TDSA code names its parts differently.
_UNET_NAMES = [
    (r"^down_blocks\.(\d+)", r"encoder.\1"),
    (r"^mid_block\b", "bottleneck"),
    (r"^up_blocks\.(\d+)", r"decoder.\1"),
    (r"\.(?:unet|tfc_tdsa)_block\.", ".block."),
    (r"\.(down|up)(?:sample)?_block\.norm_conv_act\.0\.", r".\1.norm."),
    (r"\.(down|up)(?:sample)?_block\.norm_conv_act\.1\.", r".\1.conv."),
    (r"\.tfc_block\.norm_conv_act_stack\.(\d+)\.0\.", r".tfc.layers.\1.norm."),
    (r"\.tfc_block\.norm_conv_act_stack\.(\d+)\.1\.", r".tfc.layers.\1.conv."),
]
_NAMES: dict[str, list[tuple[str, str]]] = {
    "umx": [],
    "tdf": [
        *_UNET_NAMES,
        (r"\.tdf_block\.norm_fc_act_stack\.(\d+)\.0\.", r".mixer.layers.\1.norm."),
        (r"\.tdf_block\.norm_fc_act_stack\.(\d+)\.1\.", r".mixer.layers.\1.linear."),
    ],
    "tdsa": [
        *_UNET_NAMES,
        (r"\.tdsa_block\.norm_attn_act_stack\.(\d+)\.0\.", r".mixer.layers.\1.norm."),
        (r"\.tdsa_block\.norm_attn_act_stack\.(\d+)\.1\.", r".mixer.layers.\1.attention."),
    ],
    "tdt": [
        *_UNET_NAMES,
        (r"\.tdt_block\.transformer_blk_stack\.(\d+)\.feed_forward\.0\.", r".mixer.layers.\1.feed_forward."),
        (r"\.tdt_block\.transformer_blk_stack\.(\d+)\.", r".mixer.layers.\1."),
    ],
    "tdf_mask": [],
    "tfc_tdf_v3": [],
    "mel_band_roformer": [],
    "bs_roformer": [],
    "scnet": [],
}
# Networks whose published kernels lie (bin, frame), where ours lie (frame, bin).
_TRANSPOSED = {"tdf_mask"}
# Buffers of the published Open-Unmix that are not weights: its analysis windows and the sample rate.
_DROPPED = re.compile(r"^(?:stft\.window|transform\.\d+\.window|sample_rate)$")
_POSITIONS = ".positional_encoding"
# Not all sizes of these show in their tensors: the model's config, or the architecture's defaults, has them.
_SIZED_BY_CONFIG = {"tfc_tdf_v3", "mel_band_roformer", "bs_roformer", "scnet"}


def rename_published(state: Mapping[str, Tensor], architecture: str) -> dict[str, Tensor]:
    """Give the tensors of a published checkpoint the names, and the kernels the orientation, of our model.

    The positional encoding of ``tdt``, a constant there stored and here computed, is left out.

    Args:
        state: tensors by the published names, without ``module.`` before them.
        architecture: a key of `vocalsep.models.architectures.ARCHITECTURES`.

    Raises:
        OptionError: there is no published format for the architecture.
        CorruptWeightsError: a positional encoding is not the one that our model computes.
    """
    if architecture not in _NAMES:
        raise OptionError(f"no checkpoints are published for '{architecture}'", f"Known: {', '.join(_NAMES)}.")
    renamed = {}
    for published, tensor in state.items():
        if published.endswith(_POSITIONS):
            _check_positions(published, tensor)
        elif not _DROPPED.match(published):
            name = published
            for pattern, replacement in _NAMES[architecture]:
                name = re.sub(pattern, replacement, name)
            transpose = architecture in _TRANSPOSED and tensor.ndim == 4
            renamed[name] = tensor.transpose(2, 3).contiguous() if transpose else tensor
    return renamed


def import_published(
    source: Path | Mapping[str, Any], model: str, overrides: Mapping[str, object] | None = None
) -> Checkpoint:
    """Turn a published checkpoint into ours.

    The config is read off the shapes of the tensors; that of ``tfc_tdf_v3`` and ``mel_band_roformer`` is the
    manifest's, or else the architecture's defaults.

    Args:
        source: a torch or safetensors file, or what is in one; ``module.`` before the names does not matter.
        model: an id of the manifest, or an architecture.
        overrides: config values that are otherwise, or that no shape shows: ``stems``, ``n_heads`` of ``tdsa``.

    Raises:
        OptionError: there is no published format for the architecture, or ``n_heads`` is needed and not given.
        CorruptWeightsError: the file is damaged, of another architecture, of sizes that the config has not, or not
            what the hash in its name says.
    """
    origin = source if isinstance(source, Path) else "the state given"
    state, _ = read_tensors(source) if isinstance(source, Path) else unwrap(source, origin)
    if isinstance(source, Path):
        check_name(source)
    entry = next((entry for entry in load_manifest().models if entry.id == model), None)
    architecture, known = (entry.architecture, entry.config or {}) if entry else (model, {})
    renamed = rename_published(state, architecture)
    try:
        sizes = {**known, **_config(architecture, state, renamed), **(overrides or {})}
    except KeyError as error:
        raise CorruptWeightsError(
            f"{origin} is not a published {architecture} checkpoint: {error.args[0]} is missing",
            "Choose the architecture of the file with model=NAME.",
        ) from error
    if "encoder.0.block.mixer.layers.0.attention.in_proj_weight" in renamed and "n_heads" not in sizes:
        raise OptionError(
            f"{origin} does not show its number of attention heads",
            'Give it: config=FILE, with {"n_heads": NUMBER} in the file.',
        )
    checkpoint = Checkpoint(config={"architecture": architecture, **sizes}, state=renamed)
    try:
        build_from(checkpoint, origin)
    except CorruptWeightsError as error:
        if overrides or architecture not in _SIZED_BY_CONFIG:
            raise
        raise CorruptWeightsError(
            error.message, "Its sizes, where they are not the public model's, are given with config=FILE."
        ) from error
    return checkpoint


def _check_positions(name: str, positions: Tensor) -> None:
    if positions.ndim != 2 or not torch.allclose(positions, sinusoidal_positions(*positions.shape), atol=1e-5):
        raise CorruptWeightsError(
            f"{name} is not the published positional encoding", "This checkpoint is of another model."
        )


def _config(architecture: str, published: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, object]:
    if architecture in _SIZED_BY_CONFIG:
        return {}
    if architecture == "umx":
        return _open_unmix_config(published)
    if architecture == "tdf_mask":
        return _mask_config(state)
    return _unet_config(published, state)


def _unet_config(published: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, object]:
    """The config of a U-Net by its shapes; the window is two hops, and twice the bins, as published."""
    growth, maps = state["in_conv.weight"].shape[:2]
    block = "encoder.0.block"
    n_layers = _count(state, rf"^{re.escape(block)}\.tfc\.layers\.(\d+)\.conv")
    config: dict[str, object] = {
        "channels": maps // 2,
        "growth": growth,
        "depth": _count(state, r"^encoder\.(\d+)\."),
        "kernel_size": list(state[f"{block}.tfc.layers.0.conv.weight"].shape[2:]),
        "layers": n_layers,
    }
    mixer = f"{block}.mixer.layers.0"
    if f"{mixer}.linear.weight" in state:
        first = state[f"{mixer}.linear.weight"]
        n_bins = first.shape[1]
        if n_layers > 1:
            config["bottleneck"] = first.shape[0]
    elif f"{mixer}.layer_norm.weight" in state:
        n_bins = published[f"down_blocks.0.unet_block.tdt_block.transformer_blk_stack.0{_POSITIONS}"].shape[0]
    else:
        n_bins = state[f"{mixer}.norm.weight"].shape[0]
    return {**config, "n_bins": n_bins, "n_fft": 2 * n_bins, "hop_length": n_bins}


def _open_unmix_config(published: Mapping[str, Tensor]) -> dict[str, object]:
    """The config of Open-Unmix by its shapes; the hop is a quarter of the window, as published."""
    n_in_bins, n_bins = len(published["input_mean"]), len(published["output_mean"])
    config: dict[str, object] = {
        "channels": published["fc3.weight"].shape[0] // n_bins,
        "hidden_size": published["fc1.weight"].shape[0],
        "n_fft": 2 * (n_bins - 1),
        "hop_length": (n_bins - 1) // 2,
        "max_bin": n_in_bins if n_in_bins < n_bins else None,
        "n_layers": _count(published, r"^lstm\.weight_ih_l(\d+)$"),
    }
    if "sample_rate" in published:
        config["sample_rate"] = round(float(published["sample_rate"]))
    return config


def _mask_config(state: Mapping[str, Tensor]) -> dict[str, object]:
    """The config of the compact network by its shapes; window and hop are as in `_unet_config`."""
    width, maps = state["first_conv.weight"].shape[:2]
    squeezed, band_bins = state["encoder.0.block.tdf_down.weight"].shape
    n_bins = band_bins * (maps // 6)
    return {
        "n_fft": 2 * n_bins,
        "hop_length": n_bins,
        "n_bins": n_bins,
        "sub_bands": maps // 6,
        "width": width,
        "growth": state["encoder.0.down.conv.weight"].shape[0] - width,
        "scales": _count(state, r"^encoder\.(\d+)\."),
        "bottleneck_factor": band_bins // squeezed,
    }


def _count(state: Mapping[str, Tensor], pattern: str) -> int:
    """How many different numbers the group of ``pattern`` takes in the names."""
    return len({match[1] for name in state if (match := re.match(pattern, name))})
