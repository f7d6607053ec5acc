"""Processes that work through a list, and end with their owner however that ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar, cast

from vocalsep.errors import VocalsepError
from vocalsep.system.interrupts import interrupts_held

Item = TypeVar("Item")
Result = TypeVar("Result")

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class WorkerError(RuntimeError):
    """A worker failed; the message is its traceback."""


class Workers(Generic[Item, Result]):
    """Some processes that call ``function`` on items, each with numerical libraries on one thread.

    They are started afresh ("spawn"), so that ``function`` must be importable, and a script that starts them needs
    its ``if __name__ == "__main__"``. A context manager: leaving it, by an
    exception or Ctrl-C too, ends them at once. When their owner dies, they end after the item they are at.

    Args:
        function: function of one item. It must be picklable.
        n: how many.
    """

    def __init__(self, function: Callable[[Item], Result], n: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._connections: list[Connection] = []
        self._processes: list[BaseProcess] = []
        with _one_thread_each(), interrupts_held():
            for _ in range(n):
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(function, theirs), daemon=True)
                process.start()
                theirs.close()  # so that ours ends when the process does
                self._connections.append(ours)
                self._processes.append(process)

    def map(self, items: Sequence[Item]) -> Iterator[tuple[Item, Result]]:
        """Yield each item with its result, as they get ready.

        Raises:
            VocalsepError: that ``function`` raised.
            WorkerError: ``function`` raised something else, or its process died.
        """
        waiting = list(reversed(items))
        busy: dict[Connection, Item] = {}
        for connection in self._connections[: len(items)]:
            busy[connection] = waiting.pop()
            _give(connection, busy[connection])
        while busy:
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)
                item = busy.pop(ready)
                result = self._receive(ready)
                if waiting:
                    busy[ready] = waiting.pop()
                    _give(ready, busy[ready])
                yield item, result

    def _receive(self, connection: Connection) -> Result:
        try:
            result, error = connection.recv()
        except (EOFError, ConnectionError):
            process = self._processes[self._connections.index(connection)]
            process.join()
            reason = f"a worker process died (exit code {process.exitcode}); is there enough memory?"
            raise WorkerError(reason) from None
        if error is not None:
            raise error
        return cast(Result, result)

    def __enter__(self) -> Workers[Item, Result]:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process, connection in zip(self._processes, self._connections, strict=True):
            process.join()
            connection.close()


def _give(connection: Connection, item: object) -> None:
    with suppress(ConnectionError):  # of a dead worker: receiving from it tells
        connection.send(item)


def _work(function: Callable[[Item], Result], connection: Connection) -> None:
    """The life of a worker: Ctrl-C is its owner's business; told to end, it cleans up after itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it could not be held back
    signal.signal(signal.SIGTERM, _leave)
    with suppress(EOFError, ConnectionError):  # the owner is gone
        while True:
            connection.send(_outcome(function, connection.recv()))


def _leave(*_: object) -> None:
    raise SystemExit(0)


def _outcome(function: Callable[[Item], Result], item: Item) -> tuple[Result | None, Exception | None]:
    try:
        return function(item), None
    except VocalsepError as error:
        return None, error
    except Exception:  # whatever it is, the owner raises it: not every exception can be pickled
        return None, WorkerError(traceback.format_exc())


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """The environment that child processes get."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
