"""`miro-edge serve`: the agent as the models of an OpenAI-compatible server."""

from __future__ import annotations

from contextlib import closing, nullcontext
from typing import Any

import click

from edge_agent.cli.defaults import Configured
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
from edge_agent.serving.running import run


@click.command(cls=Configured)
@answering_options
@listening_options(8001)
def serve(host: str, port: int, token: str | None, **options: Any) -> None:
    """Serve the agent to programs that speak OpenAI's interface, until Ctrl-C.

    The model miro-edge searches all libraries that are given, miro-edge/NAME one of them. The
    user's last message is the question. Answers come with sources, and one at a time; the steps
    are streamed as reasoning. Every run is stored: miro-edge runs list. Needs the extra `serve`.

    \b
    Examples:
      miro-edge serve
      miro-edge serve -l papers -l ~/manuals --port 8080
    """
    require_extra("serve", "The server needs", ServingError)
    from edge_agent.serving.openai_server import OpenAIServer

    home = Home.from_environment()
    wanted = wanted_settings(options, home)
    place = place_for(host, port, token)
    with (
        closing(listener(place)) as listening,
        closing(RunStore(home.runs)) as store,
        opened_setup(wanted, home) as setup,
        Researcher(lambda: nullcontext(setup), store) as researcher,
    ):
        names = [library.name for library in setup.library.libraries]
        application = OpenAIServer(researcher, names, place).application()
        run(application, listening, lambda given: click.echo(_greeting(place, given), err=True))


def _greeting(place: Place, port: int) -> str:
    """Return where the server is, how to come in, and a request to try."""
    address = f"{place.root(port)}/v1"
    body = '{"model": "miro-edge", "messages": [{"role": "user", "content": "Who …?"}]}'
    return (
        f"Address: {address}\n"
        f"Token:   {place.token}\n\n"
        f"  curl {address}/chat/completions \\\n"
        f'    -H "Authorization: Bearer {place.token}" -H "Content-Type: application/json" \\\n'
        f"    -d '{body}'\n\n"
        "Ctrl-C ends it."
    )
