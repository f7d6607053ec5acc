"""The losses of a run, epoch by epoch."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from vocalsep.errors import RunError
from vocalsep.system.files import atomic_path


def write_history(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Write a ``metrics.csv``: one row an epoch; all rows have the same columns.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_path(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def read_history(path: Path) -> list[dict[str, float]]:
    """Read a ``metrics.csv``: one row an epoch, by the names of the columns. Empty cells are left out.

    Raises:
        RunError: the file is not there, or a cell is no number.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            table = csv.DictReader(file, strict=True)
            return [_numbers(row, path, table.line_num) for row in table]
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror}", "Give the folder of a run.") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise RunError(f"{path} is no table of epochs: {error}", "Give the folder of a run.") from error


def _numbers(row: dict[str, str], path: Path, line: int) -> dict[str, float]:
    try:
        return {name: float(cell) for name, cell in row.items() if cell != ""}
    except (TypeError, ValueError) as error:  # a TypeError where the row has too few cells, or too many
        raise RunError(f"{path} is damaged in line {line}", "Mend or remove that line.") from error
