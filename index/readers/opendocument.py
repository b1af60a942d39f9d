"""OpenDocument (.odt, .ods, .odp): paragraphs under their headings, sheets, slides."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, repeat
from pathlib import Path
from typing import Any

from ..documents import Document
from ..errors import UnreadableDocument
from .failures import failing_as
from .office import own_title
from .raised import mark_between
from .rows import WIDEST, row_line
from .sectioned import SectionedText
from .zipped import opened_zip, xml

_SKIPPED = frozenset(
    ("annotation", "tracked-changes", "forms", "automatic-styles", "settings", "note")
)
_RAISING = ("super", *"123456789")
"""How the `text-position` of what is raised begins: in words, or with a height in per cent."""
_NOTES = ("footnote", "endnote")
_MOST_REPEATED = 1_000_000
"""Characters that the repetitions of a row or a cell come to."""


def read_opendocument(path: Path, name: str) -> list[Document]:
    """Read an OpenDocument file as one document; of slides the numbers are pages.

    Raises UnreadableDocument where it is broken, or protected by a password.
    """
    with opened_zip(path) as archive, failing_as("an OpenDocument file"):
        names = set(archive.namelist())
        manifest = "META-INF/manifest.xml"
        if manifest in names and b"encryption-data" in archive.read(manifest):
            raise UnreadableDocument("is protected by a password")
        content = xml(archive.read("content.xml"))
        meta = xml(archive.read("meta.xml")) if "meta.xml" in names else None
        named = (
            meta.findtext(".//{http://purl.org/dc/elements/1.1/}title") if meta is not None else ""
        )
        words = _Words(content)
        title = own_title(named) or _first_heading(content, words) or path.stem
        walk = _Walk(SectionedText(title), words)
        walk.through(content)
        walk.write_notes(content)
        whole, sections = walk.text.finished()
    return [Document(name, title, str(path), whole, sections, is_extracted=True)]


class _Walk:
    """Goes through a document; its depth is limited by the parser."""

    def __init__(self, text: SectionedText, words: _Words) -> None:
        self.text = text
        self._words = words
        self._slides = 0

    def through(self, element: Any) -> None:
        kind = _name(element)
        if kind == "h":
            self.text.heading(self._words.of(element), _level(element))
        elif kind == "p":
            self.text.add(self._words.of(element).strip())
        elif kind == "table-row":
            line = row_line(islice(self._cells(element), WIDEST))
            for _ in range(_repeated(element, "rows", line) if line else 0):
                self.text.add(line, "\n")
        elif kind not in _SKIPPED:
            self._enter(kind, element)
            for child in element:
                self.through(child)

    def write_notes(self, content: Any) -> None:
        """Write the notes, which stand within the sentences that they belong to."""
        for kind in _NOTES:
            notes = [
                " ".join(self._words.of(body).split())
                for note in content.iter("{*}note")
                if _attribute(note, "note-class") == kind and not _was_deleted(note)
                for body in note.iterfind("{*}note-body")
            ]
            if any(notes):
                self.text.enter(f"{kind.capitalize()}s")
                for note in notes:
                    self.text.add(note, "\n")

    def _cells(self, row: Any) -> Iterator[str]:
        """Yield the cells of a row; one that another covers is empty."""
        for cell in row:
            if _name(cell) in ("table-cell", "covered-table-cell"):
                words = "" if _name(cell) == "covered-table-cell" else self._words.of(cell)
                yield from repeat(words, _repeated(cell, "columns", words))

    def _enter(self, kind: str, element: Any) -> None:
        """Begin what is a place of its own: a slide, or a sheet."""
        if kind == "page":
            self._slides += 1
            self.text.turn_to(self._slides)
        elif kind == "table" and _name(element.getparent()) == "spreadsheet":
            self.text.enter(_attribute(element, "name"))
        elif kind == "list-item":
            self.text.separate("\n")


class _Words:
    """The words of elements; it knows which of the styles in a document raise them."""

    def __init__(self, content: Any) -> None:
        self._raising = {
            _attribute(style, "name")
            for style in content.iter("{*}style")
            for properties in style.iterfind("{*}text-properties")
            if _attribute(properties, "text-position").startswith(_RAISING)
        }

    def of(self, element: Any) -> str:
        """Return the text below an element, with its spaces and breaks, which are elements too."""
        kind = _name(element)
        if kind == "s":
            return " " * _count(_attribute(element, "c"), 1000)
        parts = [{"tab": "\t", "line-break": "\n"}.get(kind, ""), element.text or ""]
        was_raised = False
        for child in element:
            words = "" if _name(child) in _SKIPPED else self.of(child)
            is_raised = _attribute(child, "style-name") in self._raising
            if is_raised and not was_raised:
                parts.append(mark_between("".join(parts[-2:]), words))
            parts += [words, child.tail or ""]
            was_raised = is_raised and not child.tail
        return "".join(parts) + ("\n" if kind == "p" else "")


def _repeated(element: Any, what: str, text: str) -> int:
    """Return how often a row or a cell stands there; sheets end in thousands that are empty.

    One of much `text` stands there less often: a few bytes would say a book a thousand times.
    """
    most = max(1, min(WIDEST, _MOST_REPEATED // max(1, len(text))))
    return _count(_attribute(element, f"number-{what}-repeated"), most)


def _count(value: str, most: int) -> int:
    return min(int(value), most) if value.isdecimal() else 1


def _was_deleted(element: Any) -> bool:
    return next(element.iterancestors("{*}tracked-changes"), None) is not None


def _first_heading(content: Any, words: _Words) -> str:
    found = (" ".join(words.of(element).split()) for element in content.iter("{*}h"))
    return next((heading for heading in found if heading), "")


def _level(heading: Any) -> int:
    level = _attribute(heading, "outline-level")
    return int(level) if level.isdecimal() and len(level) < 3 else 1


def _name(element: Any) -> str:
    """Return the name of an element without its namespace; nothing for a comment."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _attribute(element: Any, name: str) -> str:
    """Return an attribute, whatever its namespace is."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return ""
