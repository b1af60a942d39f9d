"""`miro-edge config`: what commands do where they are not told otherwise."""

from __future__ import annotations

import shlex
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import click

from edge_agent.cli.options import json_option
from edge_agent.cli.output import diagnostics, print_json, print_listing
from edge_agent.config import (
    Config,
    McpServer,
    changed,
    forget,
    load_config,
    save_config,
    settings,
    shown_value,
)
from edge_agent.home import Home
from edge_agent.showing import in_one_line


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def config(ctx: click.Context, as_json: bool) -> None:
    """Show what ask, serve, mcp and the interface do where nothing else is typed, or change it.

    What is typed on the command line goes before what is set here.

    \b
    Examples:
      miro-edge config
      miro-edge config set ask.context 8192
      miro-edge config unset ask.context
    """
    if ctx.invoked_subcommand is not None:
        return
    path = _path()
    found = load_config(path)
    if as_json:
        servers = [_server(name, each) for name, each in found.mcp.items()]
        print_json({"file": str(path), "settings": _records(found), "servers": servers})
        return
    rows = [
        (each.key, shown_value(found, each.key), each.default, each.description)
        for each in settings()
    ]
    print_listing(("setting", "value", "default", "what it is"), rows)
    for name, server in found.mcp.items():
        _print_server(name, server)
    _say(f"They lie in {path}")


@config.command("set", context_settings={"ignore_unknown_options": True})  # -1 is no option
@click.argument("key")
@click.argument("value")
def set_value(key: str, value: str) -> None:
    """Give the setting KEY a VALUE, which holds from the next command on.

    A switch is `yes` or `no`, a list has commas between its items.

    \b
    Examples:
      miro-edge config set ask.libraries "papers, manuals"
      miro-edge config set ask.offline yes
    """
    path = _path()
    fresh = changed(load_config(path), key, value)
    save_config(fresh, path)
    _say(f"{key} is {shown_value(fresh, key) or 'its default'} from now on.")


@config.command()
@click.argument("key")
def unset(key: str) -> None:
    """Give the setting KEY its default again.

    It also takes out of the file what is no setting, or has a value that it cannot have.

    \b
    Example:
      miro-edge config unset ask.context
    """
    forget(key, _path())
    if any(each.key == key for each in settings()):
        _say(f"{key} has its default again.")
    else:
        _say(f"{key} is taken out of the file.")


def _server(name: str, server: McpServer) -> dict[str, object]:
    """Return a server as JSON has it; what may be a secret is left out but for its name."""
    record = server.model_dump(mode="json", exclude={"env", "headers", "url"})
    url = None if server.url is None else _without_secrets(server.url)
    return {"name": name, **record, "url": url, "env": [*server.env], "headers": [*server.headers]}


def _print_server(name: str, server: McpServer) -> None:
    """Print how a server is reached, in a line."""
    reached = shlex.join(filter(None, (server.command, *server.args)))
    told = "".join(f" {each}=…" for each in (*server.env, *server.headers))
    url = "" if server.url is None else _without_secrets(server.url)
    only = f" (only {', '.join(server.tools)})" if server.tools else ""
    click.echo(in_one_line(f"mcp.{name}: {reached}{url}{told}{only}"))


def _without_secrets(url: str) -> str:
    """Return an address without what often is a password or a key."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _path() -> Path:
    return Home.from_environment().config


def _say(text: str) -> None:
    diagnostics().print(in_one_line(text))


def _records(found: Config) -> list[dict[str, object]]:
    """Return all settings with their values as JSON has them."""
    values, defaults = found.model_dump(mode="json"), Config().model_dump(mode="json")
    records = []
    for each in settings():
        table, name = each.key.split(".")
        records.append(
            {
                "key": each.key,
                "value": (shown_value(found, each.key) or None)
                if each.secret
                else values[table][name],
                "default": defaults[table][name],
                "description": each.description,
            }
        )
    return records
