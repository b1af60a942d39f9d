"""What a tool is: a signature for the model, arguments checked by pydantic, a result to read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from edge_agent.evidence import Evidence, Exhibit, Quote
from edge_agent.index import Collection, excerpt
from edge_agent.protocol import ToolSignature


class ToolError(Exception):
    """A call that cannot be carried out; the message is for the model."""


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


def signature(server: str, name: str, arguments: type[BaseModel]) -> ToolSignature:
    """Return the signature of a tool whose arguments, and their meaning, are `arguments`."""
    schema = arguments.model_json_schema()
    description = schema.pop("description")
    schema.pop("title")
    for field in schema["properties"].values():
        field.pop("title")
    return ToolSignature(server, name, description, schema)


def show(exhibit: Exhibit, query: str, context: ToolContext, tokens: int) -> ToolResult:
    """Show one passage: its key, its title, and the sentences that answer `query`."""
    label = f"[{exhibit.key}] {exhibit.passage.title}: "
    budget = max(1, tokens - context.count(label))
    chosen = excerpt(exhibit.passage.text, query, context.count, budget)
    quotes = tuple(Quote(exhibit.key, sentence) for sentence in chosen.sentences)
    return ToolResult(label + chosen.text, quotes)
