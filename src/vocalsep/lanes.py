"""The threads of the CPU in equal shares, each of which computes on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

_MOST = 4
T = TypeVar("T")
R = TypeVar("R")


class Lanes:
    """Threads that compute side by side, each with an equal share of PyTorch's threads on the CPU.

    The layers of a small network are too short to keep several cores busy together: two segments side by side are
    done sooner than one after the other. More than four lanes would take more memory than that is worth.

    Args:
        threads: PyTorch's, on the CPU.

    Example:
        >>> Lanes(6).n, Lanes(16).n, Lanes(1).n
        (3, 4, 1)
    """

    def __init__(self, threads: int) -> None:
        self.n = max(n for n in range(1, _MOST + 1) if threads % n == 0)
        self._threads = threads
        self._pool = ThreadPoolExecutor(
            self.n, "lane", initializer=torch.set_num_threads, initargs=(threads // self.n,)
        )

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """``function`` of each item, as many at once as there are lanes; one alone gets all threads."""
        items = list(items)
        if len(items) < 2 or self.n < 2:
            return [function(item) for item in items]
        results = list(self._pool.map(function, items))
        # the number that a lane sets for itself becomes that of threads to come: take it back
        torch.set_num_threads(self._threads)
        return results
