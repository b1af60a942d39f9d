"""What a tool is: a signature for the model, arguments checked by pydantic, a result to read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from pydantic import BaseModel

from edge_agent.events import Quote
from edge_agent.evidence import Evidence, Exhibit
from edge_agent.index import (
    Collection,
    Document,
    Passage,
    Section,
    Titled,
    excerpts,
    sentences,
    split,
    storable,
)
from edge_agent.protocol import ToolSignature
from edge_agent.web_address import is_web_address


class ToolError(Exception):
    """A call that cannot be carried out; the message is for the model."""


@dataclass(frozen=True, slots=True)
class EarlierCall:
    """A call that was carried out before, and how many passages had keys when it was made."""

    arguments: Mapping[str, Any]
    known: int


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool may use: the libraries, the evidence so far, and room for its result."""

    library: Collection
    evidence: Evidence
    question: str
    count: Callable[[str], int]
    """Tokens of a text, by the model's own tokenizer."""
    results: int
    """Most passages to show."""
    tokens: int
    """Most tokens to show."""
    named: int = 0
    """Most passages to show beside them, of documents that those or the question name."""
    visible: frozenset[Quote] = frozenset()
    """The sentences that stand in the window already."""
    said: tuple[str, ...] = ()
    """What the user has written after the question."""
    earlier: tuple[EarlierCall, ...] = ()
    """The calls of the same tool in this run that did not fail, oldest first."""
    stopped: Callable[[], object] = bool
    """Tells, at any time, whether the run is to end now, so that nothing is waited for longer."""

    def find_document(self, named: str) -> tuple[str, str] | None:
        """Return the library and the id of the document with that id, else with that title.

        An address is looked for only where the user or a document that was found names it: a page
        could have the model put what it has read elsewhere into one of its own. What a tool told
        names none, for the model can have a computation say anything.
        """
        named = named.strip()
        if is_web_address(named) and not self._is_named(named):
            return None
        return self.library.find_document(named)

    def _is_named(self, address: str) -> bool:
        bare = address.rstrip("/")
        if any(bare in text for text in (self.question, *self.said)):
            return True
        found = (each.passage for each in self.evidence.since(0) if each.is_of_a_document)
        return any(bare == each.document.rstrip("/") or bare in each.text for each in found)

    def seen(self, key: int) -> tuple[Quote, ...]:
        """Return the sentences of a passage that stand in the window already, in their order."""
        exhibit = self.evidence.get(key)
        if exhibit is None:
            return ()
        parts = sentences(exhibit.passage.text)
        return tuple(quote for part in parts if (quote := Quote(key, part)) in self.visible)

    def known(self) -> dict[tuple[str, str, str], int]:
        """Return the keys of passages that stand in the window whole, by library, id and text."""
        found = {}
        for key in sorted({quote.key for quote in self.visible}):
            exhibit = self.evidence.get(key)
            if exhibit is not None and len(self.seen(key)) == len(sentences(exhibit.passage.text)):
                passage = exhibit.passage
                found[exhibit.library, passage.id, passage.text] = key
        return found


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the model reads; `shown` are the sentences in it, each of which it may quote."""

    text: str
    shown: tuple[Quote, ...] = ()

    @property
    def keys(self) -> tuple[int, ...]:
        """The passages that the result shows, in order."""
        return tuple(dict.fromkeys(quote.key for quote in self.shown))


class Tool(Protocol):
    """Something the model can call."""

    @property
    def signature(self) -> ToolSignature:
        """What the model is told about it."""

    def run(self, arguments: dict[str, Any], context: ToolContext) -> ToolResult:
        """Carry out a call. Raises ToolError, and pydantic's ValidationError for bad arguments."""


def signature(
    server: str,
    name: str,
    arguments: type[BaseModel],
    slips: Mapping[str, str] = MappingProxyType({}),
    also_called: tuple[str, ...] = (),
) -> ToolSignature:
    """Return the signature of a tool whose arguments, and their meaning, are `arguments`.

    `slips` are names that models write by mistake for those of arguments, `also_called` for its
    own.
    """
    schema = arguments.model_json_schema()
    description = schema.pop("description")
    schema.pop("title")
    for field in schema["properties"].values():
        field.pop("title")
    return ToolSignature(server, name, description, schema, slips, also_called)


def show(
    exhibits: Sequence[Exhibit], query: str, context: ToolContext, beside: int = 0
) -> ToolResult:
    """Show passages: of each its key, what it is about, and the sentences that answer `query`.

    The best come first, but for the last `beside` of them: as much may be shown of these as of the
    best. What stands in the window already is not shown again, but may be quoted as if it were.
    """
    labels = [f"[{exhibit.key}] {exhibit.label}: " for exhibit in exhibits]
    seen = [context.seen(exhibit.key) for exhibit in exhibits]
    texts = [
        Titled(
            exhibit.label,
            exhibit.passage.text,
            frozenset(quote.sentence for quote in quotes),
            foremost=place >= len(exhibits) - beside,
        )
        for place, (exhibit, quotes) in enumerate(zip(exhibits, seen, strict=True))
    ]
    budget = context.tokens - sum(context.count(label) for label in labels)
    chosen = excerpts(texts, query, context.count, max(1, budget), context.library.embedder)
    lines, shown = [], []
    for exhibit, label, before, part in zip(exhibits, labels, seen, chosen, strict=True):
        lines.append(label + (part.text or ("see above" if before else "…")))
        shown += [*(Quote(exhibit.key, sentence) for sentence in part.sentences), *before]
    return ToolResult("\n".join(lines), tuple(shown))


def told(title: str, source: str, text: str) -> tuple[Passage, ...]:
    """Return what a tool tells as passages, however long it is; the same text is the same document.

    `title` says what was asked, `source` whom. What is no character becomes a question mark.
    """
    title, source, text = map(storable, (title, source, text))
    mark = hashlib.sha256("\0".join((title, source, text)).encode()).hexdigest()[:16]
    return split(Document(mark, title, source, text, (Section(0, len(text)),)))


def as_evidence(
    origin: str, passages: Sequence[Passage], about: str, context: ToolContext
) -> ToolResult:
    """Show passages that come from no library: from a tool that is called `origin` in citations.

    They get keys as others do, and their sentences may be quoted. Of many, those are shown that say
    most about `about`. `origin` has a space in it, so that it is the name of no library.
    """
    chosen = passages
    if len(passages) > context.results:
        chosen = context.library.best(passages, about, context.results)
    return show([context.evidence.add(origin, each) for each in chosen], about, context)
