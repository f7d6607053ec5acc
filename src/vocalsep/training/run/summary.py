"""What is to say of a training run, from the files in its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vocalsep.datasets.dataset import without_folders
from vocalsep.errors import RunError
from vocalsep.evaluation.result_folder import RESULTS_NAME
from vocalsep.stem_names import STEMS
from vocalsep.training.run.folder import RunFolder
from vocalsep.training.run.history import read_history
from vocalsep.weights.checkpoint import load_model_file

EVALUATION_FOLDER = "evaluation"
"""Where in the folder of a run the results of its evaluation are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFigures:
    """Figures of a model to compare with those of its run: parameters, and mean validation MSE over the epochs."""

    parameters: float
    average_valid_mse: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A training run, and its evaluation where there is one.

    Attributes:
        name: name that tells the run from the others.
        architecture: architecture of the model.
        recipe: recipe that it was trained by.
        parameters: number of parameters of the model; None before there are weights.
        history: rows of its ``metrics.csv``.
        sdr: mean signal-to-distortion ratio of each stem in dB, the mean over songs; None where no song has one.
        chunk_sdr: median of the chunk SDR over the songs, in dB, by stem.
        real_time_factor: seconds of separation for a second of audio.
        evaluated_on: what these are from; empty where it was not evaluated.
        published: figures of its model; None where there are none.
    """

    name: str
    architecture: str
    recipe: str
    parameters: int | None
    history: Sequence[Mapping[str, float]]
    sdr: Mapping[str, float | None] = field(default_factory=dict)
    chunk_sdr: Mapping[str, float | None] = field(default_factory=dict)
    real_time_factor: float | None = None
    evaluated_on: str = ""
    published: PublishedFigures | None = None

    @property
    def valid_losses(self) -> list[float]:
        """Of the epochs."""
        return [row["valid_loss"] for row in self.history if "valid_loss" in row]

    def last(self, column: str) -> float | None:
        """A value of the last epoch."""
        return self.history[-1].get(column) if self.history else None


def read_run(folder: Path, name: str, published: PublishedFigures | None = None) -> RunSummary:
    """Read the folder of a run, with the ``evaluation/results.json`` that may be in it.

    Args:
        folder: folder of the run.
        name: name of the run, which no other run of the page has.
        published: figures of its model.

    Raises:
        RunError: it is no run, or a file in it is damaged.
        CorruptWeightsError: its weights are.
    """
    run = RunFolder(folder)
    config, history, weights = run.config_file, run.history_file, run.best_weights
    if not config.is_file() or not history.is_file():
        raise RunError(f"{folder} is no training run", "Give folders that 'vocalsep train' wrote.")
    results = folder / EVALUATION_FOLDER / RESULTS_NAME
    settings = _read_json(config)
    try:
        return RunSummary(
            name=name,
            architecture=str(settings["model"]["architecture"]),
            recipe=str(settings["recipe"]),
            parameters=sum(values.numel() for values in load_model_file(weights).parameters())
            if weights.exists()
            else None,
            history=read_history(history),
            published=published,
            **(_of_evaluation(_read_json(results)) if results.exists() else {}),
        )
    except (LookupError, TypeError) as error:
        raise RunError(f"a file of the run {folder} lacks {error}", "Train or evaluate it again.") from error


def _of_evaluation(results: Mapping[str, Any]) -> dict[str, Any]:
    settings, n_songs = results["settings"], len(results["songs"])
    return {
        "sdr": {stem: results["summary"][stem]["sdr"]["mean"] for stem in STEMS},
        "chunk_sdr": {stem: results["summary"][stem]["chunk_sdr"]["median"] for stem in STEMS},
        "real_time_factor": results["real_time_factor"],
        "evaluated_on": f"{n_songs} songs of {without_folders(results['data'])}, split {results['split']}, "
        f"on {settings['device']} in {settings['precision']}",
    }


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror}", "Give a folder that you may read.") from error
    except ValueError as error:
        raise RunError(f"{path} is no JSON: {error}", "Train or evaluate the run again.") from error
    if not isinstance(values, dict):
        raise RunError(f"{path} is no JSON object", "Train or evaluate the run again.")
    return values
