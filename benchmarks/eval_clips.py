"""Vocals and accompaniment ``sdr`` of models on clips that have references, in dB.

    python benchmarks/eval_clips.py DIR
    python benchmarks/eval_clips.py DIR --models default tdt.safetensors

DIR holds a folder for each clip, with ``mixture.flac``, ``vocals.flac`` and ``accompaniment.flac``; its
``index.json``, where there is one, says what their references are. Beside the models: the mixture itself, which is
what doing nothing reaches, and half of what both channels share, which is what a karaoke button does.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import soundfile
import torch
from common.report import print_machine, print_table
from torch import Tensor

from vocalsep import Separator
from vocalsep.evaluation.metrics import sdr

STEMS = ("vocals", "accompaniment")


def read(path: Path) -> tuple[Tensor, int]:
    """``(channel, sample)`` and the rate in Hz."""
    samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
    return torch.from_numpy(samples.T.copy()), sample_rate


def decibels(figure: float) -> str:
    """To two places, without the sign of a rounded zero."""
    return f"{round(figure, 2) + 0.0:.2f}"


def references_of(folder: Path) -> dict[str, str]:
    """Clip to what its references are, from the index of the folder."""
    index = folder / "index.json"
    if not index.exists():
        return {}
    return {clip["id"]: clip["reference"] for clip in json.loads(index.read_text())}


Estimates = dict[str, Tensor]


def do_nothing(mixture: Tensor, sample_rate: int) -> Estimates:
    """The mixture for both stems."""
    return dict.fromkeys(STEMS, mixture)


def halve_centre(mixture: Tensor, sample_rate: int) -> Estimates:
    """Half of the middle of both channels for the vocals."""
    vocals = 0.5 * mixture.mean(dim=0, keepdim=True).expand_as(mixture)
    return {"vocals": vocals, "accompaniment": mixture - vocals}


def rows(folder: Path, ways: dict[str, Callable[[Tensor, int], Estimates]]) -> Iterator[list[str]]:
    """One row for each stem of each clip, and the means over all clips."""
    references = references_of(folder)
    found: dict[str, list[list[float]]] = {stem: [] for stem in STEMS}
    for clip in sorted(folder.iterdir()):
        if not all((clip / f"{name}.flac").exists() for name in ("mixture", *STEMS)):
            continue
        mixture, sample_rate = read(clip / "mixture.flac")
        estimates = [way(mixture, sample_rate) for way in ways.values()]
        for stem in STEMS:
            reference, _ = read(clip / f"{stem}.flac")
            figures = [float(sdr(reference, each[stem])) for each in estimates]
            found[stem].append(figures)
            yield [clip.name, stem, *map(decibels, figures), references.get(clip.name, "")]
    for stem, figures_of_clips in found.items():
        means = [sum(figures) / len(figures) for figures in zip(*figures_of_clips, strict=True)]
        yield ["mean", stem, *map(decibels, means), ""]


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument(
        "--models", nargs="+", default=["default"], help="names or weights files; default is the bundled one"
    )
    options = parser.parse_args()
    separators = {name: Separator(None if name == "default" else name) for name in options.models}
    ways: dict[str, Callable[[Tensor, int], Estimates]] = {"mixture": do_nothing, "half centre": halve_centre}
    for name, separator in separators.items():
        ways["+".join(Path(part).stem for part in name.split("+"))] = separator.separate
    print_table(["clip", "stem", *ways, "references"], rows(options.folder, ways))
    separator = separators[options.models[0]]
    print_machine(f"{separator.device}, {separator.precision}.")


if __name__ == "__main__":
    main()
