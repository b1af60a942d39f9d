"""What a reader makes of a file: documents, each a text with its sections, and flaws."""

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
    line: int | None = None
    """The line of the file at which it begins, where it is one record of many; else its own lines
    are those of the file.
    """
    is_extracted: bool = False
    """Whether it was taken out of a file whose lines are others, or none: its own are no place."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """A part of a file that could not be read, while the rest could: `line 7 is not JSON: …`."""

    reason: str


@dataclass(frozen=True, slots=True)
class RecordFields:
    """Which fields of a record make a document; what is None or empty is found by itself."""

    id: str | None = None
    title: str | None = None
    text: tuple[str, ...] = ()


def storable(text: str) -> str:
    """Return `text` as UTF-8 can hold it: halves of characters become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
