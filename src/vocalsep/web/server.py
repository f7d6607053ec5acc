"""The server of the page."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable

from vocalsep.api import Separator
from vocalsep.errors import OptionError
from vocalsep.separation.options import SeparationOptions
from vocalsep.system.temporary_folder import TemporaryFolder
from vocalsep.web.call_routes import CallRoutes
from vocalsep.web.gate import LOOPBACK, Gate
from vocalsep.web.jobs import Jobs
from vocalsep.web.limits import Limits
from vocalsep.web.pace import Pace
from vocalsep.web.routes import Routes
from vocalsep.web.sessions import Sessions
from vocalsep.web.uploads import Uploads
from vocalsep.weights.manifest import load_manifest

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when Gradio is imported

import gradio as gr
import uvicorn
from fastapi import FastAPI

from vocalsep.web.calls import split_call
from vocalsep.web.page import HEAD, THEME, build_page

DEFAULT_PORT = 7860

_PREFIX = "vocalsep-web-"
_END_SECONDS = 2
_HUGGING_FACE = ("'self'", "https://huggingface.co", "https://*.hf.space")


class WebServer:
    """The page, served until `close`.

    Nobody but this machine reaches the default host. For any other host the address has a token in its path that
    only those know who are told it, unless the page is public.

    Args:
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        limits: what is accepted.
        offline: never ask the network for weights.
        options: how models are run.
        public: whether everybody may use the page, as on a Hugging Face Space, within which it may be shown.

    Attributes:
        url: address of the page.
        token: secret in the path, or an empty text.

    Raises:
        OptionError: the address is in use, or not one of this machine.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        limits: Limits | None = None,
        offline: bool = False,
        options: SeparationOptions | None = None,
        public: bool = False,
    ) -> None:
        limits = limits or Limits()
        is_local = host in LOOPBACK
        self.token = "" if is_local or public else secrets.token_urlsafe(24)
        self._socket = _listen(host, port)
        base = f"/{self.token}" if self.token else ""
        self._folder = TemporaryFolder(_PREFIX)
        pace, default_model = Pace(), load_manifest().default

        def open_separator(model: str, progress: Callable[[int, int], None]) -> Separator:
            run = options or SeparationOptions()
            return Separator.from_options(model, run, offline=offline, download_progress=progress)

        self.jobs = Jobs(open_separator, pace)
        self.sessions = Sessions(self._folder.path, limits)
        uploads = Uploads(limits)
        routes = Routes(self.sessions, self.jobs, uploads, pace, limits, offline=offline)
        call_routes = CallRoutes(self.sessions, uploads, limits)
        page = build_page(
            split_call(self.sessions, self.jobs, default_model, offline=offline),
            default_model=default_model,
            offline=offline,
        )
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        app.router.routes.extend([*routes.under(base), *call_routes.under(base)])
        gr.mount_gradio_app(
            app,
            page.queue(max_size=limits.max_songs),
            path=base or "/",
            show_error=False,
            footer_links=["api"],
            run_history=False,
            ssr_mode=False,
            enable_monitoring=False,
            mcp_server=False,
            theme=THEME,
            head=HEAD,
        )
        gate = Gate(app, base=base, local_only=is_local, framed_by=_HUGGING_FACE if public else ())
        self._server = uvicorn.Server(
            uvicorn.Config(
                gate,
                log_level="critical",
                access_log=False,
                timeout_graceful_shutdown=_END_SECONDS,
                server_header=False,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="vocalsep-web", daemon=True
        )
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._socket.getsockname()[1]}{base}/"
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._thread.start()
        self.jobs.warm_up(default_model)

    def wait(self) -> None:
        """Serve until the process is interrupted, and delete what nobody uses any more in the meantime."""
        while self._thread.is_alive():
            self._thread.join(timeout=1)
            self.sessions.expire()

    def close(self) -> None:
        """End the server and all separations, and delete all songs."""
        self._server.should_exit = True
        self.jobs.close()
        self._thread.join(timeout=_END_SECONDS + 3)
        self._server.force_exit = True
        self._socket.close()
        self._folder.close()

    def __enter__(self) -> WebServer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise OptionError(
            f"cannot listen on {host}, port {port}: {error.strerror or error}",
            "Give another port, or 0 for any that is free.",
        ) from error
    return listening
