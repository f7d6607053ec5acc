import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from vocalsep.system.threads import BackgroundConsumer, broadcast, call_in_thread, map_in_order, prefetch

ctrl_c = pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to a single process")


def press_ctrl_c(times=1):
    for _ in range(times):
        time.sleep(0.1)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


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

    with BackgroundConsumer(slowly, depth=2) as drain:
        for i in range(10):
            drain.put(i)
    assert taken == list(range(10))


def test_drain_raises_what_its_thread_raised():
    def full(_):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), BackgroundConsumer(full, depth=1) as drain:
        for i in range(1000):
            drain.put(i)
    with pytest.raises(OSError, match="disk full"), BackgroundConsumer(full, depth=10) as drain:
        drain.put(1)


def test_drain_left_by_an_exception_drops_what_waits():
    taken, gate = [], threading.Event()

    def slowly(item):
        gate.wait(5)
        taken.append(item)

    with pytest.raises(KeyboardInterrupt), BackgroundConsumer(slowly, depth=50) as drain:
        for i in range(50):
            drain.put(i)
        threading.Timer(0.1, gate.set).start()
        raise KeyboardInterrupt
    assert len(taken) <= 1


def test_aside_is_another_thread_and_raises_what_it_raises():
    assert call_in_thread(threading.current_thread) is not threading.current_thread()
    with pytest.raises(ZeroDivisionError):
        call_in_thread(lambda: 1 / 0)


@ctrl_c
def test_ctrl_c_does_not_leave_a_thread_at_work():
    finished = []

    def work():
        press_ctrl_c(3)
        time.sleep(0.2)
        finished.append(True)

    with pytest.raises(KeyboardInterrupt):
        call_in_thread(work)
    assert finished


@ctrl_c
def test_ctrl_c_while_drain_waits_for_its_end():
    taken = []

    def slowly(item):
        press_ctrl_c(2)
        taken.append(item)

    with pytest.raises(KeyboardInterrupt), BackgroundConsumer(slowly, depth=50) as drain:
        for i in range(50):
            drain.put(i)
    n = len(taken)
    assert n <= 2
    time.sleep(0.3)
    assert len(taken) == n


@pytest.mark.parametrize("comes_to_life", [False, True])
def test_ctrl_c_while_a_thread_starts(monkeypatch, comes_to_life):
    start = threading.Thread.start

    def interrupted(thread):
        if comes_to_life:
            start(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        call_in_thread(lambda: time.sleep(0.01))


def test_in_order_gives_what_pool_map_gives():
    def slower_first(i):
        time.sleep(0.05 * (3 - i))
        return i

    with ThreadPoolExecutor(3) as pool:
        assert list(map_in_order(pool, slower_first, range(3))) == [0, 1, 2]
        with pytest.raises(ZeroDivisionError):
            list(map_in_order(pool, lambda i: 1 / i, [1, 0]))


@pytest.mark.parametrize("fails", [False, True])
def test_a_shared_iterator_gives_all_of_it_to_threads_at_their_own_speed(fails):
    def items():
        yield from range(200)
        if fails:
            raise ValueError("the end")

    taken = [[], [], []]
    errors = []

    def take(branch, into, pause):
        try:
            for item in branch:
                into.append(item)
                time.sleep(pause)
        except ValueError as error:
            errors.append(str(error))

    threads = [
        threading.Thread(target=take, args=(branch, into, pause))
        for branch, into, pause in zip(broadcast(items(), 3), taken, (0, 0.0001, 0.0003), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == [list(range(200))] * 3
    assert errors == ["the end"] * 3 * fails
