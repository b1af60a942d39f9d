"""What is set takes the place of the defaults that commands come with, in their help too."""

from __future__ import annotations

import copy
from typing import Any

import click

from edge_agent.config import load_config
from edge_agent.errors import ConfigError
from edge_agent.home import Home


class Configured(click.Command):
    """A command whose help shows the defaults that are set, in place of those it comes with."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, each with its default."""
        options = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        records = [_as_set(option, ctx).get_help_record(ctx) for option in options]
        with formatter.section("Options"):
            formatter.write_dl([record for record in records if record is not None])


def _as_set(option: click.Option, ctx: click.Context) -> click.Option:
    """Return an option that tells which default is set, where one is."""
    if option.name not in (ctx.default_map or {}):
        return option
    told = copy.copy(option)
    told.show_default = True
    told.help = (option.help or "").partition("  [default: ")[0]  # what it says of its own
    return told


def configured_defaults(*, needed: bool) -> dict[str, Any]:
    """Return what is set for each command, by the names of its parameters.

    Broken settings raise ConfigError where they are `needed`; else they set nothing.
    """
    try:
        found = load_config(Home.from_environment().config)
    except ConfigError:
        if needed:
            raise
        return {}
    ask = found.ask.model_dump(exclude_defaults=True)
    going_on = {name: value for name, value in ask.items() if name == "offline"}
    return {
        **dict.fromkeys(("ask", "serve", "mcp"), ask),
        "runs": {"resume": going_on, "fork": going_on},
    }
