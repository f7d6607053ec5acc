"""Two threads beside the caller's: one that makes items ahead of time, one that takes them off its hands."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")
_END = object()


class _Failure:
    """An exception on its way from one thread to the other."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def prefetch(items: Iterable[T], depth: int) -> Generator[T, None, None]:
    """Iterate over ``items`` in a thread that runs at most ``depth`` items ahead of the caller.

    An exception of the iteration is raised here, after the items before it. Closing the generator stops the
    thread and waits for it.

    Example:
        >>> list(prefetch(iter("abc"), depth=2))
        ['a', 'b', 'c']
    """
    ready: queue.Queue[object] = queue.Queue(depth)
    stopped = threading.Event()

    def offer(item: object) -> None:
        while not stopped.is_set():
            with suppress(queue.Full):
                ready.put(item, timeout=0.1)
                return

    def produce() -> None:
        try:
            for item in items:
                offer(item)
                if stopped.is_set():
                    return
            offer(_END)
        except BaseException as error:
            offer(_Failure(error))

    thread = threading.Thread(target=produce, name="vocalsep-reader", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join()


class Drain(Generic[T]):
    """A thread that calls ``consume`` on each item put, at most ``depth`` items behind.

    As a context manager, leaving it waits until all is consumed; leaving it by an exception drops what waits. An
    exception of ``consume`` is raised by the next `put`, or on leaving.

    Example:
        >>> taken = []
        >>> with Drain(taken.append, depth=2) as drain:
        ...     for item in "abc":
        ...         drain.put(item)
        >>> taken
        ['a', 'b', 'c']
    """

    def __init__(self, consume: Callable[[T], None], depth: int) -> None:
        self._waiting: queue.Queue[object] = queue.Queue(depth)
        self._consume = consume
        self._error: BaseException | None = None
        self._dropping = False
        self._thread = threading.Thread(target=self._run, name="vocalsep-writer", daemon=True)

    def put(self, item: T) -> None:
        """Hand over ``item``; blocks while ``depth`` items wait."""
        if self._error:
            raise self._error
        self._waiting.put(item)

    def _run(self) -> None:
        while (item := self._waiting.get()) is not _END:
            if self._dropping or self._error:
                continue  # keep taking, so that put never blocks on a dead thread
            try:
                self._consume(item)  # type: ignore[arg-type]
            except BaseException as error:
                self._error = error

    def __enter__(self) -> Drain[T]:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._dropping = kind is not None
        self._waiting.put(_END)
        self._thread.join()
        if self._error and kind is None:
            raise self._error
