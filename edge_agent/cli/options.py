"""Options that commands share: what is printed, what may be spent, how questions are answered."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from edge_agent.models import DEFAULT_CONTEXT, load_catalog

_Command = TypeVar("_Command", bound=Callable[..., Any])

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on standard output."
)
"""The option of every command that prints data."""

output_option = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Where to write it.  [default: standard output]",
)
"""The option of every command that writes a text for other programs."""

offline_option = click.option(
    "--offline", is_flag=True, help="Never download, and use no server elsewhere."
)


def with_options(*options: Callable[[Any], Any]) -> Callable[[_Command], _Command]:
    """Return a decorator that adds options, which help shows in this order."""

    def add(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def budget_options(default: str) -> Callable[[_Command], _Command]:
    """Return a decorator that adds the options for what a run may cost."""
    max_calls = click.option(
        "--max-calls",
        type=click.IntRange(min=1),
        help="Most tool calls of an attempt; at the limit it answers from what it has.  "
        f"[default: {default}]",
    )
    return with_options(max_calls, _max_time_option, _max_tokens_option)


def _number(seconds: float | None) -> float | None:
    """Refuse what is a float but no number, which no range keeps out."""
    if seconds is not None and not math.isfinite(seconds):
        raise click.BadParameter(f"{seconds} is no number of seconds.", param_hint="'--max-time'")
    return seconds


_max_time_option = click.option(
    "--max-time",
    type=click.FloatRange(min=0, min_open=True),
    callback=lambda _ctx, _option, seconds: _number(seconds),
    metavar="SECONDS",
    help="Answer from what was found after this many seconds.",
)
_max_tokens_option = click.option(
    "--max-tokens",
    type=click.IntRange(min=1),
    help="Answer from what was found after this many tokens, read and written, in the whole run.",
)


output_options = with_options(
    json_option,
    click.option("--events", is_flag=True, help="Print every event as a JSON line as it happens."),
    click.option("--quiet", is_flag=True, help="Print the answer and nothing else."),
)
"""Adds the options for what is printed while a run goes on, and at its end."""

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

answering_options = with_options(
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
    click.option(
        "--seed",
        type=int,
        default=0,
        show_default=True,
        help="Same seed, machine and number of threads: same answer.",
    ),
    offline_option,
)
"""Adds the options for how questions are answered."""
