"""The options that say how questions are answered, which `ask`, `serve` and `mcp` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from edge_agent.cli.running import budget_options, offline_option
from edge_agent.models import DEFAULT_CONTEXT, load_catalog

_Command = TypeVar("_Command", bound=Callable[..., Any])

model_option = click.option(
    "-m",
    "--model",
    metavar="NAME|PATH|URL",
    help="A model by name (see: models list), a GGUF file, or http://host:port/v1#name.  "
    f"[default: {load_catalog().default}]",
)
context_option = click.option(
    "--context",
    type=click.IntRange(min=64),
    default=DEFAULT_CONTEXT,
    show_default=True,
    help="The model's window, in tokens.",
)

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
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
    model_option,
    click.option(
        "--profile",
        metavar="NAME|PATH",
        help="How the model is led: a profile by name, or a TOML file of your own.  "
        "[default: the model's own]",
    ),
    context_option,
    budget_options("the profile's own"),
    click.option(
        "--tool",
        "tools",
        multiple=True,
        metavar="NAME",
        help="A tool for the model beside those that it has anyway: python, or an MCP server of "
        "the settings, or one tool of it as SERVER/TOOL. Repeatable.",
    ),
    click.option("--web", is_flag=True, help="Search the web where the libraries do not answer."),
    click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same answer."),
    offline_option,
)


def answering_options(command: _Command) -> _Command:
    """Add the options for how questions are answered."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
