"""The tools an agent can call, one file each, in one table; a profile says which it may."""

from __future__ import annotations

from edge_agent.tools.base import Tool, ToolContext, ToolError, ToolResult
from edge_agent.tools.google_search import GoogleSearch
from edge_agent.tools.read import Read
from edge_agent.tools.scrape_and_extract_info import ScrapeAndExtractInfo
from edge_agent.tools.search import Search

TOOLS: dict[str, Tool] = {
    tool.signature.name: tool for tool in (Search(), Read(), GoogleSearch(), ScrapeAndExtractInfo())
}

__all__ = ["TOOLS", "Tool", "ToolContext", "ToolError", "ToolResult"]
