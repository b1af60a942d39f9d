"""The `search` tool: passages of the library, excerpted to a token budget."""

from __future__ import annotations

from itertools import islice
from typing import Any

from pydantic import BaseModel, Field

from edge_agent.tools.base import ToolContext, ToolResult, show, signature
from edge_agent.tools.named import named_passages


class SearchArguments(BaseModel):
    """Search the library. Answers with numbered passages."""

    query: str = Field(min_length=1, description="what to look for, in a few words")


class Search:
    """Searches the library for passages."""

    signature = signature(
        "library",
        "search",
        SearchArguments,
        slips={"q": "query", "search_query": "query", "keywords": "query", "question": "query"},
        also_called=("google_search", "web_search", "find"),
    )

    def run(self, arguments: dict[str, Any], context: ToolContext) -> ToolResult:
        """Show the best passages for a query: their key, title, and sentences that match."""
        query = SearchArguments(**arguments).query
        known = context.known()
        found = context.library.search(query, context.results)
        identities = [(library, hit.passage.id, hit.passage.text) for library, hit in found]
        again = [known[each] for each in identities if each in known]
        if again:  # what stands above makes room for others
            shown = {(library, passage) for library, passage, _ in known}
            changed = {each[:2] for each in identities if each not in known}
            more = context.library.search(query, context.results + len(known), shown - changed)
            whole = [e for e in context.evidence.since(0) if e.key in known.values()]
            above = {exhibit.passage.content for exhibit in whole}
            new = (each for each in more if each[1].passage.content not in above)
            found = tuple(islice(new, context.results))
        if not found and not again:
            return ToolResult(f"Nothing in the library matches: {query}")
        passages = [(library, hit.passage) for library, hit in found]
        named = named_passages(passages, query, context)
        # The question's words count beside the query's: a sentence that answers both comes first.
        exhibits = [context.evidence.add(library, passage) for library, passage in passages + named]
        # What is named stands last, not lowest: it is as likely what the question asks for.
        result = show(exhibits, f"{query} {context.question}", context, beside=len(named))
        if not again:
            return result
        pointer = f"See above: {' '.join(f'[{key}]' for key in again)}"
        return ToolResult(
            f"{pointer}\n{result.text}".strip(),
            (*(quote for key in again for quote in context.seen(key)), *result.shown),
        )
