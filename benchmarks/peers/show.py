"""The figures of `compare.py` as the table of docs/benchmarks.md, and as the picture docs/peers/peers.png.

    python benchmarks/peers/show.py

Needs matplotlib.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).parents[2]
FIGURES = PROJECT / "docs" / "peers" / "peers.json"
PAGE = PROJECT / "docs" / "benchmarks.md"
PICTURE = FIGURES.with_suffix(".png")
BEGIN, END = "<!-- peers: python benchmarks/peers/show.py -->\n", "<!-- end of peers -->\n"


class Figure(NamedTuple):
    """What a tool took for a song: the song's length and the wall time in seconds, memory in 10^6 bytes."""

    tool: str
    torch: str
    song_seconds: int
    seconds: float
    peak_mb: int


def write_figures(figures: Sequence[Figure], machine: str) -> None:
    """Keep the figures, and what they were measured on."""
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    kept = {"machine": machine, "figures": [figure._asdict() for figure in figures]}
    FIGURES.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def table(figures: Sequence[Figure]) -> Iterator[str]:
    """Rows of Markdown, a tool each."""
    lengths = sorted({figure.song_seconds for figure in figures})
    yield f"| | PyTorch, its import alone | {' | '.join(_length(seconds) for seconds in lengths)} |"
    yield "|---|---|" + "---:|" * len(lengths)
    for tool, torch in dict.fromkeys((figure.tool, figure.torch) for figure in figures):
        took = {figure.song_seconds: figure for figure in figures if figure.tool == tool}
        cells = [f"{took[s].seconds:,.1f} s, {took[s].peak_mb:,} MB" if s in took else "-" for s in lengths]
        yield f"| {tool} | {torch} | {' | '.join(cells)} |"


def draw(figures: Sequence[Figure], machine: str) -> None:
    """Bars of time, on a logarithmic axis, and of memory."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib.figure import Figure as Canvas

    tools = list(dict.fromkeys(figure.tool for figure in figures))
    lengths = sorted({figure.song_seconds for figure in figures})
    canvas = Canvas(figsize=(10, 0.9 + 0.55 * len(tools)), layout="constrained")
    height = 0.8 / len(lengths)
    axes = canvas.subplots(1, 2, sharey=True)
    for axis, title, field in zip(axes, ("wall time, s", "peak memory, MB"), ("seconds", "peak_mb"), strict=True):
        for number, length in enumerate(lengths):
            these = [figure for figure in figures if figure.song_seconds == length]
            places = [tools.index(figure.tool) + (number - (len(lengths) - 1) / 2) * height for figure in these]
            bars = axis.barh(places, [getattr(figure, field) for figure in these], height, label=_length(length))
            axis.bar_label(bars, fmt="{:,.0f}", padding=2, fontsize=7)
        axis.set_title(title, fontsize=10)
        axis.margins(x=0.15)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_xscale("log")
    axes[0].set_yticks(range(len(tools)), [tool.replace("`", "") for tool in tools])
    axes[0].invert_yaxis()
    axes[1].legend(title="song", fontsize=8, title_fontsize=8)
    canvas.supxlabel(machine, fontsize=7)
    canvas.savefig(PICTURE, dpi=110)


def _length(seconds: int) -> str:
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"


def main() -> None:
    """Read the figures, write table and picture."""
    kept = json.loads(FIGURES.read_text(encoding="utf-8"))
    figures = [Figure(**figure) for figure in kept["figures"]]
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)  # fails unless each mark is there once
    _, after = rest.split(END)
    rows = "".join(f"{row}\n" for row in table(figures))
    PAGE.write_text(f"{before}{BEGIN}{rows}{END}{after}", encoding="utf-8")
    draw(figures, kept["machine"])


if __name__ == "__main__":
    main()
