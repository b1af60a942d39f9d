"""The container of old Microsoft Office files, which cannot be read: only what to do is said."""

from __future__ import annotations

from pathlib import Path

from ..documents import Document
from ..errors import UnreadableDocument

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""What such a file begins with."""
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def read_ole(path: Path, _name: str) -> list[Document]:
    """Raise UnreadableDocument, with the way out."""
    if _ENCRYPTED in path.read_bytes():
        raise UnreadableDocument("is protected by a password")
    if path.suffix.lower() == ".msg":
        raise UnreadableDocument("is an Outlook message; save it as .eml")
    raise UnreadableDocument("is an old Microsoft Office file; save it as .docx, .xlsx or .pptx")
