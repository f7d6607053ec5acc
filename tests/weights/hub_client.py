"""Run `vocalsep.weights.hub` in a process of its own: the Hub's client reads its settings at import.

The argument is a JSON object: ``entry`` (a manifest entry) or ``repo``, ``offline``, ``hurry`` (no sleep between
the client's retries). What came of it is printed as JSON.
"""

import json
import sys
import time

from vocalsep.errors import VocalsepError
from vocalsep.system.mapping import from_mapping
from vocalsep.weights import hub
from vocalsep.weights.manifest import Entry, Source


def run(argument: str) -> None:
    order = json.loads(argument)
    if order.get("hurry"):
        time.sleep = lambda seconds: None
    progress: list[tuple[int, int]] = []
    options = {
        "offline": order.get("offline", False),
        "progress": lambda done, total: progress.append((done, total)),
    }
    try:
        if "repo" in order:
            path = hub.fetch_repo(order["repo"], **options)
        else:
            sources = tuple(from_mapping(Source, source) for source in order["entry"]["sources"])
            path = hub.fetch(from_mapping(Entry, {**order["entry"], "sources": sources}), **options)
        outcome = {"path": str(path)}
    except VocalsepError as error:
        outcome = {"error": type(error).__name__, "message": error.message, "hint": error.hint}
    print(json.dumps({**outcome, "progress": progress}))


if __name__ == "__main__":
    run(sys.argv[1])
