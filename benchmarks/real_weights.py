"""The downloaded models with their real weights: vocals ``sdr``, time and memory, beside the published figures.

    python benchmarks/real_weights.py CLIPS
    python benchmarks/real_weights.py CLIPS --models scnet melband-kim --dataset MUSDB18-HQ

This needs a network: every model is pulled first, and its hash is checked. CLIPS holds a folder for each clip,
with ``mixture.flac`` and ``vocals.flac`` (or ``.wav``). A model falls short where its mean vocals ``sdr`` on the
clips is more than 0.5 dB below the published one; then the command ends with code 1. That says something on the
songs of the published figure alone: ``--dataset`` picks the figure by its songs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from common.measure import measure
from common.report import print_machine, print_table

from vocalsep.weights.manifest import Entry, Metric, load_manifest


def clips_of(folder: Path) -> list[Path]:
    """The folders of the clips, by name.

    Raises:
        SystemExit: there are none.
    """
    clips = sorted(path.parent for path in folder.glob("*/mixture.*") if path.suffix in (".flac", ".wav"))
    if not clips:
        raise SystemExit(f"{folder} has no CLIP/mixture.flac or CLIP/mixture.wav")
    return clips


def split_here(model: str, folder: Path, options: argparse.Namespace) -> None:
    """Print as JSON the ``sdr`` of each clip, and the real-time factor of all, without the loading."""
    import soundfile
    import torch

    from vocalsep import Separator
    from vocalsep.evaluation.metrics import sdr

    def read(clip: Path, name: str) -> tuple[torch.Tensor, int]:
        (path,) = (path for path in clip.glob(f"{name}.*") if path.suffix in (".flac", ".wav"))
        samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
        return torch.from_numpy(samples.T.copy()), sample_rate

    separator = Separator(model, device=options.device, precision=options.precision, offline=True)
    scores, split_seconds, song_seconds = {}, 0.0, 0.0
    for clip in clips_of(folder):
        mixture, sample_rate = read(clip, "mixture")
        began = time.perf_counter()
        vocals = separator.separate(mixture, sample_rate)["vocals"]
        split_seconds += time.perf_counter() - began
        song_seconds += mixture.shape[1] / sample_rate
        scores[clip.name] = float(sdr(read(clip, "vocals")[0], vocals))
    print(json.dumps({"sdr": scores, "real_time_factor": split_seconds / song_seconds}))


def published(entry: Entry, dataset: str | None) -> Metric | None:
    """The published vocals score to compare with: that of the data set, or the first one."""
    scores = [metric for metric in entry.metrics if metric.stem == "vocals" and metric.name != "si_sdr"]
    return next((metric for metric in scores if dataset is None or dataset in metric.dataset), None)


def rows(options: argparse.Namespace, short: list[str]) -> Iterator[list[str]]:
    """One row for each model; the names of those that fall short go into ``short``."""
    for name in options.models:
        entry = load_manifest().entry(name)
        measure(sys.executable, "-m", "vocalsep", "models", "pull", name)
        order = ["--device", options.device, "--precision", options.precision, "--here", name]
        run = measure(sys.executable, __file__, str(options.clips), *order)
        took = json.loads(run.stdout.splitlines()[-1])
        mean = statistics.fmean(took["sdr"].values())
        figure = published(entry, options.dataset)
        if figure and mean < figure.value - options.tolerance:
            short.append(f"{name} ({mean:.2f} dB, published {figure.value:g} dB on {figure.dataset})")
        cost = entry.cost
        yield [
            name,
            f"{mean:.2f}",
            f"{figure.value:g}, {figure.dataset}" if figure else "-",
            f"{took['real_time_factor']:.3f}",
            f"{cost.real_time_factor:g}" if cost else "-",
            f"{run.peak_mb:.0f}",
            f"{cost.memory_mb}" if cost else "-",
        ]


def main() -> None:
    """Read the command line, print the table, and end with code 1 where a model falls short."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", metavar="CLIPS", type=Path)
    listed = [entry.id for entry in load_manifest().models if entry.published_sources and not entry.bundled]
    parser.add_argument("--models", nargs="+", default=listed)
    parser.add_argument("--dataset", help="part of the name of the songs that the figures are of")
    parser.add_argument("--tolerance", type=float, default=0.5, metavar="DB", help="that a model may fall short")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--here", help=argparse.SUPPRESS)  # what the children do
    options = parser.parse_args()
    if options.here:
        split_here(options.here, options.clips, options)
        return
    n_clips = len(clips_of(options.clips))
    short: list[str] = []
    header = ["model", "vocals sdr (dB)", "published (dB)", "real-time factor", "listed", "memory (MB)", "listed"]
    print_table(header, rows(options, short))
    print_machine(f"Mean of {n_clips} clips, precision {options.precision}, device {options.device}.")
    if short:
        raise SystemExit(f"more than {options.tolerance:g} dB short: {'; '.join(short)}")


if __name__ == "__main__":
    main()
