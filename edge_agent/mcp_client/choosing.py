"""The servers that a run chooses: started, asked what they offer, and lent as tools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from edge_agent.config import McpServer
from edge_agent.errors import ToolboxError
from edge_agent.installation import require_extra
from edge_agent.models import on_this_machine
from edge_agent.protocol import ToolSignature, render_tools
from edge_agent.tools import CHOICES, TOOLS, Tool

from .offers import Offers, offers

_MOST_TOOLS = 16
_MOST_CHARACTERS = 4_000
"""Of the list of tools in the prompt: a quarter of a window of 4,096 tokens."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A server that was chosen, and which of its tools; none is all of them."""

    name: str
    tools: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServerTools:
    """The tools that were chosen, and what is to be said about those that are left out."""

    tools: tuple[Tool, ...] = ()
    remarks: tuple[str, ...] = ()


def choices(names: Iterable[str]) -> tuple[Choice, ...]:
    """Return the choices that names make: SERVER, or SERVER/TOOL."""
    found: dict[str, dict[str, None]] = {}
    whole = set()
    for name in names:
        server, slash, tool = name.partition("/")
        found.setdefault(server, {})
        if slash:
            found[server][tool] = None
        else:
            whole.add(server)
    return tuple(
        Choice(server, () if server in whole else tuple(tools)) for server, tools in found.items()
    )


@contextmanager
def open_servers(
    names: Sequence[str], servers: Mapping[str, McpServer], *, offline: bool
) -> Iterator[ServerTools]:
    """Start the servers that are chosen, and lend their tools; at the end they are gone.

    `names` are SERVER or SERVER/TOOL, each server one of `servers`. Raises ToolboxError for one
    that cannot be had, or where the tools are more than a model can be told of.
    """
    check_servers(names, servers, offline=offline)
    chosen = choices(names)
    from .connection import connected
    from .server_tool import ServerTool

    with connected({choice.name: servers[choice.name] for choice in chosen}) as connections:
        tools: list[Tool] = []
        remarks: list[str] = []
        for choice in chosen:
            connection = connections[choice.name]
            found = offers(choice.name, connection.listed(), servers[choice.name].tools)
            tools += [ServerTool(each, connection) for each in _wanted(choice, found)]
            if not choice.tools:
                remarks += _remarks(choice.name, found)
        _check_room([tool.signature for tool in tools])
        yield ServerTools(tuple(tools), tuple(remarks))


def offered(name: str, server: McpServer) -> Offers:
    """Start a server, and return what it offers; then it is gone. Raises ToolboxError."""
    check_servers([name], {name: server}, offline=False)
    from .connection import connected

    with connected({name: server}) as connections:
        return offers(name, connections[name].listed(), server.tools)


def check_servers(names: Iterable[str], servers: Mapping[str, McpServer], *, offline: bool) -> None:
    """Raise ToolboxError as `open_servers` does, as far as that is known before any is started."""
    for choice in choices(names):
        _check(choice.name, servers[choice.name], offline=offline)
    require_extra("mcp", "MCP servers need", ToolboxError)


def _check(name: str, server: McpServer, *, offline: bool) -> None:
    """Raise ToolboxError for a server that this run may not use."""
    if name in CHOICES or any(tool.signature.server == name for tool in TOOLS.values()):
        raise ToolboxError(
            f"The MCP server '{name}' has the name of something that comes with the program. Give "
            "it another one in the settings; where they are says: miro-edge config"
        )
    if offline and server.url is not None and not on_this_machine(server.url):
        raise ToolboxError(
            f"--offline allows only MCP servers on this machine, which '{name}' is not. "
            "Leave --offline out, or the tool."
        )


def _wanted(choice: Choice, offered: Offers) -> tuple[ToolSignature, ...]:
    """Return the tools of a server that were chosen. Raises ToolboxError."""
    if not choice.tools:
        return tuple(offered.usable.values())
    for tool in choice.tools:
        if tool in offered.left_out:
            raise ToolboxError(
                f"The tool '{tool}' of the MCP server '{choice.name}' cannot be used: "
                f"{offered.left_out[tool]}."
            )
        if tool not in offered.usable:
            there = ", ".join(f"{choice.name}/{name}" for name in offered.usable) or "nothing"
            raise ToolboxError(
                f"The MCP server '{choice.name}' offers no tool '{tool}', or the settings do not "
                f"allow it. It offers: {there}."
            )
    return tuple(offered.usable[tool] for tool in choice.tools)


def _remarks(name: str, offered: Offers) -> Iterator[str]:
    """Yield what is to be said about tools that nobody asked for by name."""
    if not offered.usable:
        yield f"The MCP server '{name}' offers no tool that can be used."
    for tool, reason in offered.left_out.items():
        yield f"The tool '{tool}' of the MCP server '{name}' is left out: {reason}."


def _check_room(signatures: Sequence[ToolSignature]) -> None:
    """Raise ToolboxError where a model cannot be told of all tools."""
    length = len(render_tools(tuple(signatures)))
    if len(signatures) <= _MOST_TOOLS and length <= _MOST_CHARACTERS:
        return
    there = ", ".join(f"{each.server}/{each.name}" for each in signatures)
    raise ToolboxError(
        f"The MCP servers of this run offer {len(signatures)} tools, {length:,} characters to be "
        f"told to the model; its window is kept for evidence, and has room for {_MOST_TOOLS} tools "
        f"and {_MOST_CHARACTERS:,} characters. Choose some of them, as in "
        f"--tool {signatures[0].server}/{signatures[0].name}. There is: {there}."
    )
