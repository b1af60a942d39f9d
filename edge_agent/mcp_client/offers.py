"""What a server offers, as a model may be told of it: some tools are fit for that, some are not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from edge_agent.protocol import ToolSignature

from .schemas import UnusableSchema, simplified
from .untrusted import harmless

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,63}")
"""Names that can stand between our tags, and be told from those of arguments."""
_MOST_DESCRIBED = 300
_ARGUMENT_TOKENS = 200
"""Most tokens of the arguments of a call: they are more than the few words of a search."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A tool as a server lists it: nothing of it is to be trusted."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Offers:
    """The tools of a server by their names, and those that are left out, each with the reason."""

    usable: dict[str, ToolSignature] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def offers(server: str, tools: Iterable[Listed], allowed: Iterable[str] = ()) -> Offers:
    """Return what `server` offers; where some tools are `allowed`, it is these alone."""
    found = Offers()
    only = frozenset(allowed)
    for tool in tools:
        if only and tool.name not in only:
            continue
        if _NAME.fullmatch(tool.name) is None:
            found.left_out[harmless(tool.name, 40)] = "its name is not of letters, digits and _./-"
        elif tool.name in found.usable:
            continue  # of two with one name nobody can call the second
        else:
            try:
                found.usable[tool.name] = _signature(server, tool)
            except UnusableSchema as error:
                found.left_out[tool.name] = str(error)
    return found


def _signature(server: str, tool: Listed) -> ToolSignature:
    """Return what a model is told about a tool. Raises UnusableSchema."""
    return ToolSignature(
        server,
        tool.name,
        harmless(tool.description, _MOST_DESCRIBED) or tool.name,
        simplified(tool.schema),
        argument_tokens=_ARGUMENT_TOKENS,
    )
