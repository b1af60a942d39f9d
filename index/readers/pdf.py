"""PDF: the text of each page, with its number."""

from __future__ import annotations

from pathlib import Path

from ..documents import Document, Section
from ..errors import UnreadableDocument


def read_pdf(path: Path, name: str) -> list[Document]:
    """Read a PDF as one document with a section for each page.

    Raises UnreadableDocument where it is broken, encrypted, or scanned and so without text.
    """
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise UnreadableDocument(f"is not a PDF that can be read: {error}") from error
    try:
        pages = [_page_text(page) for page in pdf]
        title = pdf.get_metadata_value("Title").strip()
    finally:
        pdf.close()
    if not any(page.strip() for page in pages):
        raise UnreadableDocument("has pages but no text: it was scanned, and is not recognised yet")
    text = ""
    sections = []
    for number, page in enumerate(pages, start=1):
        sections.append(Section(len(text), len(text) + len(page), page=number))
        text += page + "\n\n"
    first_line = text.strip().partition("\n")[0].strip()
    return [Document(name, title or first_line[:100], str(path), text, tuple(sections))]


def _page_text(page: object) -> str:
    """Return the text of a page; words that were hyphenated at a line's end are joined again."""
    text = page.get_textpage().get_text_bounded()  # type: ignore[attr-defined]
    return str(text).replace("\r\n", "\n").replace("\ufffe", "").replace("\x02", "")
