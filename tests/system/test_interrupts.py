"""Processes of a training never see Ctrl-C, not even the first ones, nor while they start."""

import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows has no signal masks")

SCRIPT = """
import signal
from multiprocessing import get_context
from vocalsep.system.interrupts import interrupts_held

def tell(answers):
    answers.send(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))

if __name__ == "__main__":
    context = get_context("spawn")
    ours, theirs = context.Pipe()  # unlike a queue it has no lock: multiprocessing has started nothing yet
    with interrupts_held():
        processes = [context.Process(target=tell, args=(theirs,)) for _ in range(2)]
        for process in processes:
            process.start()
    print([ours.recv() for _ in processes], signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""


def test_what_is_started_in_the_block_does_not_see_ctrl_c(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, tmp_path / "script.py"], capture_output=True, text=True, timeout=120)
    assert done.stdout == "[True, True] False\n", done.stderr
