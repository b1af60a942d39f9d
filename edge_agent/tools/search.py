"""The `search` tool: passages of the library, excerpted to a token budget."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from edge_agent.tools.base import ToolContext, ToolResult, show, signature


class SearchArguments(BaseModel):
    """Search the library. Answers with numbered passages."""

    query: str = Field(min_length=1, description="what to look for, in a few words")


class Search:
    """Searches the library for passages."""

    signature = signature("library", "search", SearchArguments)

    def run(self, arguments: dict[str, Any], context: ToolContext) -> ToolResult:
        """Show the best passages for a query: their key, title, and sentences that match."""
        query = SearchArguments(**arguments).query
        found = context.library.search(query, limit=context.results)
        if not found:
            return ToolResult(f"Nothing in the library matches: {query}")
        share = context.tokens // len(found)
        # The question's words count beside the query's: a sentence that answers both comes first.
        wanted = f"{query} {context.question}"
        shown = [
            show(context.evidence.add(library, hit.passage), wanted, context, share)
            for library, hit in found
        ]
        return ToolResult(
            "\n".join(result.text for result in shown),
            tuple(quote for result in shown for quote in result.shown),
        )
