"""How fast each model trains, and in how much memory, with and without reduced precision.

    python benchmarks/training.py                                  # a minute each, on the GPU if there is one
    python benchmarks/training.py --models tdt --seconds 20 --precisions fp32

Trains with the recipe ``default`` on songs of noise, through the trainer, reading and augmentation included.
"Audio" is how many seconds of song are trained on in a second. Each run is a process of its own; of a GPU the
memory is what PyTorch took there, of a CPU the peak of the process. Needs ``vocalsep[train]``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from common.measure import measure
from common.report import print_machine, print_table

RATE = 44_100
TRACKS, TRACK_SECONDS = 4, 20
WARM_UP_STEPS = 3


def write_songs(root: Path) -> None:
    """Track folders of stereo noise."""
    rng = np.random.default_rng(0)
    for number in range(TRACKS):
        folder = root / f"song-{number}"
        folder.mkdir()
        for stem in ("vocals", "accompaniment"):
            soundfile.write(folder / f"{stem}.wav", 0.1 * rng.standard_normal((TRACK_SECONDS * RATE, 2)), RATE)


def train_here(model: str, precision: str, batch_size: int, seconds: float, songs: Path) -> None:
    """Train for a while and print what it took, as JSON."""
    import torch

    from vocalsep.training.recipe import load_recipe
    from vocalsep.training.run.config import RunConfig
    from vocalsep.training.run.folder import RunFolder
    from vocalsep.training.trainer import Trainer

    settings = [f"run.precision={precision}", f"data.batch_size={batch_size}", "run.epochs=100000"]
    config = RunConfig.resolve(
        model, load_recipe("default", settings), recipe_name="default", dataset=f"folders:{songs}"
    )
    marks: list[tuple[int, float]] = []

    def stop() -> bool:
        marks.append((len(marks) + 1, time.perf_counter()))
        return len(marks) > WARM_UP_STEPS and marks[-1][1] - marks[WARM_UP_STEPS - 1][1] > seconds

    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(config, RunFolder(Path(folder)), should_stop=stop)
        trainer.start()
        trainer.fit()
    steps, took = len(marks) - WARM_UP_STEPS, marks[-1][1] - marks[WARM_UP_STEPS - 1][1]
    audio = steps * batch_size * config.recipe.data.chunk_seconds / took
    on_gpu = torch.cuda.is_available()
    print(
        json.dumps(
            {
                "steps": steps / took,
                "audio": audio,
                "gpu_mb": torch.cuda.max_memory_allocated() / 1e6 if on_gpu else None,
                "device": torch.cuda.get_device_name() if on_gpu else "CPU",
            }
        )
    )


def rows(options: argparse.Namespace, songs: Path) -> Iterator[list[str]]:
    """One row for each model and precision."""
    for model in options.models:
        for precision in options.precisions:
            chosen = ["--models", model, "--precisions", precision]
            command = [sys.executable, __file__, "--here", str(songs), *chosen]
            run = measure(*command, "--batch-size", str(options.batch_size), "--seconds", str(options.seconds))
            took = json.loads(run.stdout)
            memory = f"{took['gpu_mb'] or run.peak_mb:.0f}"
            yield [model, precision, took["device"], f"{took['steps']:.2f}", f"{took['audio']:.1f}", memory]


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["umx", "tdf", "tdsa", "tdt", "tdf_mask"])
    parser.add_argument("--precisions", nargs="+", choices=("fp32", "bf16", "fp16"), default=["fp32", "bf16"])
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60, help="of each run, after warming up")
    parser.add_argument("--here", metavar="SONGS", type=Path, help="run the one model once, in this process")
    options = parser.parse_args()
    if options.here:
        train_here(options.models[0], options.precisions[0], options.batch_size, options.seconds, options.here)
        return
    with tempfile.TemporaryDirectory() as folder:
        write_songs(Path(folder))
        print_table(
            ["model", "precision", "device", "steps a second", "audio (s a second)", "memory (MB)"],
            rows(options, Path(folder)),
        )
    print_machine(f"Chunks of 3 s in batches of {options.batch_size}, {options.seconds:g} s of training each.")


if __name__ == "__main__":
    main()
