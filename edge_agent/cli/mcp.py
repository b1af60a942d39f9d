"""`miro-edge mcp`: the user's libraries, and the agent over them, as tools of any MCP client."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import click

from edge_agent.cli.defaults import Configured
from edge_agent.cli.libraries import open_libraries
from edge_agent.cli.options import answering_options
from edge_agent.cli.server_setup import (
    listening_options,
    opened_setup,
    place_for,
    wanted_settings,
)
from edge_agent.home import Home
from edge_agent.installation import require_extra
from edge_agent.runs import RunStore
from edge_agent.serving.place import Place, ServingError, listener
from edge_agent.serving.researcher import Researcher


@click.command(cls=Configured)
@answering_options
@click.option("--http", is_flag=True, help="Serve over HTTP instead of standard input and output.")
@listening_options(8002, "With --http: ")
def mcp(http: bool, host: str, port: int, token: str | None, **options: Any) -> None:
    """Offer search, read and research over your libraries to an MCP client.

    The client starts this command, and speaks to it over standard input and output. The model is
    loaded when the first question comes to research; search and read need none. Every run is
    stored: miro-edge runs list. Needs the extra `mcp`.

    \b
    Examples:
      miro-edge mcp -l papers --offline
      miro-edge mcp -l papers --http --port 8080
    """
    require_extra("mcp", "An MCP server needs", ServingError)
    from edge_agent.serving.finding import Finder
    from edge_agent.serving.mcp_server import LibraryServer
    from edge_agent.serving.mcp_server_transports import run_on_standard_streams, run_over_http

    home = Home.from_environment()
    wanted = wanted_settings(options, home)
    place = place_for(host, port, token)
    library = open_libraries(wanted.libraries, home, quiet=False, offline=wanted.offline)
    with (
        closing(RunStore(home.runs)) as store,
        Researcher(lambda: opened_setup(wanted, home), store) as researcher,
    ):
        server = LibraryServer(Finder(library), researcher, wanted).server()
        if not http:
            run_on_standard_streams(server)
            return
        with closing(listener(place)) as listening:
            run_over_http(
                server,
                place,
                listening,
                lambda given: click.echo(_greeting(place, given), err=True),
                researcher.end,
            )


def _greeting(place: Place, port: int) -> str:
    """Return where the server is, how to come in, and what to tell a client."""
    from edge_agent.serving.mcp_server_transports import PATH

    address = f"{place.root(port)}{PATH}"
    entry = {
        "type": "http",
        "url": address,
        "headers": {"Authorization": f"Bearer {place.token}"},
    }
    return (
        f"Address: {address}\n"
        f"Token:   {place.token}\n\n"
        f"{json.dumps({'mcpServers': {'miro-edge': entry}}, indent=2)}\n\n"
        "Ctrl-C ends it."
    )
