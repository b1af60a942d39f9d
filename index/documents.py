"""What a reader makes of a file: documents, each a text with its sections."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch [start, end) of a document's text, in characters, under its headings."""

    start: int
    end: int
    headings: tuple[str, ...] = ()
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A text to be searched; `source` is the file that a person would open."""

    id: str
    title: str
    source: str
    text: str
    sections: tuple[Section, ...]
