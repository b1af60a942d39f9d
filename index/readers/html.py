"""HTML: the main text of a page, without its navigation."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..documents import Document
from ..errors import UnreadableDocument
from .markdown import markdown_document
from .markup import flatten_raised, parsed, sectioned_text


def read_html(path: Path, name: str) -> list[Document]:
    """Read a page as one document. Raises UnreadableDocument where no text can be made out."""
    from lxml import etree

    data = path.read_bytes()
    try:
        page = _trafilatura().load_html(data)
    except (etree.LxmlError, ValueError) as error:
        raise UnreadableDocument(f"is not HTML that can be read: {error}") from error
    tree = page if page is not None else parsed(data)  # a page need not have <html>
    if tree is None:
        raise UnreadableDocument("has no text in it")
    flatten_raised(tree)
    title = _title(tree) or path.stem
    text = None if page is None else _main_text(page)
    if not text:
        return [_whole(data, name, title, path)]
    document = markdown_document(name, title, str(path), text, is_titled=True)
    return [replace(document, is_extracted=True)]


def _main_text(page: Any) -> str | None:
    """Return the main text of a page as Markdown; None where none can be made out."""
    text: str | None = _trafilatura().extract(
        page, output_format="markdown", include_tables=True, include_links=False, favor_recall=True
    )
    return text


def _title(tree: Any) -> str:
    """Return the first heading that has words in it, whatever these stand in, or the title."""
    for found in (*tree.iter("h1"), *tree.iter("title")):
        if title := " ".join("".join(found.itertext()).split()):
            return title
    return ""


def _trafilatura() -> Any:
    """Import trafilatura, a module, without a look at the network.

    It imports urllib3, which opens a socket to find out whether there is IPv6, unless Python says
    that there is none.
    """
    there = socket.has_ipv6
    socket.has_ipv6 = False
    try:
        import trafilatura
    finally:
        socket.has_ipv6 = there
    return trafilatura


def _whole(data: bytes, name: str, title: str, path: Path) -> Document:
    """Return all text of a page in which no main text could be made out."""
    tree = parsed(data)
    if tree is None:
        raise UnreadableDocument("has no text in it")
    text, sections = sectioned_text(tree, title)
    return Document(name, title, str(path), text, sections, is_extracted=True)
