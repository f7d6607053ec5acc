"""A table in plain text, for a terminal or a pipe."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]], n_text_columns: int | None = None) -> list[str]:
    r"""The rows as lines whose columns stand under each other.

    Args:
        rows: cells of each row, the heads first; all rows have as many cells.
        n_text_columns: number of columns, from the left, that are aligned to the left. The others are numbers and
            aligned to the right. None aligns all to the left.

    Example:
        >>> print("\n".join(aligned([("NAME", "dB"), ("a song", "9"), ("b", "10.5")], 1)))
        NAME      dB
        a song     9
        b       10.5
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    last = len(widths) if n_text_columns is None else n_text_columns
    return [
        "  ".join(
            cell.ljust(width) if index < last else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
