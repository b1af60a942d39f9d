"""Plain text, in the encodings that occur."""

from __future__ import annotations

import codecs
from pathlib import Path

from ..documents import Document, Section
from ..errors import UnreadableDocument

_TITLE_LENGTH = 100
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path, name: str) -> list[Document]:
    """Read a text file as one document; a short first line is its title."""
    text = decoded(path)
    first = text.lstrip().partition("\n")[0].strip()
    title = first if 0 < len(first) <= _TITLE_LENGTH else path.stem
    return [Document(name, title, str(path), text, (Section(0, len(text)),))]


def decoded(path: Path) -> str:
    """Return the text of a file: by its byte order mark, else UTF-8, else Windows-1252.

    Raises UnreadableDocument when it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableDocument(f"cannot be opened: {error.strerror}") from error
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace").replace("\r\n", "\n")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n")
