"""What a server's tool answers, as a text."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable

from mcp.types import (
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

_MOST_CHARACTERS = 200_000
"""Of an answer: the sentences that matter are looked for in all of it."""


def text_of(result: CallToolResult) -> str:
    """Return the texts of an answer, or, where it has none, its data as JSON."""
    texts = [text for block in result.content if (text := _text(block)).strip()]
    if not texts and result.structured_content is not None:
        texts = [json.dumps(result.structured_content, ensure_ascii=False, indent=2)]
    return _printed("\n\n".join(texts)[:_MOST_CHARACTERS])


def left_out(content: Iterable[ContentBlock]) -> str:
    """Say what of an answer is no text; nothing where all of it is."""
    kinds = Counter(_kind(block) for block in content if not _text(block))
    del kinds["text"]
    return ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))


def _text(block: ContentBlock) -> str:
    if isinstance(block, TextContent):
        return block.text
    if isinstance(block, EmbeddedResource) and isinstance(block.resource, TextResourceContents):
        return block.resource.text
    if isinstance(block, ResourceLink):
        described = f": {block.description}" if block.description else ""
        return f"{block.title or block.name} ({block.uri}){described}"
    return ""


def _kind(block: ContentBlock) -> str:
    return "file" if isinstance(block, EmbeddedResource) else block.type


def _printed(text: str) -> str:
    """Return a text without control characters, which no document has either."""
    return "".join(
        letter for letter in text if letter in "\n\t" or unicodedata.category(letter) != "Cc"
    )
