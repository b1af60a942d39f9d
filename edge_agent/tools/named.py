"""Passages of the documents that others name: the next hop of a chain, without another search."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from edge_agent.checking.names import names
from edge_agent.checking.wording import content_words
from edge_agent.index import Passage
from edge_agent.tools.base import ToolContext

_LOOKED_AT = 24
"""Most documents of which the beginning is looked at: in an encyclopedia every name is a title."""
_BRACKET = re.compile(r"\(([^()]*)\)\s*\Z")


def named_passages(
    passages: Sequence[tuple[str, Passage]], query: str, context: ToolContext
) -> list[tuple[str, Passage]]:
    """Return passages of documents that are named, each with its library.

    The question, `query` and `passages` name them; after the first search of a run only the first
    of `passages` does: what later ones find beside it leads away from the question. They are of
    documents that are not among `passages` and were not shown before, nor copies of these: those
    whose beginnings say most about the question, and of each the passage that says most about
    `query`.
    """
    if not context.named:
        return []
    beginnings = {passage: library for library, passage in _beginnings(passages, query, context)}
    chosen = context.library.best([*beginnings], context.question, context.named)
    about = f"{query} {context.question}"
    return [
        (library, passage)
        for library, document in ((beginnings[each], each.document) for each in chosen)
        for passage in context.library.passages_about(library, document, about, 1)
    ]


def _beginnings(
    passages: Sequence[tuple[str, Passage]], query: str, context: ToolContext
) -> Iterator[tuple[str, Passage]]:
    """Yield the first passages of the documents that are named, each with its library."""
    known = {(library, passage.document) for library, passage in passages}
    shown = [each.passage for each in context.evidence.since(0)]
    known |= {(each.library, each.passage.document) for each in context.evidence.since(0)}
    said = {passage.content for passage in (*shown, *(passage for _, passage in passages))}
    naming = passages[:1] if context.earlier else passages
    asked = _places([context.question, query], context)
    places = asked | _places([passage.text for _, passage in naming], context)
    told = (f"{passage.label} {passage.text}" for _, passage in passages)
    about = content_words(" ".join([context.question, query, *told]))
    unknown = (place for place in places if place not in known)
    for library, document in islice(unknown, _LOOKED_AT):
        for passage in context.library.document(library, document)[:1]:
            meant = (library, document) in asked or _may_be_meant(passage.title, about)
            if meant and passage.content not in said:
                yield library, passage


def _places(texts: Sequence[str], context: ToolContext) -> dict[tuple[str, str], None]:
    """Return the documents that `texts` name, each by its library and id, in their order."""
    called = dict.fromkeys(name for text in texts for name in names(text))
    return dict.fromkeys(place for name in called for place in context.library.named(name))


def _may_be_meant(title: str, about: frozenset[str]) -> bool:
    """Tell whether what a title has in brackets at its end, if anything, is about something said.

    Else it is a namesake: “Berlin (band)” where nobody speaks of a band.
    """
    bracket = _BRACKET.search(title)
    return bracket is None or not about.isdisjoint(content_words(bracket[1]))
