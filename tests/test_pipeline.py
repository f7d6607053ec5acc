import threading
import time

import pytest

from vocalsep.pipeline import Drain, prefetch


def test_prefetch_runs_ahead_but_not_too_far():
    made = []

    def items():
        for i in range(20):
            made.append(i)
            yield i

    ahead = prefetch(items(), depth=3)
    assert next(ahead) == 0
    time.sleep(0.3)
    assert len(made) <= 6  # one taken, three waiting, one in the hand, one race
    assert list(ahead) == list(range(1, 20))


def test_prefetch_raises_after_the_items_before():
    def items():
        yield 1
        raise ValueError("broken")

    ahead = prefetch(items(), depth=2)
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="broken"):
        next(ahead)


def test_closing_prefetch_stops_its_thread():
    before = threading.active_count()
    ahead = prefetch(iter(range(10**9)), depth=2)
    next(ahead)
    ahead.close()
    assert threading.active_count() == before


def test_drain_keeps_the_order_and_waits():
    taken = []

    def slowly(item):
        time.sleep(0.01)
        taken.append(item)

    with Drain(slowly, depth=2) as drain:
        for i in range(10):
            drain.put(i)
    assert taken == list(range(10))


def test_drain_raises_what_its_thread_raised():
    def full(_):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), Drain(full, depth=1) as drain:
        for i in range(1000):
            drain.put(i)
    with pytest.raises(OSError, match="disk full"), Drain(full, depth=10) as drain:
        drain.put(1)


def test_drain_left_by_an_exception_drops_what_waits():
    taken, gate = [], threading.Event()

    def slowly(item):
        gate.wait(5)
        taken.append(item)

    with pytest.raises(KeyboardInterrupt), Drain(slowly, depth=50) as drain:
        for i in range(50):
            drain.put(i)
        threading.Timer(0.1, gate.set).start()
        raise KeyboardInterrupt
    assert len(taken) <= 1
