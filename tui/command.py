"""`miro-edge tui`: the terminal interface, in this terminal, in a browser, or line by line."""

from __future__ import annotations

import os
import sys

import click

from edge_agent.home import Home

from .terminal import DRIVER_VARIABLE, in_terminal


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
@click.pass_context
def tui(ctx: click.Context, serve: bool, host: str, port: int, plain: bool) -> None:
    """Open the terminal interface: ask, watch the model think, steer it, keep what it found.

    F1 lists the keys. Leaving in the middle of a run keeps it: it can be gone on with later.
    A terminal that says it is dumb is spoken to line by line.

    \b
    Examples:
      miro-edge tui
      miro-edge tui --serve --port 8080
      miro-edge tui --plain
    """
    if serve and plain:
        raise click.UsageError("--serve and --plain exclude each other: choose one.")
    if serve:
        _serve(host, port)
    elif plain or _in_dumb_terminal():
        from .plain import converse

        converse(Home.from_environment())
    else:
        ctx.exit(_opened())


def _in_dumb_terminal() -> bool:
    """Return whether nothing can be drawn in this terminal, and no browser stands in for it."""
    return os.environ.get("TERM") == "dumb" and in_terminal() and DRIVER_VARIABLE not in os.environ


def _opened() -> int:
    """Open the interface, and return the exit code for how it ended."""
    if not in_terminal() and DRIVER_VARIABLE not in os.environ:
        raise click.UsageError(
            "The terminal interface needs a terminal. For scripts there is: miro-edge ask; "
            "and line by line: miro-edge tui --plain"
        )
    from .app import MiroEdge

    app = MiroEdge(Home.from_environment())
    try:
        app.run()
    finally:
        app.close()
    return app.return_code or 0


def _serve(host: str, port: int) -> None:
    from .endpoint import BrowserEndpoint
    from .serving import serve

    command = [sys.executable, "-m", "edge_agent.cli", "tui"]
    serve(command, BrowserEndpoint(host=host, port=port), lambda text: click.echo(text, err=True))
