"""Processes that work through a list."""

import multiprocessing
import os
import time

import pytest

pytest.importorskip("scipy")

from vocalsep.errors import OptionError
from vocalsep.system.workers import WorkerError, Workers


def work(item):
    if item == "refuse":
        raise OptionError("no", "Ask for something else.")
    if item == "fail":
        raise ZeroDivisionError("in the worker")
    if item == "die":
        os._exit(7)
    if item == "sleep":
        time.sleep(60)
    return item, os.environ["OMP_NUM_THREADS"]


def test_every_item_is_worked_on_once_on_one_thread():
    before = os.environ.get("OMP_NUM_THREADS")
    with Workers(work, 2) as workers:
        results = dict(workers.map(list(range(10))))
        assert list(workers.map([])) == []
        again = dict(workers.map(["a"]))
    assert results == {item: (item, "1") for item in range(10)}
    assert again == {"a": ("a", "1")}
    assert os.environ.get("OMP_NUM_THREADS") == before
    assert multiprocessing.active_children() == []


def test_what_goes_wrong_in_a_worker_is_raised_here():
    began = time.monotonic()
    with pytest.raises(OptionError, match="no") as refused, Workers(work, 2) as workers:
        list(workers.map(["sleep", "refuse"]))
    assert refused.value.hint == "Ask for something else."
    with pytest.raises(WorkerError, match="ZeroDivisionError: in the worker"), Workers(work, 1) as workers:
        list(workers.map(["fail"]))
    with pytest.raises(WorkerError, match="exit code 7"), Workers(work, 1) as workers:
        list(workers.map(["die", "sleep"]))
    assert time.monotonic() - began < 30
    assert multiprocessing.active_children() == []
