"""All that a training run is determined by."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocalsep.datasets.dataset import without_folders
from vocalsep.errors import RunError
from vocalsep.models.architectures import build_model, config_of
from vocalsep.training.recipe import Recipe, recipe_from

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
            "Resume without that setting, or start anew in another folder.",
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
