"""What a run may use beside its libraries and its profile's own tools: chosen by who asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass

from edge_agent.index import Searched
from edge_agent.profiles import Profile
from edge_agent.tools import Tool, choice


@dataclass(frozen=True, slots=True)
class Extras:
    """More tools, and a web to search where the libraries do not answer."""

    tools: tuple[Tool, ...] = ()
    web: Searched | None = None


@contextmanager
def open_extras(
    names: Sequence[str], profile: Profile, web: Searched | None = None
) -> Iterator[Extras]:
    """Open what was asked for by name, and lend it, with the web; the end lets all of it go.

    A model that knows a tool under another name gets it as it knows it. Raises ToolboxError for a
    name that means nothing, and where what it needs is not installed.
    """
    with nullcontext() if web is None else closing(web):
        tools = tuple(choice(name, profile.surfaces) for name in dict.fromkeys(names))
        yield Extras(tools, web)
