import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.hub_server import HubServer

CLIENT = Path(__file__).with_name("hub_client.py")
SOURCE_TREE = Path(__file__).parents[2] / "src"


@pytest.fixture
def server():
    with HubServer() as server:
        yield server


@pytest.fixture
def client(tmp_path, server):
    """Start a client; its stdout is one JSON object."""
    settings = {
        "HF_HOME": str(tmp_path / "hf"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(SOURCE_TREE),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}

    def start(
        endpoint: str = server.url, env: dict[str, str] | None = None, **order: object
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, CLIENT, json.dumps(order)],
            env={**kept, **settings, "HF_ENDPOINT": endpoint, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start
