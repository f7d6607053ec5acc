"""Progress on stderr: bars with the time left in a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


class ProgressDisplay:
    """Bars for the tracks and downloads under way.

    Args:
        wanted: False shows nothing; True shows bars where stderr is a terminal.
        total_tracks: with more than one, a bar counts them.
    """

    def __init__(self, *, wanted: bool, total_tracks: int = 1) -> None:
        self._bars: Progress | None = None
        if wanted and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self._bars = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f} %"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
        self._total_tracks = total_tracks

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Show the bars while the block runs."""
        with self._bars or nullcontext():
            self._all = None
            if self._bars and self._total_tracks > 1:
                self._all = self._bars.add_task(f"{self._total_tracks} tracks", total=self._total_tracks)
            yield

    def track_done(self) -> None:
        """Count one track."""
        if self._bars and self._all is not None:
            self._bars.advance(self._all)

    @contextmanager
    def bar(self, name: str) -> Iterator[Callable[[float, float | None], None]]:
        """A bar; yields what is called with how much is done and, if known, of how much."""
        if not self._bars:
            yield lambda done, total: None
            return
        bars, task = self._bars, self._bars.add_task(name if len(name) < 50 else f"{name[:47]}...", total=None)
        try:
            yield lambda done, total: bars.update(task, completed=done, total=total)
        finally:
            bars.remove_task(task)
