"""The YAML of a checkpoint of Music-Source-Separation-Training: what network, what stems, how to run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vocalsep.errors import OptionError

_MOST_OVERLAP = 0.9

# Keys that concern training, or how attention is computed, and leave the network as it is.
_WITHOUT_EFFECT = {
    "attn_dropout",
    "ff_dropout",
    "flash_attn",
    "sage_attention",
    "dim_freqs_in",
    "match_input_audio_length",
    "use_torch_checkpoint",
    "multi_stft_resolution_loss_weight",
    "multi_stft_resolutions_window_sizes",
    "multi_stft_hop_size",
    "multi_stft_normalized",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingYaml:
    """What such a file says of a model.

    Attributes:
        path: the file.
        architecture: a key of `vocalsep.models.ARCHITECTURES`.
        sizes: fields of its config but the stems.
        instruments: names of the network's outputs, in order.
        all_instruments: names of all parts of a song that it was trained on.
        segment_seconds: length of the segments to run it on.
        overlap: overlap of the segments, 0 to 0.9.
        unknown: keys of the model that mean nothing here.
    """

    path: Path
    architecture: str
    sizes: Mapping[str, Any]
    instruments: tuple[str, ...]
    all_instruments: tuple[str, ...]
    segment_seconds: float
    overlap: float
    unknown: tuple[str, ...]


class _PlainLoader(yaml.SafeLoader):  # type: ignore[misc]
    """Values, lists and mappings alone; tuples, which these files have, become lists."""


_PlainLoader.add_constructor(
    "tag:yaml.org,2002:python/tuple", lambda loader, node: loader.construct_sequence(node)
)


class _Section:
    """One mapping of the file, that remembers which of its keys were asked for."""

    def __init__(self, path: Path, name: str, values: object) -> None:
        if not isinstance(values, Mapping):
            raise OptionError(
                f"{path} has no section '{name}'", "Give the YAML that the checkpoint was published with."
            )
        self._path, self._name, self._values = path, name, values
        self._asked: set[str] = set()

    def get(self, key: str, default: object = None) -> Any:
        """A value, or the default where the key is missing."""
        self._asked.add(key)
        return self._values.get(key, default)

    def take(self, key: str) -> Any:
        """A value that has to be there.

        Raises:
            OptionError: it is not.
        """
        value = self.get(key)
        if value is None:
            raise OptionError(
                f"{self._path}: '{key}' is missing in the section '{self._name}'",
                "Give the YAML that the checkpoint was published with.",
            )
        return value

    def number(self, key: str) -> float:
        """A number above zero that has to be there.

        Raises:
            OptionError: it is missing, or something else.
        """
        value = self.take(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
            raise OptionError(
                f"{self._path}: '{key}' of the section '{self._name}' is {value!r}, not a number above 0"
            )
        return value

    def demand(self, key: str, wanted: object) -> None:
        """Refuse any other value of a key that may be missing.

        Raises:
            OptionError: it has another value.
        """
        value = self.get(key, wanted)
        if value != wanted:
            raise OptionError(
                f"{self._path}: a network with '{key}: {value}' is not supported",
                f"vocalsep has the one with '{key}: {wanted}'.",
            )

    def left(self) -> tuple[str, ...]:
        """The keys that nobody asked for and that have an effect."""
        return tuple(str(key) for key in self._values if key not in self._asked | _WITHOUT_EFFECT)


def _tfc_tdf_v3(model: _Section, audio: _Section) -> dict[str, Any]:
    for key, wanted in (("act", "gelu"), ("norm", "InstanceNorm"), ("scale", [2, 2])):
        model.demand(key, wanted)
    return {
        "channels": audio.get("num_channels", 2),
        "n_fft": audio.take("n_fft"),
        "hop_length": audio.take("hop_length"),
        "n_bins": audio.take("dim_f"),
        "sub_bands": model.take("num_subbands"),
        "width": model.take("num_channels"),
        "growth": model.take("growth"),
        "scales": model.take("num_scales"),
        "blocks": model.take("num_blocks_per_scale"),
        "bottleneck_factor": model.take("bottleneck_factor"),
    }


def _roformer(model: _Section, audio: _Section) -> dict[str, Any]:
    n_fft = model.get("stft_n_fft", 2048)
    for key, wanted in (
        ("stft_win_length", n_fft),
        ("stft_normalized", False),
        ("linear_transformer_depth", 0),
        ("skip_connection", False),
    ):
        model.demand(key, wanted)
    return {
        "channels": 2 if model.get("stereo", False) else 1,
        "n_fft": n_fft,
        "hop_length": model.get("stft_hop_length", 512),
        "width": model.take("dim"),
        "depth": model.take("depth"),
        "time_depth": model.get("time_transformer_depth", 1),
        "band_depth": model.get("freq_transformer_depth", 1),
        "n_heads": model.get("heads", 8),
        "head_width": model.get("dim_head", 64),
        "mask_depth": model.get("mask_estimator_depth", 2),
        "mask_expansion": model.get("mlp_expansion_factor", 4),
    }


def _mel_band_roformer(model: _Section, audio: _Section) -> dict[str, Any]:
    model.demand("sample_rate", audio.get("sample_rate", 44100))
    return {**_roformer(model, audio), "n_bands": model.take("num_bands")}


def _bs_roformer(model: _Section, audio: _Section) -> dict[str, Any]:
    return {**_roformer(model, audio), "band_bins": model.take("freqs_per_bands")}


def _scnet(model: _Section, audio: _Section) -> dict[str, Any]:
    n_fft, channels = model.take("nfft"), model.get("audio_channels", 2)
    model.demand("win_size", n_fft)
    first, *widths = model.take("dims")
    if first != 2 * channels:
        raise OptionError(f"dims begin with {first}, not with two for each of the {channels} channels")
    return {
        "channels": channels,
        "n_fft": n_fft,
        "hop_length": model.take("hop_size"),
        "scaled_transform": model.get("normalized", True),
        "widths": widths,
        "band_shares": model.take("band_SR"),
        "band_strides": model.take("band_stride"),
        "band_kernels": model.take("band_kernel"),
        "band_depths": model.take("conv_depths"),
        "squeeze": model.get("compress", 4),
        "kernel_size": model.get("conv_kernel", 3),
        "depth": model.take("num_dplayer"),
        "expansion": model.get("expand", 1),
    }


# A key that the model's section of no other network has, and what reads the sizes.
_KINDS: dict[str, tuple[str, Callable[[_Section, _Section], dict[str, Any]]]] = {
    "tfc_tdf_v3": ("num_subbands", _tfc_tdf_v3),
    "mel_band_roformer": ("num_bands", _mel_band_roformer),
    "bs_roformer": ("freqs_per_bands", _bs_roformer),
    "scnet": ("band_SR", _scnet),
}
# Names that the tensors of no other network have.
_TENSORS = {
    "tfc_tdf_v3": "encoder_blocks.0.downscale.conv.2.weight",
    "mel_band_roformer": "layers.0.0.norm.gamma",
    "bs_roformer": "final_norm.gamma",
    "scnet": "separation_net.dp_modules.0.linear_layers.0.weight",
}


def architecture_of(names: Sequence[str]) -> str | None:
    """The architecture of tensors with these names, or None."""
    return next((architecture for architecture, name in _TENSORS.items() if name in names), None)


def read_training_yaml(path: Path) -> TrainingYaml:
    """Read the YAML of a checkpoint.

    Nothing in it is executed: tags of Python objects are refused.

    Raises:
        OptionError: the file cannot be read, is of another network, or lacks a key.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_PlainLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise OptionError(f"cannot read {path}: {reason}", "Give a YAML file of plain values.") from error
    if not isinstance(content, Mapping):
        raise OptionError(f"{path} is not a mapping", "Give the YAML that the checkpoint was published with.")
    values = content.get("model")
    keys = values if isinstance(values, Mapping) else {}
    architecture = next((name for name, (key, _) in _KINDS.items() if key in keys), None)
    if architecture is None:
        raise OptionError(
            f"{path} describes none of the networks {', '.join(_KINDS)}",
            "Give the YAML that the checkpoint was published with; htdemucs and others are not supported.",
        )
    model, audio, training, inference = (
        _Section(path, name, content.get(name)) for name in ("model", "audio", "training", "inference")
    )
    try:
        sizes = {"sample_rate": int(audio.number("sample_rate")), **_KINDS[architecture][1](model, audio)}
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"{path}: the sizes of the model make no sense: {error}",
            "Give the YAML that the checkpoint was published with.",
        ) from error
    if architecture == "scnet":
        sizes["normalises_song"] = bool(inference.get("normalize", False))
    instruments = training.take("instruments")
    if not isinstance(instruments, list) or not instruments:
        raise OptionError(f"{path}: the instruments are not a list of names", "Write them as '- vocals' lines.")
    target = training.get("target_instrument")
    outputs = [str(target)] if target is not None else [str(name) for name in instruments]
    _check_outputs(path, model, outputs)
    return TrainingYaml(
        path=path,
        architecture=architecture,
        sizes=sizes,
        instruments=tuple(outputs),
        all_instruments=tuple(str(name) for name in instruments),
        segment_seconds=audio.number("chunk_size") / sizes["sample_rate"],
        overlap=min(max(0.0, 1 - 1 / inference.number("num_overlap")), _MOST_OVERLAP),
        unknown=model.left(),
    )


def _check_outputs(path: Path, model: _Section, outputs: Sequence[str]) -> None:
    """The network's own count of its outputs, where it says one, is that of the instruments."""
    sources = model.get("sources")
    count = len(sources) if isinstance(sources, list) else model.get("num_stems", len(outputs))
    if count != len(outputs):
        raise OptionError(
            f"{path}: the network has {count} outputs, and the training section names {', '.join(outputs)}",
            "Give the YAML that the checkpoint was published with.",
        )
