"""The report page of training runs: their table and their loss curves, as Markdown and as HTML."""

from __future__ import annotations

import base64
import html
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vocalsep.errors import OutputExistsError
from vocalsep.evaluation.figures import loss_curves
from vocalsep.system.files import atomic_path
from vocalsep.training.run.summary import PublishedFigures, RunSummary, read_run

_PAGE_NAMES = ("report.md", "report.html", "curves.png")

_PICTURE_TEXT = "Training and validation loss of each run over its epochs"
_REMARKS = (
    "Validation loss: average over the epochs, and the least; to compare between runs with one loss and data.",
    "SDR: global, of vocals and accompaniment (two stems), mean over songs.",
    "Chunk SDR: of museval (BSSEval v4), median over windows of 1 s, then over songs.",
    "Real-time factor: seconds of separation for a second of audio.",
)

_STYLE = """
:root { color-scheme: light dark; --ink: #1d1d1f; --paper: #fff; --line: #d8d8dc; --soft: #66666c; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8ea; --paper: #18181a; --line: #3a3a3e; --soft: #a0a0a8; }
}
body { margin: 2rem auto; max-width: 92rem; padding: 0 1rem; color: var(--ink); background: var(--paper);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 1rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .55rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { font-size: .8rem; font-weight: 600; color: var(--soft); vertical-align: bottom; }
td:first-child { min-width: 9rem; max-width: 18rem; overflow-wrap: anywhere; }
.number { text-align: right; }
td.number { white-space: nowrap; }
img { display: block; box-sizing: border-box; width: 100%; max-width: 52rem; margin: 1.5rem 0; padding: .5rem;
  background: #fff; border-radius: 6px; }
ul { padding-left: 1.2rem; max-width: 60rem; color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; }
"""


def write_report(
    folders: Sequence[Path],
    out_dir: Path,
    *,
    overwrite: bool = False,
    title: str = "Training runs",
    published: Mapping[str, PublishedFigures] | None = None,
    remarks: Sequence[str] = (),
) -> list[Path]:
    """Write ``report.md``, ``report.html`` and ``curves.png`` about the runs in ``folders``.

    The HTML holds its picture and its style, and loads nothing.

    Args:
        folders: folders of the runs.
        out_dir: made if missing.
        overwrite: replace what is there of the three.
        title: title of the page.
        published: figures to stand next to those of the run whose folder has that name.
        remarks: below the table, before those on its columns.

    Returns:
        the three files.

    Raises:
        RunError: a folder is no run, or damaged.
        CorruptWeightsError: the weights of a run are damaged.
        MissingExtraError: matplotlib is not installed.
        OutputError: a file exists or cannot be written.
    """
    markdown, page, picture = paths = [out_dir / name for name in _PAGE_NAMES]
    if existing := [path for path in paths if path.exists() and not overwrite]:
        raise OutputExistsError(f"{existing[0]} exists", "Pass overwrite=True, or choose another folder.")
    runs = [
        read_run(folder, name, (published or {}).get(name))
        for folder, name in zip(folders, _distinct_names(folders), strict=True)
    ]
    contents = _contents(title, runs, remarks)
    loss_curves(picture, {run.name: run.history for run in runs})
    _write(markdown, _markdown(contents))
    _write(page, _html(contents, picture.read_bytes()))
    return paths


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"


@dataclass(frozen=True, slots=True)
class _Column:
    """What a column holds of a run, how a number in it is shown, and which one is the best.

    One that is ``optional`` is left out where no run has a value.
    """

    heading: str
    value: Callable[[RunSummary], float | str | None]
    show: Callable[[float], str] = "{:,.0f}".format
    best: Callable[[list[float]], float] | None = None
    optional: bool = False


_COLUMNS = (
    _Column("Run", lambda run: run.name),
    _Column("Model", lambda run: run.architecture),
    _Column("Recipe", lambda run: run.recipe),
    _Column("Parameters", lambda run: run.parameters),
    _Column(
        "Published parameters",
        lambda run: run.published.parameters / 1e6 if run.published else None,
        "{:.2f} M".format,
        optional=True,
    ),
    _Column("Epochs", lambda run: len(run.history)),
    _Column("Steps", lambda run: run.last("step")),
    _Column("Training time", lambda run: run.last("seconds"), _clock),
    _Column(
        "Average validation loss",
        lambda run: statistics.fmean(run.valid_losses) if run.valid_losses else None,
        "{:.4f}".format,
        min,
    ),
    _Column(
        "Published average validation MSE",
        lambda run: run.published.average_valid_mse if run.published else None,
        "{:.3f}".format,
        min,
        optional=True,
    ),
    _Column("Best validation loss", lambda run: min(run.valid_losses, default=None), "{:.4f}".format, min),
    _Column("SDR of vocals, dB", lambda run: run.sdr.get("vocals"), "{:.2f}".format, max),
    _Column("SDR of accompaniment, dB", lambda run: run.sdr.get("accompaniment"), "{:.2f}".format, max),
    _Column("Chunk SDR of vocals, dB", lambda run: run.chunk_sdr.get("vocals"), "{:.2f}".format, max),
    _Column(
        "Chunk SDR of accompaniment, dB", lambda run: run.chunk_sdr.get("accompaniment"), "{:.2f}".format, max
    ),
    _Column("Real-time factor", lambda run: run.real_time_factor, "{:.3f}".format),
)


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    is_number: bool
    is_best: bool


@dataclass(frozen=True, slots=True)
class _Contents:
    """What is on the page next to the picture: a row of the table has a cell for each heading."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[_Cell]]
    notes: Sequence[str]


def _contents(title: str, runs: Sequence[RunSummary], remarks: Sequence[str]) -> _Contents:
    columns = [
        column for column in _COLUMNS if not column.optional or any(column.value(run) is not None for run in runs)
    ]
    evaluations: dict[str, list[str]] = {}
    for run in runs:
        if run.evaluated_on:
            evaluations.setdefault(run.evaluated_on, []).append(run.name)
    return _Contents(
        title,
        headings=[column.heading for column in columns],
        rows=list(zip(*(_cells(column, runs) for column in columns), strict=True)),
        notes=[*remarks, *_REMARKS, *(f"{', '.join(names)}: {on}." for on, names in evaluations.items())],
    )


def _cells(column: _Column, runs: Sequence[RunSummary]) -> list[_Cell]:
    values = [column.value(run) for run in runs]
    numbers = [value for value in values if isinstance(value, (int, float))]
    best = column.best(numbers) if column.best and len(numbers) > 1 else None
    cells = []
    for value in values:
        if isinstance(value, str):
            cells.append(_Cell(value, is_number=False, is_best=False))
        else:
            text = "-" if value is None else column.show(value)
            cells.append(_Cell(text, is_number=True, is_best=value is not None and value == best))
    return cells


def _markdown(contents: _Contents) -> str:
    lines = [f"# {contents.title}", ""]
    lines += ["| " + " | ".join(contents.headings) + " |"]
    lines += ["|" + "|".join(" ---: " if cell.is_number else " --- " for cell in contents.rows[0]) + "|"]
    for row in contents.rows:
        cells = (f"**{cell.text}**" if cell.is_best else _in_markdown(cell.text) for cell in row)
        lines += ["| " + " | ".join(cells) + " |"]
    lines += ["", f"![{_PICTURE_TEXT}]({_PAGE_NAMES[2]})", ""]
    lines += [f"- {_in_markdown(note)}" for note in contents.notes]
    return "\n".join(lines) + "\n"


def _html(contents: _Contents, picture: bytes) -> str:
    title = html.escape(contents.title)
    heads = (
        f'<th scope="col"{_class(cell)}>{html.escape(heading)}</th>'
        for heading, cell in zip(contents.headings, contents.rows[0], strict=True)
    )
    body = "\n".join(
        "<tr>" + "".join(f"<td{_class(cell)}>{_in_html(cell)}</td>" for cell in row) + "</tr>"
        for row in contents.rows
    )
    notes = "\n".join(f"<li>{html.escape(note)}</li>" for note in contents.notes)
    inlined = base64.b64encode(picture).decode("ascii")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<div class="table"><table>
<thead><tr>{"".join(heads)}</tr></thead>
<tbody>
{body}
</tbody>
</table></div>
<img src="data:image/png;base64,{inlined}" alt="{_PICTURE_TEXT}">
<ul>
{notes}
</ul>
</body>
</html>
"""


def _class(cell: _Cell) -> str:
    return ' class="number"' if cell.is_number else ""


def _in_html(cell: _Cell) -> str:
    text = html.escape(cell.text)
    return f"<strong>{text}</strong>" if cell.is_best else text


def _in_markdown(text: str) -> str:
    """The text with all that Markdown or a table of it would take for markup escaped, in one line."""
    return re.sub(r"([\\`*_\[\]<>|~&$#!])", r"\\\1", " ".join(text.split()))


def _distinct_names(folders: Sequence[Path]) -> list[str]:
    """The names of the folders; of those that share one, the paths."""
    names = [folder.resolve().name for folder in folders]
    return [str(folder) if names.count(name) > 1 else name for folder, name in zip(folders, names, strict=True)]


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
