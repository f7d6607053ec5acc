"""Print the README's table of models from the manifest.

    python tools/models_table.py
    python tools/models_table.py --write

``--write`` puts it into the README, between its two marks.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from vocalsep.weights.manifest import Entry, load_manifest

PROJECT = Path(__file__).parents[1]
BEGIN, END = "<!-- models: python tools/models_table.py --write -->\n", "<!-- end of models -->\n"


def table() -> str:
    """The table as Markdown."""
    return "".join(f"{row}\n" for row in _rows())


def _rows() -> Iterator[str]:
    yield "| name | what it is | parameters | weights | licence | vocals, dB | time | memory |"
    yield "|---|---|---:|---|---|---|---:|---:|"
    for entry in load_manifest().models:
        score = entry.metrics[0] if entry.metrics else None
        cells = (
            _name(entry),
            entry.description.rstrip("."),
            f"{entry.parameters:,}",
            _weights(entry),
            _licence(entry),
            f"{score.name} {score.value}, {score.dataset}" if score else "-",
            f"{entry.cost.real_time_factor:g} x" if entry.cost else "-",
            f"{entry.cost.memory_mb / 1000:.1f} GB" if entry.cost else "-",
        )
        yield f"| {' | '.join(cells)} |"


def _name(entry: Entry) -> str:
    manifest = load_manifest()
    marks = ["default"] if entry.id == manifest.default else []
    marks += [name for name in ("fast", "balanced", "best") if getattr(manifest.qualities, name) == entry.id]
    return f"`{entry.id}`" + (f" ({', '.join(marks)})" if marks else "")


def _weights(entry: Entry) -> str:
    size = f", {entry.bytes / 1e6:,.1f} MB" if entry.bytes else ""
    return ("in the package" if entry.bundled else "from the Hub") + size


def _licence(entry: Entry) -> str:
    card = f"docs/models/{entry.id}.md"
    return entry.licence.name + (f" ([card]({card}))" if (PROJECT / card).exists() else "")


def main() -> None:
    """Read the command line and print or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="into the README")
    if not parser.parse_args().write:
        print(table(), end="")
        return
    readme = PROJECT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)  # fails unless each mark is there once
    _, after = rest.split(END)
    readme.write_text(f"{before}{BEGIN}{table()}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
