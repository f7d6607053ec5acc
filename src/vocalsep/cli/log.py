"""What the library logs, on stderr."""

from __future__ import annotations

import logging
from collections.abc import Callable


class _Lines(logging.Handler):
    """Gives the message alone, as one line."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(record.getMessage())


def show(say: Callable[[str], None], level: str) -> None:
    """Say what the library logs from now on. A later call replaces an earlier one.

    Args:
        say: prints one line.
        level: the least level of a message that is said, as `logging` names it.
    """
    log = logging.getLogger("vocalsep")
    log.handlers = [_Lines(say)]
    log.setLevel(level)
