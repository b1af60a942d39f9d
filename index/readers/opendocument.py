"""OpenDocument (.odt, .ods, .odp): paragraphs under their headings, sheets, slides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..documents import Document
from ..errors import UnreadableDocument
from .failures import failing_as
from .office import own_title
from .sectioned import SectionedText
from .zipped import opened_zip, xml

_SKIPPED = frozenset(("annotation", "tracked-changes", "forms", "automatic-styles", "settings"))


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
        title = own_title(named) or _first_heading(content) or path.stem
        walk = _Walk(SectionedText(title))
        walk.through(content)
        whole, sections = walk.text.finished()
    return [Document(name, title, str(path), whole, sections)]


class _Walk:
    """Goes through a document; its depth is limited by the parser."""

    def __init__(self, text: SectionedText) -> None:
        self.text = text
        self._slides = 0

    def through(self, element: Any) -> None:
        kind = _name(element)
        if kind == "h":
            self.text.heading(_content(element), _level(element))
        elif kind == "p":
            self.text.add(_content(element).strip())
        elif kind == "table-row":
            cells = (" ".join(_content(cell).split()) for cell in element)
            self.text.add(" | ".join(cell for cell in cells if cell), "\n")
        elif kind not in _SKIPPED:
            self._enter(kind, element)
            for child in element:
                self.through(child)

    def _enter(self, kind: str, element: Any) -> None:
        """Begin what is a place of its own: a slide, or a sheet."""
        if kind == "page":
            self._slides += 1
            self.text.turn_to(self._slides)
        elif kind == "table" and _name(element.getparent()) == "spreadsheet":
            self.text.enter(_attribute(element, "name"))
        elif kind == "list-item":
            self.text.separate("\n")


def _content(element: Any) -> str:
    """Return the text below an element, with its spaces and line breaks, which are elements too."""
    kind = _name(element)
    if kind in _SKIPPED:
        return ""
    if kind == "s":
        count = _attribute(element, "c")
        return " " * (min(int(count), 1000) if count.isdecimal() else 1)
    parts = [{"tab": "\t", "line-break": "\n"}.get(kind, ""), element.text or ""]
    for child in element:
        parts += [_content(child), child.tail or ""]
    return "".join(parts) + ("\n" if kind == "p" else "")


def _first_heading(content: Any) -> str:
    found = (" ".join(_content(element).split()) for element in content.iter("{*}h"))
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
