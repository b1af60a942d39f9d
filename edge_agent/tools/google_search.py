"""`google_search`, as MiroThinker models know it, with the local libraries behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

from pydantic import BaseModel, Field

from edge_agent.events import Quote
from edge_agent.index import Hit, Passage, Titled, excerpts
from edge_agent.protocol import ToolSignature
from edge_agent.tools.addresses import address_of
from edge_agent.tools.base import ToolContext, ToolResult

_Document: TypeAlias = tuple[str, str]
"""A document: its library, and its id there."""
_GAP = " … "
_MOST_BARE = 0.5
"""Share of a result's tokens that may go into all but the snippets."""
# As long and as deeply indented as a docstring is that nobody has cleaned: so the models know it.
_DESCRIPTION = """
    Search the user's documents as one would search the web.

    Each result has a title, a link that scrape_and_extract_info can read, and a snippet.

    Args:
        q: What to look for
        gl: Region, of no effect here
        hl: Language, of no effect here
        location: Place, of no effect here
        num: How many results, a few at most
        tbs: Time, of no effect here
        page: Which page of results (default: 1)
        autocorrect: Of no effect here

    Returns:
        The results, and what was searched for.
    """


class GoogleSearchArguments(BaseModel):
    """The arguments that the models were trained with; of those without effect any value will do.

    Raises pydantic's ValidationError.
    """

    q: str = Field(min_length=1)
    num: int | None = Field(default=None, ge=1)
    page: int | None = Field(default=None, ge=1, le=100)


class GoogleSearch:
    """Searches the libraries, and answers in the shape of a web search."""

    signature: ClassVar = ToolSignature(
        "search_and_scrape_webpage",
        "google_search",
        _DESCRIPTION,
        {
            "properties": {
                "q": {"title": "Q", "type": "string"},
                "gl": {"default": "us", "title": "Gl", "type": "string"},
                "hl": {"default": "en", "title": "Hl", "type": "string"},
                "location": {"default": None, "title": "Location", "type": "string"},
                "num": {"default": None, "title": "Num", "type": "integer"},
                "tbs": {"default": None, "title": "Tbs", "type": "string"},
                "page": {"default": None, "title": "Page", "type": "integer"},
                "autocorrect": {"default": None, "title": "Autocorrect", "type": "boolean"},
            },
            "required": ["q"],
            "title": "google_searchArguments",
            "type": "object",
        },
        slips={"query": "q", "search_query": "q", "keywords": "q", "num_results": "num"},
        also_called=("search", "google", "web_search"),
    )

    def run(self, arguments: dict[str, Any], context: ToolContext) -> ToolResult:
        """Show the best passages for a query, one result a document. Raises ValidationError."""
        wanted = GoogleSearchArguments(**arguments)
        page, number = wanted.page or 1, min(wanted.num or context.results, context.results)
        found = context.library.search(wanted.q, number * page)[number * (page - 1) :]
        parameters = {
            "q": wanted.q,
            "type": "search",
            "num": number,
            "page": page,
            "engine": "local",
        }
        results = _by_document(found)
        bare = context.count(_rendered(results, {}, parameters))
        while len(results) > 1 and bare > context.tokens * _MOST_BARE:
            results.popitem()
            bare = context.count(_rendered(results, {}, parameters))
        snippets, shown = _excerpted(results, wanted.q, max(1, context.tokens - bare), context)
        return ToolResult(_rendered(results, snippets, parameters), shown)


def _by_document(found: Sequence[tuple[str, Hit]]) -> dict[_Document, list[Passage]]:
    """Return the passages that were found, by library and document, the best document first."""
    results: dict[_Document, list[Passage]] = {}
    for library, hit in found:
        results.setdefault((library, hit.passage.document), []).append(hit.passage)
    return results


def _excerpted(
    results: Mapping[_Document, Sequence[Passage]], query: str, tokens: int, context: ToolContext
) -> tuple[dict[_Document, str], tuple[Quote, ...]]:
    """Return the snippet of each document, and the sentences that stand in them."""
    passages = [(place, passage) for place, found in results.items() for passage in found]
    texts = [Titled(passage.label, passage.text) for _, passage in passages]
    chosen = excerpts(texts, query, context.count, tokens, context.library.embedder)
    snippets: dict[_Document, str] = {}
    shown: list[Quote] = []
    for (place, passage), excerpt in zip(passages, chosen, strict=True):
        if excerpt.sentences:
            snippets[place] = _GAP.join([*filter(None, [snippets.get(place)]), excerpt.text])
            key = context.evidence.add(place[0], passage).key
            shown += [Quote(key, sentence) for sentence in excerpt.sentences]
    return snippets, tuple(shown)


def _rendered(
    results: Mapping[_Document, Sequence[Passage]],
    snippets: Mapping[_Document, str],
    parameters: Mapping[str, object],
) -> str:
    organic = [
        {
            "title": passages[0].title,
            "link": address_of(*place),
            "snippet": snippets.get(place, ""),
            "position": position,
        }
        for position, (place, passages) in enumerate(results.items(), start=1)
    ]
    found = {"organic": organic, "searchParameters": parameters}
    return json.dumps(found, ensure_ascii=False, indent=2)
