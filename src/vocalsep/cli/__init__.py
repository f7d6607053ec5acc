"""The command line."""

from __future__ import annotations


def main() -> None:
    """Run ``vocalsep`` with the arguments of the process."""
    from vocalsep.cli.app import app

    app()
