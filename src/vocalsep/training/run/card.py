"""The draft of a model card: what is known of the weights of a run, and what their maker has to add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vocalsep._version import __version__
from vocalsep.models.base import SeparationModel
from vocalsep.training.run.config import RunConfig
from vocalsep.training.run.folder import RunFolder

_TEXT = """\
---
library_name: vocalsep
tags: [audio, music, source-separation, vocals]
license: other
license_name: to-be-stated
---

# {name}

Weights for [vocalsep](https://pypi.org/project/vocalsep/): `vocalsep split song.mp3 --model {file}` splits a song
into vocals and accompaniment.

*A draft. To be added before these weights are shared: their licence, who made the training data and under which
licence, what they were listened to on, and where they fail.*

| | |
|---|---|
| architecture | `{architecture}`, {parameters:,} parameters |
| estimates | {stems}; the other stem is the mixture minus it |
| trained on | `{dataset}` |
| recipe | `{recipe}`: {epochs} epochs, {steps} steps of {batch} chunks of {chunk_seconds} s, seed {seed} |
| losses | {losses} |
| best validation loss | {best_loss:.4f} (epoch {best_epoch}) |
| {sdr_name}, validation chunks, global | {sdr:.2f} dB |
| made by | vocalsep {version} |

All settings are in the file itself (metadata `config` and `training`) and in `config.json`.
"""


def model_card(
    folder: RunFolder, config: RunConfig, history: Sequence[Mapping[str, float]], model: SeparationModel
) -> str:
    """The card of the best weights of a run so far, as Markdown."""
    config = config.without_paths()
    best = min(history, key=lambda row: row["valid_loss"])
    stem = model.config.stems[0]
    recipe = config.recipe
    return _TEXT.format(
        name=folder.path.resolve().name,
        file=folder.best_weights.name,
        architecture=model.architecture,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        stems=stem,
        dataset=config.dataset,
        recipe=config.recipe_name,
        epochs=int(best["epoch"]),
        steps=int(best["step"]),
        batch=recipe.data.batch_size,
        chunk_seconds=recipe.data.chunk_seconds,
        seed=recipe.run.seed,
        losses=", ".join(f"`{name}` x {weight:g}" for name, weight in recipe.loss.items()),
        best_loss=best["valid_loss"],
        best_epoch=int(best["epoch"]),
        sdr_name=f"sdr of the {stem}",
        sdr=best[f"valid_sdr_{stem}"],
        version=__version__,
    )
