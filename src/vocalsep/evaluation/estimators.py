"""What can be evaluated: a model, or an oracle, that gives the stems of a track."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Protocol

from vocalsep.api import Separator
from vocalsep.audio.samples import Samples
from vocalsep.datasets.track import Track
from vocalsep.errors import OptionError, UnknownModelError
from vocalsep.evaluation.oracle import MixtureOracle, RatioMaskOracle
from vocalsep.evaluation.results import Setting
from vocalsep.separation.options import SeparationOptions
from vocalsep.stem_names import MIXTURE
from vocalsep.weights.ensemble_spec import EnsembleSpec, parse_ensemble

ORACLE_PREFIX = "oracle:"
_ORACLES: dict[str, type[RatioMaskOracle | MixtureOracle]] = {"irm": RatioMaskOracle, "mixture": MixtureOracle}


class Estimator(Protocol):
    """Gives the stems of a track."""

    @property
    def id(self) -> str:
        """The model's."""
        ...

    @property
    def weights_sha256(self) -> str | None:
        """SHA-256 of the weights file; None where no weights are used."""
        ...

    @property
    def settings(self) -> Mapping[str, Setting]:
        """What the estimates depend on besides the weights; None is the model's own."""
        ...

    def stems(self, track: Track) -> Generator[dict[str, Samples], None, None]:
        """Yield ``{"vocals": ..., "accompaniment": ...}`` block by block, as many samples as the track has.

        Raises:
            InputError: a file of the track is gone or damaged.
        """
        ...


class ModelEstimator:
    """A model, run as `vocalsep.api.Separator` runs it for a split."""

    def __init__(self, separator: Separator, options: SeparationOptions) -> None:
        self._separator = separator
        self.id = separator.model_id
        self.weights_sha256: str | None = separator.weights_sha256
        self.settings: dict[str, Setting] = {
            "segment_seconds": options.segment_seconds,
            "overlap": options.overlap,
            "shifts": options.shifts,
            "wiener": options.wiener,
            "precision": separator.precision,
            "device": separator.device,
        }

    def stems(self, track: Track) -> Generator[dict[str, Samples], None, None]:
        """See `Estimator.stems`."""
        return self._separator.stream(track.blocks(MIXTURE), track.sample_rate)


def open_estimator(
    model: str | EnsembleSpec | None,
    options: SeparationOptions | None = None,
    *,
    offline: bool = False,
    download_progress: Callable[[int, int], None] | None = None,
) -> Estimator:
    """Load what ``model`` names.

    Args:
        model: as for `vocalsep.api.Separator`; or ``oracle:irm`` or ``oracle:mixture``, which know the stems.
        options: options of the separation; an oracle takes none.
        offline: never ask the network for weights.
        download_progress: called with the bytes downloaded and those of the whole file.

    Raises:
        ModelError: no such model, or its weights are corrupt.
        DeviceError: no such device here.
        OptionError: options for an oracle.
    """
    options, spec = options or SeparationOptions(), parse_ensemble(model)
    if spec.id.startswith(ORACLE_PREFIX):
        name = spec.id.removeprefix(ORACLE_PREFIX)
        if name not in _ORACLES:
            known = " and ".join(ORACLE_PREFIX + oracle for oracle in _ORACLES)
            raise UnknownModelError(f"no oracle is called '{name}'", f"There are {known}.")
        if options != SeparationOptions():
            raise OptionError(
                f"{spec.id} does not use a network, so device, precision and the other model options do not apply",
                "Leave them out.",
            )
        return _ORACLES[name]()
    separator = Separator.from_options(spec, options, offline=offline, download_progress=download_progress)
    return ModelEstimator(separator, options)
