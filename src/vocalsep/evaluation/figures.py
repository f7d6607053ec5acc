"""Pictures, as PNG files: loss curves and box plots of scores. All that needs matplotlib is here."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vocalsep.errors import MissingExtraError
from vocalsep.system.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# blue, orange, green, red, purple, brown, pink, grey: told apart by most colour-blind readers too
_COLOURS = ("#1f6fb4", "#e07b00", "#2a9d4e", "#c8323c", "#7e57b5", "#86584a", "#d36cb0", "#6d6d6d")
_GRID = "#dddddd"
_LONGEST_NAME = 48
_LOG_FROM_RATIO = 20
_DOTS_PER_INCH = 150


def loss_curves(path: Path, runs: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    """Draw the losses of runs over their epochs: training dashed, validation solid with a dot on the best.

    Args:
        path: path of the PNG file, replaced if there.
        runs: name to rows of ``epoch``, ``train_loss`` and ``valid_loss``, see `vocalsep.training.run.history`.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OutputError: the file cannot be written.
    """
    figure, (axes,) = _figure(1, width=7.5, height=4.5)
    from matplotlib.ticker import MaxNLocator

    drawn: list[float] = []
    handles = []
    for index, rows in enumerate(runs.values()):
        colour = _COLOURS[index % len(_COLOURS)]
        for column, style in (("train_loss", "--"), ("valid_loss", "-")):
            points = [(row["epoch"], row[column]) for row in rows if column in row]
            drawn += [loss for _, loss in points]
            epochs, losses = zip(*points, strict=True) if points else ((), ())
            lone = "x" if len(points) == 1 else ""  # one point makes no line
            (line,) = axes.plot(epochs, losses, style, marker=lone, color=colour, linewidth=1.5)
            if column == "valid_loss" and points:
                axes.plot(*min(points, key=lambda point: point[1]), "o", color=colour, markersize=6)
        handles.append(line)
    if drawn and min(drawn) > 0 and max(drawn) > _LOG_FROM_RATIO * min(drawn):
        axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    axes.set_title("dashed: training; solid: validation, a dot on the best epoch", fontsize=9, loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if handles:
        legend = axes.legend(handles, ["run"] * len(handles), fontsize=8, framealpha=0.9)
        # set afterwards: a label that begins with an underscore is left out, and one with two dollars is a formula
        for text, name in zip(legend.get_texts(), runs, strict=True):
            text.set_parse_math(False)
            text.set_text(_shown(name))
    _save(figure, path)


def score_boxes(path: Path, scores: Mapping[str, Mapping[str, Sequence[float]]], title: str) -> None:
    """Draw a box plot of scores: a panel for each metric, a box for each stem, a dot for each song.

    A box is from the lower to the upper quartile with a line on the median; its whiskers end at the last score
    within 1.5 times its height.

    Args:
        path: path of the PNG file, replaced if there.
        scores: metric to stem to scores in dB, one a song.
        title: above the picture.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OutputError: the file cannot be written.
    """
    figure, panels = _figure(len(scores), width=3 * len(scores), height=4)
    for axes, (metric, stems) in zip(panels, scores.items(), strict=True):
        # there are more colours than stems
        for position, (colour, values) in enumerate(zip(_COLOURS, stems.values(), strict=False), start=1):
            if not values:
                continue
            line = {"color": colour, "linewidth": 1.5}
            axes.boxplot(
                [values],
                positions=[position],
                widths=0.5,
                showfliers=False,  # the dots show them
                boxprops=line,
                whiskerprops=line,
                capprops=line,
                medianprops={**line, "linewidth": 2.5},
            )
            # side by side in the order of the songs, so that equal scores do not hide each other
            spread = [position + 0.3 * ((index + 0.5) / len(values) - 0.5) for index in range(len(values))]
            axes.plot(spread, values, "o", color=colour, alpha=0.5, markersize=4, markeredgewidth=0)
        axes.set_xticks(range(1, len(stems) + 1), list(stems), fontsize=8)
        axes.set_xlim(0.4, len(stems) + 0.6)
        axes.set_title(metric, fontsize=9)
    panels[0].set_ylabel("dB")
    figure.suptitle(_shown(title), fontsize=10, parse_math=False)
    _save(figure, path)


def _figure(n_panels: int, *, width: float, height: float) -> tuple[Figure, Sequence[Axes]]:
    """A figure of its own, not one of pyplot's: those are global, and pyplot may look for a display."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError(
            "pictures need matplotlib, which is not installed", "Install it: pip install 'vocalsep[train]'"
        ) from error
    figure = Figure(figsize=(width, height), layout="constrained")
    panels = figure.subplots(1, n_panels, squeeze=False, sharey=True)[0]
    for axes in panels:
        axes.grid(axis="y", color=_GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    return figure, panels


def _save(figure: Figure, path: Path) -> None:
    with atomic_path(path) as temporary, warnings.catch_warnings():
        # a name in a script that the font lacks shows as boxes; the picture is still right
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(temporary, dpi=_DOTS_PER_INCH, format="png")


def _shown(name: str) -> str:
    """``name`` as one line of printable characters that is not too long."""
    line = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name)
    return line if len(line) <= _LONGEST_NAME else f"{line[: _LONGEST_NAME - 3]}..."
