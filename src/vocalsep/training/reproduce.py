"""The published experiment, re-made: models are trained alike, scored on songs held out, and compared on a page.

Alike is the same data set, the same chunks in the same order with the same augmentation, and the same number of
steps: a run's chunks depend on its seed, epoch and step, and not on its model. Each model has a run folder of its
own in the folder of the experiment.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocalsep.datasets.dataset import Dataset, without_folders
from vocalsep.datasets.parts import Split
from vocalsep.datasets.track import Track
from vocalsep.errors import OptionError, OutputExistsError, RunError
from vocalsep.evaluation.estimators import open_estimator
from vocalsep.evaluation.evaluate import check_has_both, evaluate_track
from vocalsep.evaluation.result_folder import ResultFolder
from vocalsep.evaluation.results import Conditions, Results, SongScores
from vocalsep.separation.options import SeparationOptions
from vocalsep.system.files import atomic_path
from vocalsep.training.recipe import Recipe, recipe_from
from vocalsep.training.report import write_report
from vocalsep.training.run.config import RunConfig, check_same_run
from vocalsep.training.run.folder import RunFolder
from vocalsep.training.run.history import read_history
from vocalsep.training.run.summary import EVALUATION_FOLDER, PublishedFigures

MODELS = ("umx", "tdf", "tdsa", "tdt")
"""Those of the published experiment."""

PUBLISHED = {
    "umx": PublishedFigures(parameters=9.47e6, average_valid_mse=0.946),
    "tdf": PublishedFigures(parameters=1.80e6, average_valid_mse=0.680),
    "tdsa": PublishedFigures(parameters=5.29e6, average_valid_mse=0.773),
    "tdt": PublishedFigures(parameters=0.08e6, average_valid_mse=0.574),
}
"""Their figures."""

_FILE = "experiment.json"
_TITLE = "The published experiment, re-made"
_PUBLISHED_REMARK = (
    "Published: 13 epochs on MUSDB18-HQ, mean squared error of the spectrogram (of umx: of its magnitudes). With "
    "other data, or another recipe than 'paper', losses are on another scale: compare the order of the models."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Models that are trained alike.

    Attributes:
        models: an architecture each, or one with settings of its own: ``tdsa:attention=frame``.
        dataset: spec of the data set.
        recipe_name: where the recipe came from.
        recipe: recipe of all runs.

    Raises:
        OptionError: a model twice, no such architecture or setting, or a recipe that ends runs early.
    """

    models: tuple[str, ...]
    dataset: str
    recipe_name: str
    recipe: Recipe

    def __post_init__(self) -> None:
        names = [run_name(model) for model in self.models]
        if twice := [name for name in names if names.count(name) > 1]:
            raise OptionError(f"two models would be trained as '{twice[0]}'", "Give each once.")
        if self.recipe.run.early_stop_epochs:
            raise OptionError(
                "run.early_stop_epochs would end the models after different numbers of steps", "Set it to 0."
            )
        for model in self.models:
            self.config(model)  # refuses what is wrong

    def config(self, model: str) -> RunConfig:
        """The config of a model's run.

        Raises:
            OptionError: no such architecture, or a setting that it does not have.
        """
        architecture, *settings = model.split(":")
        own = [f"model.{architecture}.{setting}" for setting in settings]
        recipe = recipe_from(dataclasses.asdict(self.recipe), own)
        return RunConfig.resolve(architecture, recipe, recipe_name=self.recipe_name, dataset=self.dataset)

    def runs(self, path: Path) -> list[Run]:
        """The runs in the folder of the experiment, those to go on with among them.

        Raises:
            RunError: a run that is there is of other settings.
        """
        runs = []
        for model in self.models:
            config, folder = self.config(model), RunFolder(path / run_name(model))
            if folder.config_file.exists():
                check_same_run(folder.read_config(), config)
            # starting again would replace weights that have no checkpoint, so the run is refused
            begun = folder.state_file.exists() or folder.best_weights.exists()
            runs.append(Run(config=config, folder=folder, resume=begun))
        return runs

    def to_json(self) -> dict[str, Any]:
        """A plain mapping; `from_json` takes it back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Experiment:
        """The experiment of a mapping made by `to_json`.

        Raises:
            OptionError: a setting is unknown or wrong.
            KeyError: something is missing.
            TypeError: something has the wrong type, or there is too much.
        """
        return cls(**{**values, "models": tuple(values["models"]), "recipe": recipe_from(values["recipe"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The run of one model.

    Attributes:
        config: config of the run.
        folder: folder of the run.
        resume: whether there is a state to go on from.
    """

    config: RunConfig
    folder: RunFolder
    resume: bool

    @property
    def name(self) -> str:
        """The model's."""
        return self.folder.path.name


def run_name(model: str) -> str:
    """The name of the folder that a model is trained in.

    Example:
        >>> run_name("tdsa:attention=frame")
        'tdsa-attention-frame'
    """
    return re.sub(r"[^\w.]+", "-", model)


def read_experiment(path: Path) -> Experiment | None:
    """The experiment in a folder, or None.

    Raises:
        RunError: its file is damaged.
    """
    file = path / _FILE
    try:
        return Experiment.from_json(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{file} cannot be read: {error}", "Choose another folder.") from error


def begin(path: Path, experiment: Experiment, runs: Sequence[Run]) -> None:
    """Write down what is trained in a folder, and drop of runs what was left before their first checkpoint.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_path(path / _FILE) as temporary:
        temporary.write_text(json.dumps(experiment.to_json(), indent=2), encoding="utf-8")
    for run in runs:
        if not run.resume:
            run.folder.config_file.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutSongs:
    """The songs of a data set that the models are scored on."""

    dataset: str
    split: Split
    tracks: Sequence[Track]


def held_out(dataset: Dataset) -> HeldOutSongs:
    """The songs of the part ``test``, or of ``valid`` where there is none, that have both stems.

    Raises:
        NoTracksError: there are no songs.
        UnfitTrackError: none has both stems.
    """
    split: Split = "test" if dataset.has_test else "valid"
    tracks = dataset.tracks(split)
    whole = [track for track in tracks if len(track.stems) > 1]
    if not whole:
        check_has_both(tracks[0])
    return HeldOutSongs(dataset=dataset.spec, split=split, tracks=whole)


def evaluate_run(
    run: Run, songs: HeldOutSongs, *, device: str = "auto", progress: Callable[[float, float], None] | None = None
) -> Results:
    """Score the best weights of a run, and keep the results in its folder.

    Songs that were scored before with these weights and on this device are not scored again.

    Args:
        run: with weights.
        songs: songs to score the run on.
        device: as `vocalsep.separation.device.choose_device` has it.
        progress: called with how many songs are done and of how many.

    Raises:
        InputError: a file is gone or damaged.
        NonFiniteAudioError: estimates or stems have samples that are not finite.
        OutputError: the results cannot be written.
    """
    # absolute: the bare name of the folder could be that of other weights
    estimator = open_estimator(str(run.folder.path.resolve()), SeparationOptions(device=device))
    conditions = Conditions(
        model=estimator.id,
        weights_sha256=estimator.weights_sha256,
        data=songs.dataset,
        split=songs.split,
        settings=estimator.settings,
    )
    path = run.folder.path / EVALUATION_FOLDER
    try:
        folder = ResultFolder(path, conditions)
    except OutputExistsError:  # of weights from before the run went on, or of another device
        folder = ResultFolder(path, conditions, overwrite=True)
    scored: list[SongScores] = []
    for track in songs.tracks:
        known = folder.songs.get(track.name)
        if known is None or known.seconds != track.n_samples / track.sample_rate:
            known = evaluate_track(estimator, track)
            folder.append(known)
        scored.append(known)
        if progress:
            progress(len(scored), len(songs.tracks))
    results = Results(conditions=conditions, songs=scored)
    folder.write(results)
    return results


def write_page(path: Path, experiment: Experiment) -> list[Path]:
    """Write the page that compares the runs in a folder, over an earlier one.

    Returns:
        its files, see `vocalsep.training.report.write_report`.

    Raises:
        RunError: the runs have different numbers of steps, as after a change of ``run.epochs`` to fewer.
        MissingExtraError: matplotlib is not installed.
        OutputError: it cannot be written.
    """
    folders = [RunFolder(path / run_name(model)) for model in experiment.models]
    steps = {folder.path.name: int(read_history(folder.history_file)[-1]["step"]) for folder in folders}
    if len(set(steps.values())) > 1:
        counts = ", ".join(f"{name} {count}" for name, count in steps.items())
        raise RunError(
            f"the models have different numbers of steps: {counts}",
            "Train all of them for the same number of epochs.",
        )
    dataset, data = without_folders(experiment.dataset), experiment.recipe.data
    alike = (
        f"All saw the same chunks of {data.chunk_seconds:g} s of {dataset} in the same order, in batches of "
        f"{data.batch_size} (seed {experiment.recipe.run.seed})."
    )
    return write_report(
        [folder.path for folder in folders],
        path,
        overwrite=True,
        title=_TITLE,
        published=PUBLISHED,
        remarks=[alike, _PUBLISHED_REMARK],
    )
