"""A table in plain text, for a terminal or a pipe."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def aligned(rows: Sequence[Sequence[str]], numbers: Collection[int] = ()) -> list[str]:
    r"""The rows as lines whose columns stand under each other.

    Args:
        rows: cells of each row, the heads first; all rows have as many cells.
        numbers: indices of the columns that are aligned to the right.

    Example:
        >>> print("\n".join(aligned([("NAME", "dB"), ("a song", "9"), ("b", "10.5")], [1])))
        NAME      dB
        a song     9
        b       10.5
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if index in numbers else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
