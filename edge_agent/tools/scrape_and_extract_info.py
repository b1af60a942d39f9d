"""`scrape_and_extract_info`, as MiroThinker models know it, with local documents behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from edge_agent.events import Quote
from edge_agent.index import Excerpt, Passage, Titled, excerpts
from edge_agent.protocol import ToolSignature
from edge_agent.tools.addresses import document_at
from edge_agent.tools.base import ToolContext, ToolResult
from edge_agent.web_address import is_web_address

_MOST_PASSAGES = 8
"""Passages of a document out of which sentences are taken."""
# Indented like a docstring that nobody has cleaned: so the models know it.
_DESCRIPTION = """
    Read the document behind a link of google_search, and take out of it what is wanted.

    Args:
        url (str): The link, doc://…
        info_to_extract (str): What is wanted, best put as a question
        custom_headers (Dict[str, str]): Of no effect here

    Returns:
        Dict[str, Any]: These fields:
            - success (bool): Whether the document could be read
            - url (str): The link
            - extracted_info (str): Sentences of the document, word for word
            - error (str): Why it could not be read
            - scrape_stats (Dict): How long the document is
            - model_used (str): What chose the sentences
            - tokens_used (int): Always 0
    """
_NO_NETWORK = "There is no network here. Only links of google_search, doc://…, can be read."
_NO_DOCUMENT = "There is no such document. Copy the link from google_search."


class ScrapeArguments(BaseModel):
    """The arguments that the models were trained with; headers have no effect.

    Raises pydantic's ValidationError.
    """

    url: str = Field(min_length=1)
    info_to_extract: str = Field(min_length=1)


class ScrapeAndExtractInfo:
    """Finds the sentences of a document that say what is wanted; no model rewrites them."""

    signature: ClassVar = ToolSignature(
        "jina_scrape_llm_summary",
        "scrape_and_extract_info",
        _DESCRIPTION,
        {
            "properties": {
                "url": {"title": "Url", "type": "string"},
                "info_to_extract": {"title": "Info To Extract", "type": "string"},
                "custom_headers": {
                    "additionalProperties": {"type": "string"},
                    "default": None,
                    "title": "Custom Headers",
                    "type": "object",
                },
            },
            "required": ["url", "info_to_extract"],
            "title": "scrape_and_extract_infoArguments",
            "type": "object",
        },
        slips={
            "link": "url",
            "source": "url",
            "description": "info_to_extract",
            "introduction": "info_to_extract",
            "query": "info_to_extract",
            "info": "info_to_extract",
        },
        also_called=("scrape", "scrape_website", "extract_info", "read"),
    )

    def run(self, arguments: dict[str, Any], context: ToolContext) -> ToolResult:
        """Show what a document says about something. Raises ValidationError."""
        wanted = ScrapeArguments(**arguments)
        place = document_at(wanted.url, context)
        passages = () if place is None else context.library.document(*place)
        if place is None or not passages:
            remote = is_web_address(wanted.url)
            return ToolResult(_rendered(wanted.url, error=_NO_NETWORK if remote else _NO_DOCUMENT))
        library, document = place
        best = context.library.passages_about(
            library, document, wanted.info_to_extract, _MOST_PASSAGES
        )
        stats = _stats(passages)
        tokens = max(1, context.tokens - context.count(_rendered(wanted.url, "", stats)))
        chosen = _excerpted(best, wanted.info_to_extract, tokens, context)
        shown = tuple(
            Quote(context.evidence.add(library, passage).key, sentence)
            for passage, excerpt in chosen
            for sentence in excerpt.sentences
        )
        text = "\n".join(excerpt.text for _, excerpt in chosen)
        return ToolResult(_rendered(wanted.url, text, stats), shown)


def _excerpted(
    passages: tuple[Passage, ...], about: str, tokens: int, context: ToolContext
) -> list[tuple[Passage, Excerpt]]:
    """Return the passages that say something, best first, in the order of their document."""
    texts = [Titled(passage.label, passage.text) for passage in passages]
    found = excerpts(texts, about, context.count, tokens, context.library.embedder)
    chosen = [pair for pair in zip(passages, found, strict=True) if pair[1].sentences]
    return sorted(chosen, key=lambda pair: pair[0].start)


def _stats(passages: tuple[Passage, ...]) -> dict[str, Any]:
    first, last = passages[0], passages[-1]
    # A record has the line at which it stands in its file, which says nothing of its length.
    above = first.line - 1 if 0 < first.line <= first.start + 1 else 0
    lines = above + last.line - first.line + 1 + last.text.count("\n")
    if first.line == 0:  # nor has text that was taken out of its file any
        lines = 1 + sum(passage.text.count("\n") for passage in passages)
    return {
        "line_count": lines,
        "char_count": last.end,
        "last_char_line": lines,
        "all_content_displayed": True,  # all of it was looked through
    }


def _rendered(
    url: str, text: str = "", stats: Mapping[str, Any] | None = None, *, error: str = ""
) -> str:
    """Return the result in the shape that the models know; one with an error has nothing else."""
    result: dict[str, Any] = {
        "success": not error,
        "url": url,
        "extracted_info": text,
        "error": error,
        "scrape_stats": stats or {},
    }
    if not error:
        result["model_used"] = "extractive"
    return json.dumps({**result, "tokens_used": 0}, ensure_ascii=False, indent=2)
