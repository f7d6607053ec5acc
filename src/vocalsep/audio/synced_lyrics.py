"""Lyrics with the time of each line: as ID3 keeps them, and as text (LRC)."""

from __future__ import annotations

import re
from collections.abc import Iterable

_LINE = re.compile(r"\[(\d+):(\d\d)(?:[.:](\d{1,3}))?\](.*)")


def lrc_text(entries: Iterable[tuple[str, int]]) -> str:
    r"""Lyrics as LRC.

    Args:
        entries: a word, syllable or line each, with its time in milliseconds. Where one holds a line break, the
            entries are parts of lines.

    Example:
        >>> lrc_text([("First", 1500), (" line", 1900), ("\nsecond", 61000)])
        '[00:01.500]First line\n[01:01.000]second'
    """
    entries = list(entries)
    in_parts = any("\n" in text.rstrip("\n") or text.endswith("\n") for text, _ in entries)
    lines: list[tuple[int, str]] = []
    begins = True
    for text, milliseconds in entries:
        for i, part in enumerate(text.split("\n")):
            if begins or i or not in_parts:
                lines.append((milliseconds, part))
            else:
                lines[-1] = (lines[-1][0], lines[-1][1] + part)
            begins = False
        if text.endswith("\n"):
            lines.pop()
            begins = True
    shown = ((*divmod(time, 60_000), text) for time, text in lines if text.strip())
    return "\n".join(f"[{minutes:02d}:{rest / 1000:06.3f}]{text.strip()}" for minutes, rest, text in shown)


def lrc_entries(text: str) -> list[tuple[str, int]]:
    r"""The lines of LRC with their times in milliseconds; lines without a time are left out.

    Example:
        >>> lrc_entries("[ar:Somebody]\n[01:01.5]second")
        [('second', 61500)]
    """
    found = (_LINE.match(line.strip()) for line in text.splitlines())
    return [
        (match[4], int(match[1]) * 60_000 + int(match[2]) * 1000 + int((match[3] or "0").ljust(3, "0")))
        for match in found
        if match
    ]
