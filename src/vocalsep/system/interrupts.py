"""Ctrl-C is for the process that was started by hand, not for those that it starts itself."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Processes started in the block never see Ctrl-C; this thread sees it after the block."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # it starts with the first process, and then lets this thread see Ctrl-C
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
