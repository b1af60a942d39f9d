"""Word documents (.docx): paragraphs under their headings, lists, tables, notes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from ..documents import Document
from .office import office_file, own_title
from .raised import mark_between
from .rows import WIDEST, row_line
from .sectioned import SectionedText
from .zipped import xml

_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_NOTES = ("footnotes", "endnotes")
_TITLE = 0
_NESTED_STYLES = 10


def read_word(path: Path, name: str) -> list[Document]:
    """Read a Word document as one document.

    Raises UnreadableDocument where it is broken, or python-docx is missing.
    """
    with office_file("a Word document"):
        import docx

        # Opened as a file: the library would take a path for a folder, where it is none.
        with path.open("rb") as file:
            word = docx.Document(file)
        reader = _WordReader(word)
        title = own_title(word.core_properties.title) or reader.title or path.stem
        text = SectionedText(title)
        reader.write(text)
        whole, sections = text.finished()
    return [Document(name, title, str(path), whole, sections, is_extracted=True)]


class _WordReader:
    """Walks a document's body. Its XML is read, for the library passes over what is inserted,
    linked or a form field."""

    def __init__(self, word: Any) -> None:
        from docx.oxml.ns import qn

        self._qn = qn
        self._word = word
        self._levels = {
            style.style_id: level
            for style in word.styles
            if (level := self._style_level(style)) is not None
        }
        self._items = {
            style.style_id for style in word.styles if style.element.xpath("./w:pPr/w:numPr")
        }

    @property
    def title(self) -> str:
        """What is set as the title, else the first heading."""
        first = ""
        for block in self._blocks(self._word.element.body):
            level = self._level(block)
            if level is not None:
                heading = " ".join(self._content(block).split())
                if level == _TITLE and heading:
                    return heading
                first = first or heading
        return first

    def write(self, text: SectionedText) -> None:
        """Write what is in the document."""
        for block in self._blocks(self._word.element.body):
            if block.tag == self._qn("w:tbl"):
                text.separate("\n\n")
                for row in self._rows(block):
                    text.add(row, "\n")
                text.separate("\n\n")
                continue
            level = self._level(block)
            if level is not None:
                text.heading(self._content(block), max(level, 1))
            elif self._is_item(block):
                text.add(f"- {self._content(block).strip()}", "\n")
            else:
                text.add(self._content(block).strip())
        for kind in _NOTES:
            self._write_notes(text, kind)

    def _write_notes(self, text: SectionedText, kind: str) -> None:
        parts = [
            relation.target_part
            for relation in self._word.part.rels.values()
            if not relation.is_external and relation.reltype.endswith(f"/{kind}")
        ]
        for part in parts:
            notes = [
                self._content(note).strip()
                for note in xml(part.blob)
                if note.get(self._qn("w:type")) in (None, "normal")
            ]
            if any(notes):
                text.enter(kind.capitalize())
                for note in notes:
                    text.add(note, "\n")

    def _blocks(self, parent: Any) -> Iterator[Any]:
        """Yield paragraphs and tables, those in content controls too."""
        for child in parent:
            if child.tag in (self._qn("w:p"), self._qn("w:tbl")):
                yield child
            elif child.tag in (self._qn("w:sdt"), self._qn("w:sdtContent"), self._qn("w:ins")):
                yield from self._blocks(child)

    def _rows(self, table: Any) -> Iterator[str]:
        for row in table.xpath("./w:tr | ./w:sdt/w:sdtContent/w:tr"):
            found = row.xpath("./w:tc | ./w:sdt/w:sdtContent/w:tc")
            yield row_line(chain.from_iterable(map(self._cells, found)))

    def _cells(self, cell: Any) -> Iterator[str]:
        """Yield a cell, and an empty one for each further column that it spans."""
        yield self._content(cell)
        for span in cell.xpath("./w:tcPr/w:gridSpan"):
            columns = span.get(self._qn("w:val"), "")
            yield from [""] * (min(int(columns), WIDEST) - 1 if columns.isdecimal() else 0)

    def _content(self, element: Any) -> str:
        """Return the text below an element, without what was deleted or is there twice."""
        parts: list[str] = []
        was_raised = False
        skipped = {self._qn("w:del"), self._qn("w:pPr"), f"{{{_COMPATIBILITY}}}Fallback"}
        breaks = {self._qn("w:tab"): "\t", self._qn("w:br"): "\n", self._qn("w:cr"): "\n"}
        breaks |= {self._qn("w:noBreakHyphen"): "-", self._qn("w:p"): "\n"}
        pending = [element]
        while pending:
            node = pending.pop()
            if node.tag == self._qn("w:t") and node.text:
                is_raised = self._is_raised(node)
                if is_raised and not was_raised and parts:
                    parts.append(mark_between(parts[-1], node.text))
                parts.append(node.text)
                was_raised = is_raised
            elif node.tag in breaks:
                parts.append(breaks[node.tag])
            if node.tag not in skipped:
                pending += reversed(node)
        return "".join(parts)

    def _is_raised(self, text: Any) -> bool:
        align = text.getparent().find(f"{self._qn('w:rPr')}/{self._qn('w:vertAlign')}")
        return align is not None and align.get(self._qn("w:val")) == "superscript"

    def _level(self, block: Any) -> int | None:
        """Return the level of a heading, 0 of the title; None where it is a plain paragraph."""
        properties = block.find(self._qn("w:pPr"))
        if properties is None:
            return None
        outline = properties.find(self._qn("w:outlineLvl"))
        if outline is not None:
            return _outlined(outline.get(self._qn("w:val")))
        style = properties.find(self._qn("w:pStyle"))
        return None if style is None else self._levels.get(style.get(self._qn("w:val")))

    def _is_item(self, block: Any) -> bool:
        """Return whether a paragraph is an item of a list, by itself or by its style."""
        style = block.find(f"{self._qn('w:pPr')}/{self._qn('w:pStyle')}")
        return bool(block.xpath("./w:pPr/w:numPr")) or (
            style is not None and style.get(self._qn("w:val")) in self._items
        )

    def _style_level(self, style: Any) -> int | None:
        """Return the level of a style's headings: by its name, or that of one it is based on."""
        for _ in range(_NESTED_STYLES):
            if style is None:
                break
            if (style.name or "").lower() == "title":
                return _TITLE
            numbered = _HEADING.fullmatch(style.name or "")
            if numbered:
                return int(numbered[1])
            outline = style.element.find(f"{self._qn('w:pPr')}/{self._qn('w:outlineLvl')}")
            if outline is not None:
                return _outlined(outline.get(self._qn("w:val")))
            style = getattr(style, "base_style", None)
        return None


_COMPATIBILITY = "http://schemas.openxmlformats.org/markup-compatibility/2006"


def _outlined(value: str | None) -> int | None:
    """Return the level of a heading that Word counts from 0; 9 says that it is none."""
    return int(value) + 1 if value in set("012345678") else None
