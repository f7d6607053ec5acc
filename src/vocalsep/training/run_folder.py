"""The folder of a training run: its settings, its state, its history and its weights."""

from __future__ import annotations

import dataclasses
import io
import json
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from vocalsep.datasets.sources import without_folders
from vocalsep.errors import OutputExistsError, RunError
from vocalsep.models.architectures import build_model, config_of
from vocalsep.models.base import SeparationModel
from vocalsep.system.files import atomic_path, make_folder
from vocalsep.training.recipe import Recipe, recipe_from
from vocalsep.weights.checkpoint import Checkpoint, write_checkpoint
from vocalsep.weights.run_layout import RUN_CONFIG, RUN_WEIGHTS

_CHANGEABLE = {"run": ("epochs", "max_steps", "early_stop_epochs", "checkpoint_steps"), "data": ("workers",)}
"""What may differ when a run goes on; all else would make it another run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """All that a run is determined by.

    Attributes:
        architecture: name of the model's.
        recipe_name: where the recipe came from.
        dataset: spec of the data set.
        init: name or file of the weights that it starts from; None starts at random.
        recipe: with every setting, the model's among them.
    """

    architecture: str
    recipe_name: str
    dataset: str
    init: str | None
    recipe: Recipe

    @classmethod
    def resolve(
        cls, architecture: str, recipe: Recipe, *, recipe_name: str, dataset: str, init: str | None = None
    ) -> RunConfig:
        """The config of a new run: what the recipe leaves to the model's defaults is written out.

        Raises:
            OptionError: no such architecture, or a setting that it does not have.
        """
        fields = config_of(build_model(recipe.model_config(architecture)))
        del fields["architecture"]
        return cls(
            architecture=architecture,
            recipe_name=recipe_name,
            dataset=dataset,
            init=init,
            recipe=dataclasses.replace(recipe, model=fields),
        )

    @property
    def model(self) -> dict[str, object]:
        """What `vocalsep.models.architectures.build_model` takes."""
        return self.recipe.model_config(self.architecture)

    def without_paths(self) -> RunConfig:
        """This config with folders by their last names alone: what is shared names nobody's folders."""
        recipe_name = Path(self.recipe_name).name
        init = self.init and Path(self.init).name
        return dataclasses.replace(self, dataset=without_folders(self.dataset), recipe_name=recipe_name, init=init)

    def to_json(self) -> dict[str, Any]:
        """A plain mapping; `from_json` takes it back."""
        settings = {**dataclasses.asdict(self.recipe), "model": self.model}
        return {"recipe": self.recipe_name, "dataset": self.dataset, "init": self.init, **settings}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RunConfig:
        """The config of a mapping made by `to_json`.

        Raises:
            OptionError: a key is unknown or a value wrong.
            KeyError: one is missing.
        """
        settings = {key: value for key, value in values.items() if key not in ("recipe", "dataset", "init")}
        model = dict(settings.pop("model"))
        return cls(
            architecture=model.pop("architecture"),
            recipe_name=values["recipe"],
            dataset=values["dataset"],
            init=values["init"],
            recipe=recipe_from({**settings, "model": model}),
        )

    def with_settings(self, settings: Sequence[str]) -> RunConfig:
        """This config with ``key=value`` settings on top, see `vocalsep.training.recipe.load_recipe`.

        Raises:
            OptionError: a key is unknown or a value wrong.
        """
        return dataclasses.replace(self, recipe=recipe_from(dataclasses.asdict(self.recipe), settings))


class RunFolder:
    """Files of a run, each of which appears whole or not at all.

    Args:
        path: of the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_file = path / RUN_CONFIG
        self.state_file = path / "checkpoint.pt"
        self.history_file = path / "metrics.csv"
        self.best_weights = path / RUN_WEIGHTS
        self.last_weights = path / "last.safetensors"

    def create(self, config: RunConfig, environment: Mapping[str, object]) -> None:
        """Make the folder, with its config and what it is made by.

        Raises:
            OutputExistsError: it is a run already.
            OutputError: it cannot be written.
        """
        self.check_new()
        make_folder(self.path)
        self.write_text("environment.json", json.dumps(environment, indent=2))
        self.write_config(config)

    def check_new(self) -> None:
        """Refuse to start a run where there is one.

        Raises:
            OutputExistsError: there is.
        """
        if self.config_file.exists():
            raise OutputExistsError(
                f"{self.path} is a training run", "Go on with it by --resume, or choose another -o folder."
            )

    def read_config(self) -> RunConfig:
        """The config of the run.

        Raises:
            RunError: this is no run folder.
        """
        try:
            return RunConfig.from_json(json.loads(self.config_file.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise RunError(
                f"{self.path} is no training run: its config.json cannot be read", "Choose the -o folder of a run."
            ) from error

    def write_config(self, config: RunConfig) -> None:
        """Write the config."""
        self.write_text(self.config_file.name, json.dumps(config.to_json(), indent=2))

    def write_text(self, name: str, text: str) -> None:
        """Write a text file of the folder."""
        with atomic_path(self.path / name) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Write the state that the run goes on from.

        Raises:
            OutputError: the disk is full; the state before is still there.
        """
        # in memory first: torch's own writer has no words for a full disk
        buffer = io.BytesIO()
        torch.save(dict(state), buffer)
        with atomic_path(self.state_file) as temporary:
            temporary.write_bytes(buffer.getbuffer())

    def read_state(self) -> dict[str, Any]:
        """The state that the run goes on from.

        Raises:
            RunError: there is none, or it is damaged.
        """
        try:
            state = torch.load(self.state_file, map_location="cpu", weights_only=True)
        except FileNotFoundError as error:
            raise RunError(f"{self.path} has no checkpoint yet", "Start it anew in another -o folder.") from error
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise RunError(
                f"{self.state_file} is damaged: {error}", "Start anew; the weights beside it can be used."
            ) from error
        if not isinstance(state, dict):
            raise RunError(f"{self.state_file} is no checkpoint of a run")
        return state

    def write_weights(self, path: Path, model: SeparationModel, config: RunConfig) -> None:
        """Write weights that ``split --model`` takes, with the settings of the run inside, but no paths."""
        state = {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}
        metadata = {"id": self.path.resolve().name, "training": json.dumps(config.without_paths().to_json())}
        write_checkpoint(path, Checkpoint(config=config_of(model), state=state, metadata=metadata))


def check_same_run(before: RunConfig, now: RunConfig) -> None:
    """Refuse to go on with settings that would make it another run.

    Raises:
        RunError: names the first setting that differs.
    """
    old, new = before.to_json(), now.to_json()
    for section, changeable in _CHANGEABLE.items():
        for key in changeable:
            old[section][key] = new[section][key]
    for path, one, other in _differences(old, new, ""):
        raise RunError(
            f"the run has {path} {one!r}, not {other!r}",
            "Resume without that setting, or start anew in another -o folder.",
        )


def _differences(old: Any, new: Any, path: str) -> list[tuple[str, Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        names = [*old, *(name for name in new if name not in old)]
        return [
            difference
            for name in names
            for difference in _differences(old.get(name), new.get(name), f"{path}.{name}" if path else name)
        ]
    return [] if old == new else [(path, old, new)]
