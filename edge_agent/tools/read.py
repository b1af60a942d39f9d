"""The `read` tool: the whole text of a passage that was found, by its number."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from edge_agent.tools.base import ToolContext, ToolError, ToolResult, show, signature


class ReadArguments(BaseModel):
    """Read the whole of a passage that a search found."""

    passage: int = Field(ge=1, description="the number of the passage, as in [3]")


class Read:
    """Reads a passage by its key."""

    signature = signature("library", "read", ReadArguments)

    def run(self, arguments: dict[str, Any], context: ToolContext) -> ToolResult:
        """Show a passage whole, as far as the budget goes. Raises ToolError for an unknown key."""
        key = ReadArguments(**arguments).passage
        exhibit = context.evidence.get(key)
        if exhibit is None:
            raise ToolError(f"No search has found a passage [{key}].")
        return show([exhibit], context.question, context)
