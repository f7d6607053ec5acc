"""Lanes: side by side, each on its share of the threads, and nothing of that shows outside."""

import os
import subprocess
import sys
import threading
import time

import pytest
import torch

from helpers.identity_model import IdentityModel
from vocalsep.models.architectures import build_model
from vocalsep.models.run_hints import RunHints
from vocalsep.separation.engine import SegmentedSeparation
from vocalsep.separation.lanes import Lanes
from vocalsep.separation.options import SeparationOptions


@pytest.mark.parametrize(("threads", "lanes", "each"), [(1, 1, 1), (2, 2, 1), (6, 3, 2), (8, 4, 2), (7, 1, 7)])
def test_threads_are_dealt_out(threads, lanes, each):
    torch.set_num_threads(threads)
    these = Lanes(threads)
    assert these.n == lanes
    meeting = threading.Barrier(lanes)

    def count(_):
        meeting.wait(timeout=30)  # unless all lanes are at work at once, this breaks
        return torch.get_num_threads()

    assert these.map(count, range(lanes)) == [each] * lanes


def test_the_number_of_threads_elsewhere_stays():
    torch.set_num_threads(4)
    lanes = Lanes(4)
    lanes.map(torch.sin, torch.zeros(4, 1))
    seen = [torch.get_num_threads()]
    later = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert seen == [4, 4]


def test_one_alone_runs_where_it_is_asked_for():
    assert Lanes(4).map(lambda _: threading.current_thread(), [0]) == [threading.current_thread()]


def test_results_keep_their_order():
    assert Lanes(2).map(lambda i: 10 * i, range(20)) == list(range(0, 200, 10))


def test_errors_come_out_once_all_lanes_are_done():
    lanes = Lanes(2)
    together, over = threading.Barrier(2), threading.Event()

    def work(fails):
        together.wait(timeout=30)
        if fails:
            raise ZeroDivisionError
        time.sleep(0.2)
        over.set()

    torch.set_num_threads(2)
    with pytest.raises(ZeroDivisionError):
        lanes.map(work, [True, False])
    assert over.is_set()
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("name", ["umx", "tdf", "tdt", "tdf_mask"])
def test_segments_side_by_side_are_those_one_after_the_other(name):
    torch.manual_seed(0)
    model = build_model({"architecture": name})
    noise = 0.1 * torch.randn(2, 4 * 44_100)

    def separated(**options):
        options = SeparationOptions(device="cpu", precision="fp32", segment_seconds=1, **options)
        return torch.cat(list(SegmentedSeparation(model, options)([noise])), dim=-1)

    torch.testing.assert_close(separated(threads=2), separated(threads=1, batch_size=1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["tfc_tdf_v3", "mel_band_roformer"])
def test_a_segment_of_the_large_networks_takes_a_gigabyte_alone(name):
    with torch.device("meta"):
        assert not build_model({"architecture": name}).hints.side_by_side


@pytest.mark.parametrize(("side_by_side", "at_once"), [(True, 2), (False, 1)])
def test_only_models_that_may_run_side_by_side(side_by_side, at_once):
    model = IdentityModel(sample_rate=1000)
    model.hints = RunHints(side_by_side=side_by_side)
    separation = SegmentedSeparation(model, SeparationOptions(device="cpu", threads=2, segment_seconds=1))
    list(separation([torch.zeros(2, 3000)]))
    assert separation.batch_size == at_once


def test_where_two_at_once_are_too_many_for_the_memory_one_after_the_other_is_tried():
    """The first lane is refused while the second computes; by the next attempt, that one has ended."""

    class Narrow(IdentityModel):
        def forward(self, waveform):
            with lock:
                held.append(None)
                refused = len(held) > 1
            if not refused and self.batches_of_two:
                other.wait(timeout=30)
                time.sleep(0.2)
            with lock:
                held.pop()
            if refused:
                other.set()
                raise RuntimeError("out of memory")
            return super().forward(waveform)

        @property
        def batches_of_two(self):
            return separation.batch_size == 2

    held, lock, other = [], threading.Lock(), threading.Event()
    song = torch.randn(2, 9000)
    options = SeparationOptions(device="cpu", threads=2, segment_seconds=4)
    separation = SegmentedSeparation(Narrow(sample_rate=1000), options)
    assert torch.equal(torch.cat(list(separation([song])), dim=-1)[0], song)
    assert (separation.batch_size, separation.segment) == (1, 4000)


FORKED = """
import os, sys, torch
from vocalsep.errors import OptionError
from vocalsep.models.architectures import build_model
from vocalsep.separation.engine import SegmentedSeparation
from vocalsep.separation.options import SeparationOptions

model = build_model({"architecture": "tdf_mask", "width": 8, "growth": 8})
separation = SegmentedSeparation(model, SeparationOptions(threads=int(sys.argv[1]), segment_seconds=1.0))
song = 0.1 * torch.randn(2, 200_000)
ours = torch.cat(list(separation([song])), dim=-1)
if not os.fork():
    try:
        theirs = torch.cat(list(separation([song])), dim=-1)
        print("equal" if torch.equal(ours, theirs) else "different", flush=True)
    except OptionError as error:
        print(error, flush=True)
    os._exit(0)
os.wait()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")
@pytest.mark.parametrize(("threads", "said"), [(1, "equal"), (2, "does not have its threads")])
def test_a_fork_has_no_threads_and_does_not_wait_for_them(threads, said):
    command = [sys.executable, "-W", "ignore", "-c", FORKED, str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert said in done.stdout, done.stderr
