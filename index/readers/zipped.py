"""Documents that are zip archives: which one it is, and that it is no bomb."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, NoReturn

from ..errors import UnreadableDocument

ZIP = b"PK\x03\x04"
"""What such a file begins with."""
_LARGEST = 512 * 1024**2
"""Bytes that a part may unpack to."""
_SUSPICIOUS = 50 * 1024**2
"""Bytes from which on a part must not be too compressible."""
_MOST_COMPRESSED = 200
_MOST_PARTS = 100_000
_MARKS = {
    "word/document.xml": "word",
    "ppt/presentation.xml": "slides",
    "xl/workbook.xml": "sheets",
    "META-INF/container.xml": "epub",
    "content.xml": "opendocument",
}
"""The part that tells what an archive is."""


def kind_of(path: Path) -> str:
    """Return what kind of document a zip archive is.

    Raises UnreadableDocument where it is none, is broken, or would unpack to too much.
    """
    with opened_zip(path) as archive:
        names = set(archive.namelist())
        # An OpenDocument may have a container.xml too, but an EPUB has no content.xml at its root.
        for mark, kind in _MARKS.items():
            if mark in names and not (kind == "epub" and "content.xml" in names):
                return kind
    if "xl/workbook.bin" in names:
        raise UnreadableDocument("is a binary workbook (.xlsb); save it as .xlsx")
    raise UnreadableDocument("is an archive; unpack it to have its files read")


def opened_zip(path: Path) -> zipfile.ZipFile:
    """Open an archive.

    Raises UnreadableDocument where it is broken, or would unpack to too much.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableDocument(f"is cut off or broken: {error}") from error
    try:
        members = archive.infolist()
        if len(members) > _MOST_PARTS:
            _refuse()
        for member in members:
            ratio = member.file_size / max(1, member.compress_size)
            if member.file_size > _LARGEST or (
                member.file_size > _SUSPICIOUS and ratio > _MOST_COMPRESSED
            ):
                _refuse()
    except UnreadableDocument:
        archive.close()
        raise
    return archive


def xml(data: bytes) -> Any:
    """Return the lxml tree of XML, in which no entity is followed. Raises etree.XMLSyntaxError."""
    from lxml import etree

    safe = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    return etree.fromstring(data, safe)


def _refuse() -> NoReturn:
    raise UnreadableDocument("would unpack to far more than it is: a zip bomb, or broken")
