"""The architectures by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from vocalsep.errors import OptionError, UnknownModelError
from vocalsep.models.base import SeparationModel, SpectrogramModel
from vocalsep.models.bs_roformer import BSRoformer, BSRoformerConfig
from vocalsep.models.mdx_net import MDXNet, MDXNetConfig
from vocalsep.models.mel_band_roformer import MelBandRoformer, MelBandRoformerConfig
from vocalsep.models.open_unmix import OpenUnmix, OpenUnmixConfig
from vocalsep.models.run_hints import LEAST_SEGMENT_SECONDS
from vocalsep.models.scnet import SCNet, SCNetConfig
from vocalsep.models.sparse_tdf import SparseTDF, SparseTDFConfig
from vocalsep.models.tdf_mask import TDFMask, TDFMaskConfig
from vocalsep.models.tfc_tdf_v3 import TFCTDFv3, TFCTDFv3Config
from vocalsep.models.unet import UNet, UNetConfig, tdf, tdsa, tdt
from vocalsep.system.mapping import from_mapping, to_mapping


@dataclass(frozen=True, slots=True)
class Architecture:
    """What an architecture is.

    Attributes:
        config: a dataclass.
        build: makes the model from one.
        segment_seconds: the segments the model is run on.
        contiguous_in: see `SeparationModel`.
        side_by_side: likewise.
        trainable: whether the network is here, and not in ONNX files alone.
    """

    config: type[Any]
    build: Callable[[Any], SpectrogramModel]
    segment_seconds: float = 6.0
    contiguous_in: tuple[torch.dtype, ...] = ()
    side_by_side: bool = True
    trainable: bool = True


ARCHITECTURES: dict[str, Architecture] = {
    "umx": Architecture(OpenUnmixConfig, OpenUnmix),
    # linear maps over bins that are not channels-last need no copies, which in bfloat16 take longer than they do
    "tdf": Architecture(UNetConfig, partial(UNet, mixer=tdf), contiguous_in=(torch.bfloat16,)),
    # every position attends to every other one of its segment: the published length keeps that affordable
    "tdsa": Architecture(UNetConfig, partial(UNet, mixer=tdsa), segment_seconds=3.0),
    "tdt": Architecture(UNetConfig, partial(UNet, mixer=tdt)),
    "tdf_mask": Architecture(TDFMaskConfig, TDFMask),
    "sparse_tdf": Architecture(SparseTDFConfig, SparseTDF),
    # the segments that the public weights were trained on: 255 and 800 hops of the published transforms
    "tfc_tdf_v3": Architecture(
        TFCTDFv3Config,
        TFCTDFv3,
        segment_seconds=255 * 1024 / 44100,
        contiguous_in=(torch.bfloat16, torch.float32),
        side_by_side=False,  # a segment takes about a gigabyte, as one of the next does
    ),
    "mel_band_roformer": Architecture(
        MelBandRoformerConfig, MelBandRoformer, segment_seconds=8.0, side_by_side=False
    ),
    "bs_roformer": Architecture(BSRoformerConfig, BSRoformer, segment_seconds=8.0, side_by_side=False),
    # the segments that the public weights were trained on: 11 s
    "scnet": Architecture(SCNetConfig, SCNet, segment_seconds=11.0),
    # what the public graphs take: 255 hops
    "mdx_net": Architecture(MDXNetConfig, MDXNet, segment_seconds=255 * 1024 / 44100, trainable=False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Advice:
    """How weights are best run, where they say it in their config.

    Attributes:
        segment_seconds: length of the segments.
        overlap: of the segments.
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
        OptionError: an unknown field or a wrong value.

    Example:
        >>> model = build_model({"architecture": "tdt"})
        >>> sum(p.numel() for p in model.parameters())
        84172
    """
    fields = dict(config)
    name = fields.pop("architecture", None)
    if not isinstance(name, str) or name not in ARCHITECTURES:
        raise UnknownModelError(f"unknown architecture {name!r}", f"Known: {', '.join(ARCHITECTURES)}.")
    architecture = ARCHITECTURES[name]
    advice = from_mapping(
        _Advice, {key: fields.pop(key) for key in ("segment_seconds", "overlap") if key in fields}
    )
    model = architecture.build(from_mapping(architecture.config, fields))
    model.architecture, model.segment_seconds = name, advice.segment_seconds or architecture.segment_seconds
    model.overlap = model.overlap if advice.overlap is None else advice.overlap
    model.contiguous_in, model.side_by_side = architecture.contiguous_in, architecture.side_by_side
    return model.eval()


def config_of(model: SeparationModel) -> dict[str, Any]:
    """The config that `build_model` makes this model from."""
    advice: dict[str, Any] = {}
    if model.segment_seconds != ARCHITECTURES[model.architecture].segment_seconds:
        advice["segment_seconds"] = model.segment_seconds
    if model.overlap != SeparationModel.overlap:
        advice["overlap"] = model.overlap
    return {"architecture": model.architecture, **to_mapping(model.config), **advice}
