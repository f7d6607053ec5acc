"""Helpers that run work in threads: ahead of the caller, behind it, or several items at once and in order."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, wait
from contextlib import suppress
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")
Result = TypeVar("Result")
_END = object()


class _Failure:
    """An exception on its way from one thread to the other."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class _Thread:
    """A thread whose end is waited for, however often Ctrl-C interrupts that.

    What it works on is closed next: a codec that is closed under the hands of a thread ends the process.
    """

    def __init__(self, work: Callable[[], None], name: str) -> None:
        self.over = threading.Event()  # a join that was interrupted takes the thread for dead (before Python 3.13)
        self._claim = threading.Lock()
        self._work = work
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        if self._claim.acquire(blocking=False):
            try:
                self._work()
            finally:
                self.over.set()

    def start(self) -> None:
        try:
            self._thread.start()
        except BaseException:
            if self._claim.acquire(blocking=False):  # should it come to life yet, it does nothing
                self.over.set()
            raise

    def join(self) -> None:
        try:
            self.over.wait()
        except KeyboardInterrupt:
            self.join()
            raise
        if self._thread.is_alive():
            self._thread.join()


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

    thread = _Thread(produce, "vocalsep-reader")
    try:
        thread.start()
        while (item := ready.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join()


def broadcast(items: Iterable[T], n: int) -> list[Iterator[T]]:
    """As many iterators over ``items`` as asked for, each perhaps in a thread of its own; each gives every item.

    An item is held until all have taken it. An exception of the iteration is raised by each, after the items
    before it.

    Example:
        >>> first, second = broadcast(iter("abc"), 2)
        >>> next(first), list(second), list(first)
        ('a', ['a', 'b', 'c'], ['b', 'c'])
    """
    source, lock = iter(items), threading.Lock()
    waiting: list[deque[object]] = [deque() for _ in range(n)]

    def take() -> object:
        try:
            return next(source, _END)
        except BaseException as error:
            return _Failure(error)

    def branch(own: deque[object]) -> Iterator[T]:
        while True:
            with lock:
                if not own:
                    item = take()
                    for one in waiting:
                        one.append(item)
                item = own.popleft()
            if item is _END:
                return
            if isinstance(item, _Failure):
                raise item.error
            yield item  # type: ignore[misc]

    return [branch(own) for own in waiting]


def call_in_thread(function: Callable[[], T]) -> T:
    """Call ``function`` in a thread and wait for it.

    For what codecs do with files of Python: they call back from C, where Python drops every exception. Ctrl-C
    raises one, in the main thread alone.

    Example:
        >>> call_in_thread(lambda: 6 * 7)
        42
    """
    (result,) = prefetch((call() for call in (function,)), depth=1)
    return result


def map_in_order(pool: Executor, function: Callable[[T], Result], items: Iterable[T]) -> Iterator[Result]:
    """What ``function`` makes of each item in the threads of ``pool``, in the order of the items.

    Unlike ``pool.map`` it wakes up now and then: a signal that the system gives to another thread does not wake
    the main thread, which is to deal with it.
    """
    for future in [pool.submit(function, item) for item in items]:
        while not future.done():
            wait([future], timeout=0.1)
        yield future.result()


class BackgroundConsumer(Generic[T]):
    """A thread that calls ``consume`` on each item put, at most ``depth`` items behind.

    As a context manager, leaving it waits until all is consumed; leaving it by an exception drops what waits. An
    exception of ``consume`` is raised by the next `put`, or on leaving.

    Example:
        >>> taken = []
        >>> with BackgroundConsumer(taken.append, depth=2) as drain:
        ...     for item in "abc":
        ...         drain.put(item)
        >>> taken
        ['a', 'b', 'c']
    """

    def __init__(self, consume: Callable[[T], None], depth: int) -> None:
        self._waiting: queue.Queue[object] = queue.Queue(depth)
        self._consume = consume
        self._error: BaseException | None = None
        self._dropping = threading.Event()
        self._thread = _Thread(self._run, "vocalsep-writer")

    def put(self, item: T) -> None:
        """Hand over ``item``; blocks while ``depth`` items wait."""
        if self._error:
            raise self._error
        self._waiting.put(item)

    def _run(self) -> None:
        while not self._dropping.is_set():
            try:
                item = self._waiting.get(timeout=0.1)
            except queue.Empty:
                continue
            if item is _END:
                return
            if self._error:
                continue  # keep taking, so that put never blocks on a dead thread
            try:
                self._consume(item)  # type: ignore[arg-type]
            except BaseException as error:
                self._error = error

    def __enter__(self) -> BackgroundConsumer[T]:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._waiting.put(_END)
                self._thread.over.wait()
        finally:  # Ctrl-C may have interrupted the wait: then what waits is dropped too
            self._dropping.set()
            self._thread.join()
        if self._error and kind is None:
            raise self._error
