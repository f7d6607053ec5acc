"""Draw how the second line was trained: ``python curve.py PICTURE``.

Reads every ``metrics-*.csv`` next to this file, one for each time that the training began anew from the weights
there were, in the order of their names. Hours and steps go on from one to the next.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import matplotlib.pyplot as plt


def history(folder: Path) -> list[dict[str, float]]:
    """A row for each epoch of all runs; ``hours`` and ``step`` count from the very first."""
    rows: list[dict[str, float]] = []
    for file in sorted(folder.glob("metrics-*.csv")):
        hours, step = (rows[-1]["hours"], rows[-1]["step"]) if rows else (0.0, 0.0)
        with file.open(encoding="utf-8", newline="") as lines:
            for line in csv.DictReader(lines):
                row = {name: float(value) for name, value in line.items() if value}
                row["hours"] = hours + row["seconds"] / 3600
                row["step"] += step
                rows.append(row)
    return rows


def main() -> None:
    """Draw the picture."""
    rows = history(Path(__file__).parent)
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for axis, name, title in zip(
        axes, ("valid_sdr_vocals", "train_loss"), ("validation, vocals sdr in dB", "training loss"), strict=True
    ):
        axis.plot([row["hours"] for row in rows], [row[name] for row in rows], marker=".")
        axis.set(xlabel="hours", title=title)
        axis.grid(alpha=0.3)
    figure.suptitle(f"sparse_tdf: {rows[-1]['step']:.0f} steps, {rows[-1]['hours']:.1f} hours")
    figure.savefig(sys.argv[1], dpi=80)


if __name__ == "__main__":
    main()
