"""Run `vocalsep.weights.publish` in a process of its own: the Hub's client reads its settings at import.

The argument is a JSON list of orders, one after the other: what `push` takes, and ``token`` and ``endpoint`` from
then on. What came of each is printed as JSON.
"""

import json
import os
import sys

import huggingface_hub

from vocalsep.errors import VocalsepError
from vocalsep.weights.push import push


def run(order: dict) -> dict:
    if "token" in order:
        os.environ["HF_TOKEN"] = order.pop("token")
    if "endpoint" in order:
        huggingface_hub.constants.ENDPOINT = order.pop("endpoint")
    try:
        return {"address": push(**order)}
    except VocalsepError as error:
        return {"error": type(error).__name__, "message": error.message, "hint": error.hint}


if __name__ == "__main__":
    print(json.dumps([run(order) for order in json.loads(sys.argv[1])]))
