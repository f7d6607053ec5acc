"""``vocalsep web``."""

from __future__ import annotations

from typing import Annotated

import typer

from vocalsep.cli import options, signals, stderr
from vocalsep.cli.option_groups import takes
from vocalsep.separation.options import SeparationOptions
from vocalsep.system.extras import needs_extra

app = typer.Typer(add_completion=False)


@app.command()
@takes(separation=options.separation_options)
def web(
    port: Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="0 takes one that is free.")] = 7860,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on. Any but the default is open to other machines.")
    ] = "127.0.0.1",
    browser: Annotated[
        bool, typer.Option(" /--no-browser", help="Do not open a browser.", show_default=False)
    ] = True,
    max_minutes: Annotated[float, typer.Option("--max-minutes", help="Length of the longest song.")] = 30,
    max_mb: Annotated[float, typer.Option("--max-mb", help="Size of the largest upload.")] = 500,
    offline: options.Offline = False,
    *,
    separation: SeparationOptions,
) -> None:
    """Open a page in the browser to drop songs on and hear their stems.

    Only this machine reaches it, and nothing leaves the machine. Ctrl-C ends it and deletes the songs of the page.
    """
    with needs_extra("web"):
        import gradio  # noqa: F401
        import uvicorn  # noqa: F401

    from vocalsep.web.limits import Limits
    from vocalsep.web.server import WebServer

    limits = Limits(max_minutes=max_minutes, max_mb=max_mb)
    with WebServer(host=host, port=port, limits=limits, offline=offline, options=separation) as server:
        if server.token:
            stderr.say(
                f"warning: other machines that reach {host} can use this page. Give its address, which holds a "
                "token, only to people whom you trust. The connection is not encrypted."
            )
        typer.echo(server.url)
        stderr.say("Ctrl-C ends the page and deletes its songs")
        if browser:
            import webbrowser

            webbrowser.open(server.url)
        try:
            server.wait()
        except KeyboardInterrupt as interrupt:
            if not signals.is_ctrl_c(interrupt):
                raise
            server.close()  # in here, where the next Ctrl-C is not heard
            stderr.note("the page has ended")
