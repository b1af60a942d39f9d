"""`miro-edge tui`: the terminal interface, in this terminal, in a browser, or line by line."""

from __future__ import annotations

import os
import sys

import click

from edge_agent.home import Home

DRIVER_VARIABLE = "TEXTUAL_DRIVER"
"""Set where the interface is shown by something else than a terminal: a browser."""


@click.command()
@click.option("--serve", is_flag=True, help="Show the interface in a browser instead.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="With --serve: the address to listen on; others than this machine's are your risk.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="With --serve: the port; 0 takes a free one.",
)
@click.option(
    "--plain",
    is_flag=True,
    help="Line by line, without drawing: for screen readers and simple terminals.",
)
def tui(serve: bool, host: str, port: int, plain: bool) -> None:
    """Open the terminal interface: ask, watch the model think, steer it, keep what it found.

    F1 lists the keys. Leaving in the middle of a run keeps it: it can be gone on with later.

    \b
    Examples:
      miro-edge tui
      miro-edge tui --serve --port 8080
      miro-edge tui --plain
    """
    if serve:
        _serve(host, port)
    elif plain:
        from edge_agent.tui.plain import converse

        converse(Home.from_environment())
    else:
        _open()


def _open() -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()) and DRIVER_VARIABLE not in os.environ:
        raise click.UsageError(
            "The terminal interface needs a terminal. For scripts there is: miro-edge ask"
        )
    from edge_agent.tui.app import MiroEdge

    app = MiroEdge(Home.from_environment())
    app.run()
    app.close()


def _serve(host: str, port: int) -> None:
    from edge_agent.tui.serving import Serving, serve

    command = [sys.executable, "-m", "edge_agent.cli", "tui"]
    serve(command, Serving(host=host, port=port), lambda text: click.echo(text, err=True))
