"""What a run may use beside its libraries and its profile's own tools: chosen by who asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from edge_agent.config import McpServer, load_config
from edge_agent.errors import ToolboxError
from edge_agent.home import Home
from edge_agent.index import Searched
from edge_agent.mcp_client.choosing import ServerTools, check_servers, open_servers
from edge_agent.profiles import Profile
from edge_agent.tools import CHOICES, Tool, choice


@dataclass(frozen=True, slots=True)
class Extras:
    """More tools, and a web to search where the libraries do not answer."""

    tools: tuple[Tool, ...] = ()
    web: Searched | None = None
    remarks: tuple[str, ...] = ()
    """What whoever asks should know about it, a sentence each."""


def check_tools(names: Sequence[str], *, offline: bool = False) -> None:
    """Raise ToolboxError as `open_extras` does, as far as that is known before anything is opened.

    Raises what the settings do, where a name may stand there.
    """
    for name in names:
        if name in CHOICES:
            choice(name, {})
    if servers := _of_servers(names):
        check_servers(servers, _servers_for(servers), offline=offline)


@contextmanager
def open_extras(
    names: Sequence[str], profile: Profile, web: Searched | None = None, *, offline: bool = False
) -> Iterator[Extras]:
    """Open what was asked for by name, and lend it, with the web; the end lets all of it go.

    A model that knows a tool under another name gets it as it knows it. A name that is of no tool
    of the program's is one of an MCP server in the settings, or of one of its tools. Raises
    ToolboxError for a name that means nothing, and where what it needs is not installed, and what
    the settings and the servers raise.
    """
    names = tuple(dict.fromkeys(names))
    with ExitStack() as opened:
        if web is not None:
            opened.enter_context(closing(web))
        own = tuple(choice(name, profile.surfaces) for name in names if name in CHOICES)
        found = opened.enter_context(_servers(_of_servers(names), offline=offline))
        yield Extras((*own, *found.tools), web, found.remarks)


@contextmanager
def _servers(names: Sequence[str], *, offline: bool) -> Iterator[ServerTools]:
    """Open the MCP servers of some names; no names open nothing, and read no settings."""
    if not names:
        yield ServerTools()
        return
    with open_servers(names, _servers_for(names), offline=offline) as found:
        yield found


def _of_servers(names: Sequence[str]) -> list[str]:
    """Return the names that are of no tool of the program's."""
    return [name for name in names if name not in CHOICES]


def _servers_for(names: Sequence[str]) -> Mapping[str, McpServer]:
    """Return the MCP servers in the settings. Raises ToolboxError for a name that is of none."""
    servers = load_config(Home.from_environment().config).mcp
    for name in names:
        if name.partition("/")[0] not in servers:
            choices = ", ".join((*CHOICES, *servers)) or "none so far"
            raise ToolboxError(f"There is no tool '{name}' to choose. There is: {choices}.")
    return servers
