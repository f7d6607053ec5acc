"""The command line."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run ``vocalsep`` with the arguments of the process."""
    from vocalsep.cli.signals import as_interrupts

    if sys.stderr is None:  # closed by the caller: what is said goes nowhere, and not into a file that is opened
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    with as_interrupts():
        from vocalsep.cli import stdout
        from vocalsep.cli.app import app

        stdout.install()
        app()
