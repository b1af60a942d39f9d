"""The tools an agent can call, one file each, in one table."""

from __future__ import annotations

from edge_agent.tools.base import Tool, ToolContext, ToolError, ToolResult
from edge_agent.tools.read import Read
from edge_agent.tools.search import Search

TOOLS: dict[str, Tool] = {tool.signature.name: tool for tool in (Search(), Read())}

__all__ = ["TOOLS", "Tool", "ToolContext", "ToolError", "ToolResult"]
