"""The page of ``vocalsep web`` as a Hugging Face Space."""

import os

from vocalsep.web.limits import Limits
from vocalsep.web.server import DEFAULT_PORT, WebServer

LIMITS = Limits(max_minutes=10, max_mb=100, max_songs=10, max_sessions=50, max_disk_gb=20)

if __name__ == "__main__":
    port = int(os.environ.get("GRADIO_SERVER_PORT", DEFAULT_PORT))
    with WebServer(host="0.0.0.0", port=port, limits=LIMITS, public=True) as server:
        server.wait()
