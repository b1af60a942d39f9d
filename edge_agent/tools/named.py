"""Passages of the documents that others name: the next hop of a chain, without another search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from edge_agent.index import Passage
from edge_agent.names import names
from edge_agent.tools.base import ToolContext

_LOOKED_AT = 24
"""Most documents of which the beginning is looked at: in an encyclopedia every name is a title."""


def named_passages(
    passages: Sequence[tuple[str, Passage]], query: str, context: ToolContext
) -> list[tuple[str, Passage]]:
    """Return passages of documents that the question or `passages` name, each with its library.

    They are of documents that are not among `passages` and were not shown before, nor copies of
    these: those whose beginnings say most about the question, and of each the passage that says
    most about `query`.
    """
    if not context.named:
        return []
    beginnings = {passage: library for library, passage in _beginnings(passages, context)}
    chosen = context.library.best([*beginnings], context.question, context.named)
    about = f"{query} {context.question}"
    return [
        (library, passage)
        for library, document in ((beginnings[each], each.document) for each in chosen)
        for passage in context.library.passages_about(library, document, about, 1)
    ]


def _beginnings(
    passages: Sequence[tuple[str, Passage]], context: ToolContext
) -> Iterator[tuple[str, Passage]]:
    """Yield the first passages of the documents that are named, each with its library."""
    known = {(library, passage.document) for library, passage in passages}
    shown = [each.passage for each in context.evidence.since(0)]
    known |= {(each.library, each.passage.document) for each in context.evidence.since(0)}
    said = {passage.content for passage in (*shown, *(passage for _, passage in passages))}
    texts = [context.question, *(passage.text for _, passage in passages)]
    called = dict.fromkeys(name for text in texts for name in names(text))
    places = dict.fromkeys(place for name in called for place in context.library.named(name))
    unknown = (place for place in places if place not in known)
    for library, document in islice(unknown, _LOOKED_AT):
        for passage in context.library.document(library, document)[:1]:
            if passage.content not in said:
                yield library, passage
