"""The program in a terminal of its own."""

import os
import subprocess
import sys
import threading

import pytest

pty = pytest.importorskip("pty")


def run_in_terminal(*arguments, stdout=None):
    """Run the command with its stderr, and its stdout unless given, in a terminal: its code and the screen."""
    ours, theirs = pty.openpty()
    shown = bytearray()

    def watch():
        try:
            while data := os.read(ours, 4096):
                shown.extend(data)
        except OSError:  # the other end was closed
            pass

    watcher = threading.Thread(target=watch)
    watcher.start()
    command = [sys.executable, "-m", "vocalsep", *map(str, arguments)]
    done = subprocess.run(command, stdout=theirs if stdout is None else stdout, stderr=theirs, timeout=120)
    os.close(theirs)
    watcher.join()
    os.close(ours)
    return done.returncode, bytes(shown).decode()
