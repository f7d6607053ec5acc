"""Checkpoints of Music-Source-Separation-Training, which come with a YAML, turned into ours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vocalsep.errors import CorruptWeightsError, OptionError
from vocalsep.models.architectures import config_of
from vocalsep.stem_names import ACCOMPANIMENT, STEMS, VOCALS
from vocalsep.weights.checkpoint import Checkpoint, build_from, read_tensors
from vocalsep.weights.training_yaml import TrainingYaml, architecture_of
from vocalsep.weights.verify import check_name

# What people call them.
_VOCALS = {"vocals", "vocal", "voice"}
_ACCOMPANIMENT = {"accompaniment", "instrumental", "instrum", "inst"}


def import_trained(source: Path, description: TrainingYaml, stem: str | None = None) -> Checkpoint:
    """Turn a checkpoint of Music-Source-Separation-Training, with its YAML, into ours.

    Of two parts of a song, the one that is not the vocals becomes ``accompaniment``. Where ``stem`` is neither of
    these, it stands for the vocals, and the checkpoint's metadata say so as ``extracts``.

    Args:
        source: a torch or safetensors file.
        description: its YAML.
        stem: the one output to keep, by its name in the YAML; None keeps all. One of them has to be vocals or
            accompaniment.

    Raises:
        OptionError: the network has no such stem, or ``stem`` is needed.
        CorruptWeightsError: the file is damaged, of another architecture than the YAML, or does not fit its sizes.
    """
    state, _ = read_tensors(source)
    check_name(source)
    found = architecture_of(list(state))
    if found != description.architecture:
        raise CorruptWeightsError(
            f"{description.path} describes a {description.architecture} model, and {source} holds "
            + (f"a {found} model" if found else "none of the networks that such files describe"),
            "Give the YAML that the checkpoint was published with.",
        )
    names = description.instruments
    stems = tuple(_stem_of(name, description.all_instruments) for name in names)
    listed = ", ".join(names)
    if stem is not None and stem not in names:
        raise OptionError(f"{source} has no stem '{stem}'", f"It has: {listed}.")
    if stem is None and not set(stems) & set(STEMS):
        raise OptionError(
            f"{source} has no vocals; its stems are: {listed}",
            f"Extract one of them: stem={names[0]} (the rest is the mixture minus it).",
        )
    config = {
        "architecture": description.architecture,
        **description.sizes,
        "stems": list(stems),
        "segment_seconds": description.segment_seconds,
        "overlap": description.overlap,
    }
    checkpoint = Checkpoint(config=config, state=state)
    try:
        model = build_from(checkpoint, source)
    except CorruptWeightsError as error:
        raise CorruptWeightsError(
            error.message, "Give the YAML that the checkpoint was published with: its sizes are others."
        ) from error
    if stem is None:
        return checkpoint
    kept = stems[names.index(stem)]
    model.keep_stems([kept])
    config = {**config_of(model), "stems": [kept if kept in STEMS else VOCALS]}
    metadata = {} if kept in STEMS else {"extracts": stem}
    return Checkpoint(config=config, state=model.state_dict(), metadata=metadata)


def _stem_of(name: str, instruments: Sequence[str]) -> str:
    """Our name of an instrument: vocals, accompaniment where it is all the rest, or its own."""
    if name.lower() in _VOCALS:
        return VOCALS
    rest = [other for other in instruments if other.lower() not in _VOCALS]
    beside_vocals = len(rest) < len(instruments) and rest == [name]
    return ACCOMPANIMENT if name.lower() in _ACCOMPANIMENT or beside_vocals else name
