"""The folder of a training run: its settings, its state, its history and its weights."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from vocalsep.errors import OutputExistsError, RunError
from vocalsep.models.architectures import config_of
from vocalsep.models.base import SeparationModel
from vocalsep.system.files import atomic_path, make_folder
from vocalsep.training.run.config import RunConfig
from vocalsep.weights.checkpoint import Checkpoint, write_checkpoint
from vocalsep.weights.run_layout import RUN_CONFIG, RUN_WEIGHTS


class RunFolder:
    """The files of a run. Each appears whole or not at all.

    Args:
        path: path of the folder.
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
                f"{self.path} is a training run", "Resume it with resume=True, or choose another folder."
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
                f"{self.path} is no training run: its config.json cannot be read", "Choose the folder of a run."
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
            raise RunError(f"{self.path} has no checkpoint yet", "Start it anew in another folder.") from error
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise RunError(
                f"{self.state_file} is damaged: {error}", "Start anew; the weights next to it can be used."
            ) from error
        if not isinstance(state, dict):
            raise RunError(f"{self.state_file} is no checkpoint of a run")
        return state

    def write_weights(self, path: Path, model: SeparationModel, config: RunConfig) -> None:
        """Write weights that ``split --model`` takes, with the settings of the run inside, but no paths."""
        state = {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}
        metadata = {"id": self.path.resolve().name, "training": json.dumps(config.without_paths().to_json())}
        write_checkpoint(path, Checkpoint(config=config_of(model), state=state, metadata=metadata))
