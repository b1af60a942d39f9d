"""Plain text, in the encodings that occur."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import TextIO

from ..documents import Document, Section
from ..errors import UnreadableDocument
from .guessing import guessed, wide

_TITLE_LENGTH = 100
_HEADING = re.compile(r"\s*(\S[^\n]*[^\s.!?:;,])[ \t]*\n[ \t]*\n\s*(?=\S)")
"""A first line that does not end like a sentence, and an empty one before more text."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 65_536
"""Bytes that an encoding is guessed from."""
_SURE = 24
"""Bytes beyond ASCII from which a guess is seldom wrong."""


def read_text(path: Path, name: str) -> list[Document]:
    """Read a text file as one document; a short first line is its title.

    One that stands like a heading, with an empty line below it, is not part of the text to be
    searched and shown. Raises UnreadableDocument for what is no text.
    """
    text = decoded(path)
    first = text.lstrip().partition("\n")[0].strip()
    title = first if 0 < len(first) <= _TITLE_LENGTH else path.stem
    heading = _HEADING.match(text)
    start = heading.end() if heading and len(heading[1]) <= _TITLE_LENGTH else 0
    return [Document(name, title, str(path), text, (Section(start, len(text)),))]


def decoded(path: Path) -> str:
    """Return the text of a file: by its byte order mark, else UTF-8, else as is likeliest.

    Raises UnreadableDocument when it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableDocument(f"cannot be opened: {error.strerror}") from error
    return decoded_bytes(data)


def decoded_bytes(data: bytes) -> str:
    """Return bytes as text, as `decoded` does. Raises UnreadableDocument for what is no text."""
    text = data.decode(_encoding(data), errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def opened(path: Path) -> TextIO:
    """Open a text file in its encoding, to be read line by line.

    Raises UnreadableDocument when it cannot be read.
    """
    try:
        with path.open("rb") as file:
            encoding = _marked(file.read(_SAMPLE))
        if encoding is None:
            # The whole file is held only where it is not UTF-8.
            encoding = "utf-8" if is_utf8(path) else _encoding(path.read_bytes())
        return path.open(encoding=encoding, errors="replace")
    except OSError as error:
        raise UnreadableDocument(f"cannot be opened: {error.strerror}") from error


def hardly_guessed(path: Path) -> str | None:
    """Return the encoding of a text file that had to be guessed from a few bytes, if it had to be.

    Raises UnreadableDocument for what is no text.
    """
    if is_utf8(path):
        return None
    encoding, sample = _known(path.read_bytes())
    is_sure = encoding is not None or sum(byte > 127 for byte in sample) >= _SURE
    return None if is_sure else guessed(sample)


def is_binary(head: bytes) -> bool:
    """Return whether what begins with `head` is no text in any encoding."""
    return b"\0" in head and _marked(head) is None


def is_utf8(path: Path) -> bool:
    """Return whether a file is UTF-8 throughout, a piece at a time."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while piece := file.read(_SAMPLE):
                if b"\x1b$" in piece or b"\0" in piece:  # for `_encoding` to decide
                    return False
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _marked(head: bytes) -> str | None:
    """Return the encoding that the first bytes of a file show beyond doubt, if they do."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    # UTF-16 without a mark: of a text in Latin letters every other byte is nought.
    for encoding, zeros, letters in (
        ("utf-16-le", head[1::2], head[::2]),
        ("utf-16-be", head[::2], head[1::2]),
    ):
        if len(head) >= 8 and zeros.count(0) > 0.8 * len(zeros) and 0 not in letters:
            return encoding
    return None if b"\0" not in head and _may_be_utf8(head) else wide(head)


def _may_be_utf8(head: bytes) -> bool:
    """Return whether the first bytes of a file are UTF-8, but for a character that goes on."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _encoding(data: bytes) -> str:
    encoding, sample = _known(data)
    return encoding or guessed(sample)


def _known(data: bytes) -> tuple[str | None, bytes]:
    """Return the encoding that a text shows; else None, and what it has to be guessed from."""
    encoding = _marked(data[:_SAMPLE])
    if encoding is not None:
        return encoding, b""
    if is_binary(data[:_SAMPLE]):
        raise UnreadableDocument("is not text, nor a format that can be read (yet)")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return "iso2022_jp" if b"\x1b$" in data[:_SAMPLE] else "utf-8", b""
    foreign = [line for line in data.split(b"\n") if not line.isascii()]
    strange = [line for line in foreign if "\ufffd" in line.decode("utf-8", errors="replace")]
    if 2 * len(strange) < len(foreign):  # UTF-8 in which some lines are damaged
        return "utf-8", b""
    return None, b"\n".join(strange)[:_SAMPLE]
