"""The `read` tool: a passage that was found, or a document, from its beginning or in part."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

from edge_agent.evidence import Exhibit
from edge_agent.index import Passage
from edge_agent.tools.base import ToolContext, ToolError, ToolResult, show, signature

_KEY = re.compile(r"\s*(?:(\d{1,9})\s*\Z|\[(\d{1,9})\])")


class ReadArguments(BaseModel):
    """Read a passage that a search found, or a document."""

    source: int | str = Field(
        description="the number of a passage, as in [3], or the title of a document"
    )
    about: str = Field(default="", description="what to look for in it, if not all of it")


class Read:
    """Reads a passage by its key, or a document by its title or id."""

    signature = signature(
        "library",
        "read",
        ReadArguments,
        slips={
            "passage": "source",
            "key": "source",
            "document": "source",
            "title": "source",
            "url": "source",
            "query": "about",
            "info_to_extract": "about",
        },
        also_called=("open", "fetch", "scrape_and_extract_info"),
    )

    def run(self, arguments: dict[str, Any], context: ToolContext) -> ToolResult:
        """Show what is asked for, as far as the budget goes. Raises ToolError where it is not here.

        A passage is followed by what comes after it in its document. Evidence that has left the
        library since is still here, under its key.
        """
        wanted = ReadArguments(**arguments)
        exhibit = _exhibit(wanted.source, context)
        library, document = (
            _document(wanted.source, context)
            if exhibit is None
            else (exhibit.library, exhibit.passage.document)
        )
        if wanted.about:
            about, most = wanted.about, context.results
            chosen = context.library.passages_about(library, document, about, most)
        else:
            passages = context.library.document(library, document)
            chosen = _fitting(passages if exhibit is None else _from(exhibit, passages), context)
        if exhibit is not None and not chosen:
            chosen = (exhibit.passage,)
        if not chosen:
            raise ToolError(f"There is nothing to read in '{wanted.source}'.")
        exhibits = [context.evidence.add(library, passage) for passage in chosen]
        return show(exhibits, wanted.about or context.question, context)


def _exhibit(source: int | str, context: ToolContext) -> Exhibit | None:
    """Return the passage with a key, written as a number or as in [3], or None."""
    key = _KEY.match(str(source))
    return None if key is None else context.evidence.get(int(key[1] or key[2]))


def _document(source: int | str, context: ToolContext) -> tuple[str, str]:
    """Return the library and the id of a document. Raises ToolError."""
    found = context.find_document(str(source).strip())
    if found is not None:
        return found
    key = _KEY.match(str(source))
    if key is not None:
        raise ToolError(f"No search has found a passage [{key[1] or key[2]}].")
    raise ToolError(f"There is no document '{source}'. Search for it first.")


def _from(exhibit: Exhibit, passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """Return a passage, and those of its document that come after it."""
    return (exhibit.passage, *(each for each in passages if each.start > exhibit.passage.start))


def _fitting(passages: Sequence[Passage], context: ToolContext) -> tuple[Passage, ...]:
    """Return the first passages that are shown whole within the budget, at least one."""
    fitting: list[Passage] = []
    room = context.tokens
    for passage in passages:
        room -= context.count(passage.text)
        if room < 0 and fitting:
            break
        fitting.append(passage)
    return tuple(fitting)
