"""What `serve` and `mcp` share: where they listen, and what they answer questions with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from edge_agent.cli.libraries import open_libraries
from edge_agent.cli.pulling import ensure_wanted
from edge_agent.cli.running import budget_options, offline_option
from edge_agent.config import AskSettings, load_config
from edge_agent.home import Home
from edge_agent.launch import agent_settings, check_names
from edge_agent.models import DEFAULT_CONTEXT, load_catalog
from edge_agent.opening import loading_settings, open_session
from edge_agent.serving.place import Place
from edge_agent.serving.researcher import Means

_Command = TypeVar("_Command", bound=Callable[..., Any])


def answering_options(command: _Command) -> _Command:
    """Add the options for how questions are answered."""
    for option in reversed(_ANSWERING):
        command = option(command)
    return command


_ANSWERING: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "-l",
        "--library",
        "libraries",
        multiple=True,
        default=("sample",),
        show_default=True,
        metavar="NAME|PATH",
        help="A library by name, or a folder or file, which is indexed on the fly. Repeatable.",
    ),
    click.option(
        "-m",
        "--model",
        metavar="NAME|PATH|URL",
        help="A model by name (see: models list), a GGUF file, or http://host:port/v1#name.  "
        f"[default: {load_catalog().default}]",
    ),
    click.option(
        "--profile",
        metavar="NAME|PATH",
        help="How the model is led: a profile by name, or a TOML file of your own.  "
        "[default: the model's own]",
    ),
    click.option(
        "--context",
        type=click.IntRange(min=64),
        default=DEFAULT_CONTEXT,
        show_default=True,
        help="The model's window, in tokens.",
    ),
    budget_options("the profile's own"),
    click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same answer."),
    offline_option,
)


def listening_options(port: int, condition: str = "") -> Callable[[_Command], _Command]:
    """Return a decorator that adds the options for where a server listens, under a condition."""

    def add(command: _Command) -> _Command:
        command = click.option(
            "--token",
            metavar="TEXT",
            envvar="MIRO_EDGE_TOKEN",
            help=f"{condition}What clients have to know, 16 characters or more; better given in "
            "the environment, as MIRO_EDGE_TOKEN.  [default: a new one, which is printed]",
        )(command)
        command = click.option(
            "--port",
            type=click.IntRange(0, 65535),
            default=port,
            show_default=True,
            help=f"{condition}The port; 0 takes a free one.",
        )(command)
        return click.option(
            "--host",
            default="127.0.0.1",
            show_default=True,
            help=f"{condition}The address to listen on; others than this machine's are your risk.",
        )(command)

    return add


def place_for(host: str, port: int, token: str | None) -> Place:
    """Return where to listen, with a new token where none is given. Raises ServingError."""
    return Place(host, port) if token is None else Place(host, port, token)


def wanted_settings(options: Mapping[str, Any], home: Home) -> AskSettings:
    """Return how questions are answered: as typed, and what has no option as set.

    Raises ConfigError; UnknownLibrary and ProfileError for slips in names.
    """
    wanted = load_config(home.config).ask.model_copy(update=dict(options))
    check_names(wanted, home)
    return wanted


@contextmanager
def opened_means(wanted: AskSettings, home: Home) -> Iterator[Means]:
    """Lend what questions are answered with, pulled and indexed with progress where need be.

    Raises as `ask` does.
    """
    chosen = ensure_wanted(wanted.model, home, offline=wanted.offline, quiet=False)
    library = open_libraries(wanted.libraries, home, quiet=False, offline=wanted.offline)
    loading = loading_settings(chosen, home, wanted.context, wanted.kv_type, lock=wanted.mlock)
    profile = check_names(wanted, home) or chosen.profile
    with open_session(chosen, loading) as session:
        yield Means(library, session, profile, agent_settings(wanted, chosen, home))
