"""The architectures by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from vocalsep.errors import OptionError, UnknownModelError
from vocalsep.models.base import SeparationModel, SpectrogramModel
from vocalsep.models.bs_roformer import BSCodec, BSRoformer, BSRoformerConfig
from vocalsep.models.codec import SpectrogramCodec
from vocalsep.models.graph_model import GraphModel
from vocalsep.models.mdx_net import MDXNetCodec, MDXNetConfig
from vocalsep.models.mel_band_roformer import MelBandCodec, MelBandRoformer, MelBandRoformerConfig
from vocalsep.models.open_unmix import OpenUnmix, OpenUnmixCodec, OpenUnmixConfig
from vocalsep.models.run_hints import LEAST_SEGMENT_SECONDS, RunHints
from vocalsep.models.scnet import SCNet, SCNetCodec, SCNetConfig
from vocalsep.models.sparse_tdf import SparseTDF, SparseTDFCodec, SparseTDFConfig
from vocalsep.models.tdf_mask import TDFMask, TDFMaskCodec, TDFMaskConfig
from vocalsep.models.tfc_tdf_v3 import TFCTDFv3, TFCTDFv3Codec, TFCTDFv3Config
from vocalsep.models.unet import UNet, UNetCodec, UNetConfig, tdf, tdsa, tdt
from vocalsep.system.mapping import from_mapping, to_mapping


@dataclass(frozen=True, slots=True)
class Architecture:
    """What an architecture is.

    Attributes:
        config: dataclass of signals and sizes.
        codec: makes what stands around the network from a config.
        build: makes the model from a config. None where the network is in ONNX files alone.
        hints: how models of this architecture are best run.
    """

    config: type[Any]
    codec: Callable[[Any], SpectrogramCodec]
    build: Callable[[Any], SpectrogramModel] | None
    hints: RunHints = field(default_factory=RunHints)


ARCHITECTURES: dict[str, Architecture] = {
    "umx": Architecture(OpenUnmixConfig, OpenUnmixCodec, OpenUnmix),
    "tdf": Architecture(
        UNetConfig,
        UNetCodec,
        partial(UNet, mixer=tdf),
        # linear maps over bins need copies in channels-last, which in bfloat16 take longer than the maps
        RunHints(contiguous_in=(torch.bfloat16,)),
    ),
    "tdsa": Architecture(
        UNetConfig,
        UNetCodec,
        partial(UNet, mixer=tdsa),
        # every position attends to every other one of its segment: the published length keeps that affordable
        RunHints(segment_seconds=3.0),
    ),
    "tdt": Architecture(UNetConfig, UNetCodec, partial(UNet, mixer=tdt)),
    "tdf_mask": Architecture(TDFMaskConfig, TDFMaskCodec, TDFMask),
    "sparse_tdf": Architecture(SparseTDFConfig, SparseTDFCodec, SparseTDF),
    "tfc_tdf_v3": Architecture(
        TFCTDFv3Config,
        TFCTDFv3Codec,
        TFCTDFv3,
        RunHints(
            segment_seconds=255 * 1024 / 44100,  # what the public weights were trained on: 255 hops
            contiguous_in=(torch.bfloat16, torch.float32),
            side_by_side=False,  # a segment takes about a gigabyte, as one of the next does
        ),
    ),
    "mel_band_roformer": Architecture(
        MelBandRoformerConfig,
        MelBandCodec,
        MelBandRoformer,
        RunHints(segment_seconds=8.0, side_by_side=False),  # trained on 800 hops of the published transform
    ),
    "bs_roformer": Architecture(
        BSRoformerConfig, BSCodec, BSRoformer, RunHints(segment_seconds=8.0, side_by_side=False)
    ),
    "scnet": Architecture(
        SCNetConfig,
        SCNetCodec,
        SCNet,
        # the public weights were trained on 11 s; two at once would take 1.5 GB in float32, and be no faster
        RunHints(segment_seconds=11.0, side_by_side=False),
    ),
    # the public graphs take 255 hops
    "mdx_net": Architecture(MDXNetConfig, MDXNetCodec, None, RunHints(segment_seconds=255 * 1024 / 44100)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Advice:
    """How weights are best run, where their config says so.

    Attributes:
        segment_seconds: length of the segments.
        overlap: overlap of the segments.
    """

    segment_seconds: float | None = None
    overlap: float | None = None

    def __post_init__(self) -> None:
        if self.segment_seconds is not None and not LEAST_SEGMENT_SECONDS <= self.segment_seconds <= 600:
            raise OptionError(
                f"a segment of {self.segment_seconds} s is not within {LEAST_SEGMENT_SECONDS} to 600 s"
            )
        if self.overlap is not None and not 0 <= self.overlap <= 0.9:
            raise OptionError(f"an overlap of {self.overlap} is not within 0 to 0.9")


def build_model(config: Mapping[str, object]) -> SpectrogramModel:
    """Build a model, with random weights, from the config in a checkpoint.

    Args:
        config: ``architecture`` and the fields of its config, perhaps ``segment_seconds`` and ``overlap`` to run
            it with; what is missing takes the default.

    Raises:
        UnknownModelError: no such architecture.
        OptionError: an unknown field or a wrong value, or the network is in ONNX files alone.

    Example:
        >>> model = build_model({"architecture": "tdt"})
        >>> sum(p.numel() for p in model.parameters())
        84172
    """
    name, sizes, advice = _read(config)
    build = ARCHITECTURES[name].build
    if build is None:
        raise OptionError(f"the network of {name} is an ONNX file", "See `vocalsep models list`.")
    return _described(build(sizes), name, advice)


def build_graph_model(
    config: Mapping[str, object], make_graph: Callable[[SpectrogramCodec, int], Callable[[Tensor], Tensor]]
) -> SpectrogramModel:
    """Build the model around a network that comes from elsewhere.

    Args:
        config: as for `build_model`.
        make_graph: makes the network for a codec and a number of stems.

    Raises:
        UnknownModelError: no such architecture.
        OptionError: an unknown field or a wrong value.
    """
    name, sizes, advice = _read(config)
    codec = ARCHITECTURES[name].codec(sizes)
    model = _described(GraphModel(sizes, codec, make_graph(codec, len(sizes.stems))), name, advice)
    model.hints = dataclasses.replace(model.hints, takes_autocast=False, side_by_side=False)
    return model


def _read(config: Mapping[str, object]) -> tuple[str, Any, _Advice]:
    """The architecture's name, its config and the advice."""
    fields = dict(config)
    name = fields.pop("architecture", None)
    if not isinstance(name, str) or name not in ARCHITECTURES:
        raise UnknownModelError(f"unknown architecture {name!r}", f"Known: {', '.join(ARCHITECTURES)}.")
    advice = from_mapping(
        _Advice, {key: fields.pop(key) for key in ("segment_seconds", "overlap") if key in fields}
    )
    return name, from_mapping(ARCHITECTURES[name].config, fields), advice


def _described(model: SpectrogramModel, name: str, advice: _Advice) -> SpectrogramModel:
    hints = ARCHITECTURES[name].hints.advised(advice.segment_seconds, advice.overlap)
    model.architecture = name
    model.hints = dataclasses.replace(hints, normalises_song=model.codec.normalises_song)
    return model.eval()


def config_of(model: SeparationModel) -> dict[str, Any]:
    """The config that `build_model` makes this model from."""
    advice: dict[str, Any] = {}
    usual = ARCHITECTURES[model.architecture].hints
    if model.hints.segment_seconds != usual.segment_seconds:
        advice["segment_seconds"] = model.hints.segment_seconds
    if model.hints.overlap != usual.overlap:
        advice["overlap"] = model.hints.overlap
    return {"architecture": model.architecture, **to_mapping(model.config), **advice}
