"""Addresses of documents: `doc://library/document`, for models that know nothing but links."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from edge_agent.tools.base import ToolContext
from edge_agent.web_address import is_web_address

_SCHEME = "doc://"
_ADDRESS = re.compile(rf"{_SCHEME}(?P<library>[^/]*)/(?P<document>.*)", re.IGNORECASE | re.DOTALL)


def address_of(library: str, document: str) -> str:
    """Return the address of a document; that of a page of the web is its id."""
    if is_web_address(document):
        return document
    return f"{_SCHEME}{quote(library, safe='')}/{quote(document, safe='')}"


def document_at(address: str, context: ToolContext) -> tuple[str, str] | None:
    """Return the library and the id of the document at an address, or with that id or title."""
    parts = _ADDRESS.fullmatch(address.strip())
    if parts is None:
        return context.find_document(address.strip())
    library, document = unquote(parts["library"]), unquote(parts["document"])
    if is_web_address(document):  # no way round what is asked of those
        return context.find_document(document)
    if context.library.document(library, document):
        return library, document
    return context.find_document(document)
