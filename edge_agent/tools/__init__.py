"""The tools an agent can call, one file each, in one table; a profile says which it may.

Others are chosen for a run: `--tool`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from edge_agent.errors import ToolboxError
from edge_agent.installation import require_extra
from edge_agent.tools import python
from edge_agent.tools.base import EarlierCall, Tool, ToolContext, ToolError, ToolResult
from edge_agent.tools.google_search import GoogleSearch
from edge_agent.tools.python import Python
from edge_agent.tools.read import Read
from edge_agent.tools.run_python_code import RunPythonCode
from edge_agent.tools.scrape_and_extract_info import ScrapeAndExtractInfo
from edge_agent.tools.search import Search
from edge_agent.tools.toolbox import Toolbox

TOOLS: dict[str, Tool] = {
    tool.signature.name: tool
    for tool in (
        Search(),
        Read(),
        GoogleSearch(),
        ScrapeAndExtractInfo(),
        Python(),
        RunPythonCode(),
    )
}

CHOICES: tuple[str, ...] = (python.NAME,)
"""The tools that a user may choose for a run, by name."""
_EXTRAS = {python.NAME: "python"}
"""The extra that a choice needs."""


def choice(name: str, surfaces: Mapping[str, str]) -> Tool:
    """Return a tool that a user chooses; a model that knows it under another name gets that one.

    `name` is one of CHOICES. Raises ToolboxError where its extra is not installed.
    """
    require_extra(_EXTRAS[name], f"The tool '{name}' needs", ToolboxError)
    return TOOLS[surfaces.get(name, name)]


def toolbox(names: Iterable[str], more: Iterable[Tool] = ()) -> Toolbox:
    """Return a toolbox with the tools of the table that have these names, and `more`.

    Raises ToolboxError for a name that the table does not have.
    """
    own = []
    for name in names:
        if name not in TOOLS:
            raise ToolboxError(f"There is no tool '{name}'. Use some of: {', '.join(TOOLS)}.")
        own.append(TOOLS[name])
    return Toolbox(own, more)


__all__ = [
    "CHOICES",
    "TOOLS",
    "EarlierCall",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolResult",
    "Toolbox",
    "choice",
    "toolbox",
]
