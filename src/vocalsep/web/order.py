"""How a song is to be separated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.reading_options import ReadingOptions
from vocalsep.errors import OptionError
from vocalsep.stem_names import ACCOMPANIMENT, STEMS, VOCALS
from vocalsep.web.model_choice import offered_models

STEM_CHOICES: dict[str, tuple[str, ...]] = {"both": STEMS, VOCALS: (VOCALS,), ACCOMPANIMENT: (ACCOMPANIMENT,)}
"""The stems that may be asked for, by the name of the choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How a song is to be separated.

    Attributes:
        model: id of the model.
        format: format of the stems.
        stems: stems that are written.
        reading: how the song is read.
    """

    model: str
    format: OutputFormat
    stems: tuple[str, ...] = STEMS
    reading: ReadingOptions = field(default_factory=ReadingOptions)


def order_of(asked: Mapping[str, Any], *, offline: bool) -> Order:
    """The order of a caller, who may send anything.

    Args:
        asked: ``model``, and perhaps ``format``, ``stem`` and ``salvage``.
        offline: whether no model may be downloaded.

    Raises:
        OptionError: a value is not one that the page offers.
    """
    model, stem = asked.get("model"), asked.get("stem", "both")
    models = offered_models(offline=offline)
    if not isinstance(model, str) or model not in models:
        raise OptionError(f"this page offers no model '{model}'", f"Choose one of {', '.join(models)}.")
    if not isinstance(stem, str) or stem not in STEM_CHOICES:
        raise OptionError(f"unknown stem '{stem}'", f"Choose one of {', '.join(STEM_CHOICES)}.")
    return Order(
        model=model,
        format=OutputFormat.named(str(asked.get("format", "wav"))),
        stems=STEM_CHOICES[stem],
        reading=ReadingOptions(salvage=bool(asked.get("salvage"))),
    )
