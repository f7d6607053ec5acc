"""``python -m vocalsep``."""

from vocalsep.cli import main

main()
