"""Presentations (.pptx): a section a slide, with its notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..documents import Document
from .office import office_file, own_title
from .raised import mark_between
from .rows import row_line
from .sectioned import SectionedText


def read_slides(path: Path, name: str) -> list[Document]:
    """Read a presentation as one document; the number of a slide is its page.

    Raises UnreadableDocument where it is broken, or python-pptx is missing.
    """
    with office_file("a presentation"):
        import pptx

        with path.open("rb") as file:
            presentation = pptx.Presentation(file)
        text = SectionedText()
        first = ""
        for number, slide in enumerate(presentation.slides, start=1):
            heading = _heading(slide)
            first = first or heading
            text.turn_to(number)
            text.enter(heading)
            for block in _blocks(slide.shapes):
                text.add(block)
            if slide.has_notes_slide:
                text.add(_told(slide.notes_slide.notes_text_frame))
        title = own_title(presentation.core_properties.title) or first or path.stem
        whole, sections = text.finished()
    return [Document(name, title, str(path), whole, sections, is_extracted=True)]


def _heading(slide: Any) -> str:
    title = slide.shapes.title
    return " ".join(_told(title.text_frame).split()) if title is not None else ""


def _blocks(shapes: Iterable[Any]) -> Iterator[str]:
    """Yield the texts on a slide, in the order in which they lie there."""
    for shape in shapes:
        if hasattr(shape, "shapes"):  # a group
            yield from _blocks(shape.shapes)
        elif getattr(shape, "has_table", False):
            rows = (row_line(map(_cell, row.cells)) for row in shape.table.rows)
            yield "\n".join(filter(None, rows))
        elif shape.has_text_frame:
            yield _told(shape.text_frame)


def _cell(cell: Any) -> str:
    return _told(cell.text_frame)


def _told(frame: Any) -> str:
    """Return the paragraphs of a frame, a line each; a slide may lack the frame of its notes."""
    paragraphs = map(_paragraph, frame.paragraphs) if frame is not None else ()
    lines = (line.strip() for text in paragraphs for line in text.split("\v"))
    return "\n".join(filter(None, lines))


def _paragraph(paragraph: Any) -> str:
    """Return the text of a paragraph, with breaks of lines as python-pptx writes them."""
    text, was_raised = "", False
    for part in paragraph._p.content_children:  # runs, breaks and fields, as `text` joins them
        is_raised = bool(part.xpath("./a:rPr[number(@baseline) > 0]"))  # per mille of the height
        if is_raised and not was_raised:
            text += mark_between(text, part.text)
        text += part.text
        was_raised = is_raised
    return text
