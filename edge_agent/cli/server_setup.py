"""What `serve` and `mcp` share: where they listen, and what they answer questions with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import click

from edge_agent.cli.libraries import open_libraries
from edge_agent.cli.options import with_options
from edge_agent.cli.pulling import ensure_wanted
from edge_agent.cli.tools import opened_extras
from edge_agent.config import AskSettings, load_config
from edge_agent.home import Home
from edge_agent.launch import agent_settings, check_names, web_beside
from edge_agent.model_opening import loading_settings, open_session
from edge_agent.profiles import load_profile
from edge_agent.serving.place import Place
from edge_agent.serving.researcher import ResearchSetup

_Command = TypeVar("_Command", bound=Callable[..., Any])


def listening_options(port: int, condition: str = "") -> Callable[[_Command], _Command]:
    """Return a decorator that adds the options for where a server listens, under a condition."""
    return with_options(
        click.option(
            "--host",
            default="127.0.0.1",
            show_default=True,
            help=f"{condition}The address to listen on; others than this machine's are your risk.",
        ),
        click.option(
            "--port",
            type=click.IntRange(0, 65535),
            default=port,
            show_default=True,
            help=f"{condition}The port; 0 takes a free one.",
        ),
        click.option(
            "--token",
            metavar="TEXT",
            envvar="MIRO_EDGE_TOKEN",
            help=f"{condition}What clients have to know, 16 characters or more; better given in "
            "the environment, as MIRO_EDGE_TOKEN.  [default: a new one, which is printed]",
        ),
    )


def place_for(host: str, port: int, token: str | None) -> Place:
    """Return where to listen, with a new token where none is given. Raises ServingError."""
    return Place(host, port) if token is None else Place(host, port, token)


def wanted_settings(options: Mapping[str, Any], home: Home) -> AskSettings:
    """Return how questions are answered: as typed, and what has no option as set.

    Raises ConfigError; UnknownLibrary, ProfileError and ToolboxError for slips in names.
    """
    configured = load_config(home.config).ask
    wanted = AskSettings.model_validate({**configured.model_dump(), **options})
    check_names(wanted, home)
    return wanted


@contextmanager
def opened_setup(wanted: AskSettings, home: Home) -> Iterator[ResearchSetup]:
    """Lend what questions are answered with, pulled and indexed with progress where need be.

    Raises as `ask` does.
    """
    chosen = ensure_wanted(wanted.model, home, offline=wanted.offline, quiet=False)
    library = open_libraries(wanted.libraries, home, quiet=False, offline=wanted.offline)
    loading = loading_settings(chosen, home, wanted.context, wanted.kv_type, lock=wanted.mlock)
    profile = check_names(wanted, home) or load_profile(chosen.profile)
    tools = opened_extras(wanted.tools, profile, None, offline=wanted.offline, quiet=False)
    with tools as extras, open_session(chosen, loading) as session:
        settings = agent_settings(wanted, chosen, home)
        # Opened anew for each question: what it has seen belongs to that.
        web = partial(web_beside, library, home, wanted=wanted.web, offline=wanted.offline)
        if (tried := web()) is not None:  # what it lacks is said now
            tried.close()
        yield ResearchSetup(library, session, profile, settings, extras, web)
