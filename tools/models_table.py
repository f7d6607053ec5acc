"""Print the tables of models from the manifest: a short one for the README, a full one for docs/models/index.md.

    python tools/models_table.py
    python tools/models_table.py --write

``--write`` puts each table into its page, between the page's two marks.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from vocalsep.weights.manifest import Entry, read_manifest

PROJECT = Path(__file__).parents[1]
MANIFEST = read_manifest(PROJECT / "weights_manifest.json")  # without what is installed besides
BEGIN, END = "<!-- models: python tools/models_table.py --write -->\n", "<!-- end of models -->\n"
_OWN_CLIPS = "five real clips with true stems"


def short_table() -> str:
    """The README's table, as Markdown."""
    return "".join(f"{row}\n" for row in _short_rows())


def full_table() -> str:
    """The table of docs/models/index.md, as Markdown."""
    return "".join(f"{row}\n" for row in _full_rows())


TABLES: dict[str, Callable[[], str]] = {"README.md": short_table, "docs/models/index.md": full_table}
"""The table of each page, by the page's path in the project."""


def _short_rows() -> Iterator[str]:
    yield "| licence | model | weights | vocals sdr | time | memory |"
    yield "|---|---|---|---:|---:|---:|"
    for entry in MANIFEST.models:
        # the figures on this project's own clips compare with each other, and with none of the others
        score = next((metric for metric in entry.metrics if metric.dataset == _OWN_CLIPS), None)
        value = f"{score.value:.2f}" if score else "-"
        cells = (entry.licence.name, _name(entry), _weights(entry), value, *_cost(entry))
        yield f"| {' | '.join(cells)} |"


def _full_rows() -> Iterator[str]:
    yield "| licence | name | what it is | parameters | weights | vocals, dB | time | memory |"
    yield "|---|---|---|---:|---|---|---:|---:|"
    for entry in MANIFEST.models:
        score = entry.metrics[0] if entry.metrics else None
        cells = (
            _licence(entry),
            _name(entry),
            entry.description.rstrip("."),
            f"{entry.parameters:,}",
            _weights(entry),
            f"{score.name} {score.value}, {score.dataset}" if score else "-",
            *_cost(entry),
        )
        yield f"| {' | '.join(cells)} |"


def _name(entry: Entry) -> str:
    marks = ["default"] if entry.id == MANIFEST.default else []
    marks += [name for name in ("fast", "balanced", "best") if getattr(MANIFEST.qualities, name) == entry.id]
    return f"`{entry.id}`" + (f" ({', '.join(marks)})" if marks else "")


def _weights(entry: Entry) -> str:
    size = f", {entry.bytes / 1e6:,.1f} MB" if entry.bytes else ""
    return ("wheel" if entry.bundled else "Hub" if entry.published_sources else "second wheel") + size


def _cost(entry: Entry) -> tuple[str, str]:
    if not entry.cost:
        return "-", "-"
    return f"{entry.cost.real_time_factor:g} x", f"{entry.cost.memory_mb / 1000:.1f} GB"


def _licence(entry: Entry) -> str:
    card = f"{entry.id}.md"
    has_card = (PROJECT / "docs" / "models" / card).exists()
    return entry.licence.name + (f" ([card]({card}))" if has_card else "")


def main() -> None:
    """Read the command line and print or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="into the pages")
    write = parser.parse_args().write
    for page, table in TABLES.items():
        if not write:
            print(f"{page}:\n\n{table()}")
            continue
        path = PROJECT / page
        text = path.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)  # fails unless each mark is there once
        _, after = rest.split(END)
        path.write_text(f"{before}{BEGIN}{table()}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
