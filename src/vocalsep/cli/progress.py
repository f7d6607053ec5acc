"""Progress on stderr: bars with the time left in a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from vocalsep.cli import stderr

if TYPE_CHECKING:
    from rich.progress import Progress

_LONGEST_NAME = 40
_SPEED_SECONDS = 600.0  # over which the speed is measured: the step of a training may take half a minute


class Advance(Protocol):
    """Moves a bar."""

    def __call__(self, done: float, total: float | None, note: str = "") -> None:
        """Show that ``done`` of ``total`` is done; ``note`` stands next to the name."""


class ProgressDisplay:
    """Bars for the tracks and downloads under way: in a terminal, while the context lasts, and not with -q.

    Args:
        total_tracks: with more than one, a bar counts them.
    """

    def __init__(self, *, total_tracks: int = 1) -> None:
        self._bars: Progress | None = None
        if not stderr.quiet and sys.stderr.isatty():
            from rich.console import Console, RenderableType
            from rich.live import Live
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            console = Console(stderr=True)
            bars = self._bars = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f} %"),
                TimeRemainingColumn(),
                console=console,
                speed_estimate_period=_SPEED_SECONDS,
            )
            self._tracks = bars.add_task(f"{total_tracks} tracks", total=total_tracks, visible=total_tracks > 1)

            def shown() -> RenderableType:
                return "" if self._hidden else bars.get_renderable()

            self._hidden = False
            self._live = Live(
                get_renderable=shown,
                console=console,
                refresh_per_second=10,
                transient=True,
                redirect_stdout=False,  # results go to where stdout goes, unchanged: see `paused`
            )

    def __enter__(self) -> ProgressDisplay:
        if self._bars:
            self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._live.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Without bars while something is printed, which then stands above them."""
        if self._bars:
            # a display that starts again wipes as many lines as it had when it stopped: it stops with none
            self._hidden = True
            self._live.stop()
        try:
            yield
        finally:
            if self._bars:
                self._hidden = False
                self._live.start(refresh=True)

    def track_done(self) -> None:
        """Count one track."""
        if self._bars:
            self._bars.advance(self._tracks)

    @contextmanager
    def bar(self, name: str) -> Iterator[Advance]:
        """A bar; yields what is called with how much is done, of how much if known, and a word on it."""
        if not self._bars:
            yield lambda done, total, note="": None
            return
        shown = stderr.shown(name)
        shown = shown if len(shown) <= _LONGEST_NAME else f"{shown[: _LONGEST_NAME - 3]}..."
        bars, task = self._bars, self._bars.add_task(shown, total=None)

        def advance(done: float, total: float | None, note: str = "") -> None:
            bars.update(task, completed=done, total=total, description=f"{shown} {note}".rstrip())

        try:
            yield advance
        finally:
            bars.remove_task(task)

    @contextmanager
    def loading(self, model: str) -> Iterator[Callable[[int, int], None]]:
        """A bar while a model is loaded; yields a function that takes the bytes downloaded, and all."""
        with self.bar(f"loading {model}") as advance:
            yield lambda done, total: advance(done, total, f"{done / 1e6:.0f} of {total / 1e6:.0f} MB")
