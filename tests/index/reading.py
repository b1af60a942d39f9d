"""Reading in tests: what a file's documents are, and what of it could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge_agent.index import Document, RecordFields
from edge_agent.index.documents import Flaw
from edge_agent.index.readers import read_with, reader_of


def read(path: Path, name: str, fields: RecordFields | None = None) -> Iterator[Document | Flaw]:
    """Yield the documents in a file, then its flaws; it is opened at the first step."""
    yield from read_with(reader_of(path, fields or RecordFields()), path, name)


def found(path: Path, content: bytes) -> tuple[list[Document], list[str]]:
    """Write a file, and return its documents and its flaws."""
    path.write_bytes(content)
    everything = list(read(path, path.name))
    return (
        [each for each in everything if isinstance(each, Document)],
        [each.reason for each in everything if isinstance(each, Flaw)],
    )


def parts(document: Document) -> list[tuple[tuple[str, ...], str]]:
    """Return the headings and the text of each section, which lie in order and within the text."""
    ends = [0, *(section.end for section in document.sections)]
    assert all(s.start >= end for s, end in zip(document.sections, ends, strict=False))
    assert ends[-1] <= len(document.text)
    return [(s.headings, document.text[s.start : s.end]) for s in document.sections]
