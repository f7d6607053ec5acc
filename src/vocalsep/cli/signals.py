"""Ctrl-C and its like: what was begun is cleaned up, and the exit code says why it ended."""

from __future__ import annotations

import signal
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # the last is Ctrl-Break on Windows, which has no SIGHUP
_DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)


class Interrupt(KeyboardInterrupt):
    """What a signal raises in the main thread."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


_last: weakref.ref[Interrupt] | None = None


def under_way() -> bool:
    """Whether an interrupt was raised and has not ended: it is on its way up, or being dealt with."""
    return _last is not None and _last() is not None


def cause(error: BaseException | None) -> KeyboardInterrupt | None:
    """The interrupt that an error is, or in whose wake it came, or None."""
    while error and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error if isinstance(error, KeyboardInterrupt) else None


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise an `Interrupt`; while one is under way nothing, so that what it cleans up is cleaned up.

    One that got lost, in a destructor for example, exists no more: the next Ctrl-C raises anew.
    """
    global _last
    if under_way():
        return
    interrupt = Interrupt(number)
    _last = weakref.ref(interrupt)
    try:
        raise interrupt
    finally:
        del interrupt  # this frame, which the traceback holds, must not keep it


@contextmanager
def as_interrupts() -> Iterator[None]:
    """Signals of `_NAMES` raise `Interrupt` in the block, and it ends the process with their exit code.

    A signal that is ignored, by nohup for example, or has a handler already is left alone.
    """
    global _last
    _last = None
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers if signal.getsignal(number) in _DEFAULTS}
    try:
        for number in before:
            signal.signal(number, _interrupt)
        yield
    except KeyboardInterrupt as interrupt:
        sys.exit(conclude(interrupt))
    finally:
        over = under_way()  # what is left is the end of the process
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if over else handler)


def is_ctrl_c(interrupt: KeyboardInterrupt) -> bool:
    """Whether somebody typed Ctrl-C, and not the system ends the process."""
    return _number(interrupt) == signal.SIGINT


def conclude(interrupt: KeyboardInterrupt) -> int:
    """Say on stderr that the command was interrupted, and give the exit code."""
    number = _number(interrupt)
    what = "interrupted" if is_ctrl_c(interrupt) else "terminated"
    try:
        print(f"{what}: nothing half-written is left", file=sys.stderr, flush=True)
    except OSError:  # the terminal is gone
        sys.stderr = None
    return 128 + number


def _number(interrupt: KeyboardInterrupt) -> int:
    return interrupt.number if isinstance(interrupt, Interrupt) else signal.SIGINT
