"""The threads of the CPU in equal shares. Each share computes on its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
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
        if self.n > 1:
            self._pool = ThreadPoolExecutor(self.n, "lane")
            all_there = threading.Barrier(self.n)

            def begin(share: int) -> None:
                torch.set_num_threads(share)
                torch.get_num_threads()  # the first use of a thread takes what was set last, by whichever thread
                all_there.wait()  # or one lane would begin twice

            wait([self._pool.submit(begin, threads // self.n) for _ in range(self.n)])
            # what a lane sets for itself becomes the number of threads that are yet to come: take it back
            torch.set_num_threads(threads)

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """``function`` of each item, as many at once as there are lanes; one alone gets all threads.

        Where it fails for some, it has ended for all when the first error is raised.
        """
        items = list(items)
        if len(items) < 2 or self.n < 2:
            return [function(item) for item in items]
        results = [self._pool.submit(function, item) for item in items]
        wait(results)
        return [result.result() for result in results]
