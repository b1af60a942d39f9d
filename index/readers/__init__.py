"""Readers: what a file says, by its content first and its suffix second. One module a format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..documents import Document
from ..errors import UnreadableDocument

Reader = Callable[[Path, str], list[Document]]
"""Reads a file into documents; the string is the id of a document that is the whole file."""

_SNIFFED = 2048


def read(path: Path, name: str, fields: object = None) -> list[Document]:
    """Return the documents in the file at `path`; `name` is the id of one that is a whole file.

    Raises UnreadableDocument for a file that is no text, is empty, or is broken.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_SNIFFED)
    except OSError as error:
        raise UnreadableDocument(f"cannot be opened: {error.strerror}") from error
    documents = _reader(head, path.suffix.lower())(path, name)
    found = [_storable(document) for document in documents if document.text.strip()]
    if not found:
        raise UnreadableDocument("has no text in it")
    return found


def _reader(head: bytes, suffix: str) -> Reader:
    """Choose a reader. The imports are here because each brings a library of its own."""
    from .html import read_html
    from .json_lines import read_json_lines
    from .markdown import read_markdown
    from .pdf import read_pdf
    from .text import read_text

    if head.startswith(b"%PDF-"):
        return read_pdf
    if _is_html(head) or suffix in {".html", ".htm", ".xhtml"}:
        return read_html
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableDocument("is not text, nor a format that can be read (yet)")
    if suffix in {".md", ".markdown"}:
        return read_markdown
    if suffix in {".jsonl", ".ndjson"}:
        return read_json_lines
    return read_text


def _storable(document: Document) -> Document:
    """Return the document with half characters (lone surrogates) replaced, offsets unchanged."""
    id_, title, text = (
        field.encode("utf-8", errors="replace").decode("utf-8")
        for field in (document.id, document.title, document.text)
    )
    return Document(id_, title, document.source, text, document.sections)


def _is_html(head: bytes) -> bool:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html"))
