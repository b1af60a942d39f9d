"""Readers: what a file says, by its content first and its suffix second. One module a format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from ..documents import Document, Flaw, RecordFields, storable
from ..errors import UnreadableDocument
from .csv_file import read_csv
from .epub import read_epub
from .html import read_html
from .json_file import read_json
from .json_lines import read_json_lines
from .latex import read_latex
from .mail import is_mailbox, read_mail, read_mailbox
from .markdown import read_markdown
from .ole import OLE, read_ole
from .opendocument import read_opendocument
from .pdf import read_pdf
from .sheets import read_sheets
from .slides import read_slides
from .source_code import SOURCE_SUFFIXES, read_source_code
from .text import hardly_guessed, is_binary, is_utf8, read_text
from .word import read_word
from .zipped import ZIP, kind_of

Reader = Callable[[Path, str], Iterable[Document | Flaw]]
"""Reads a file into documents; the string is the id of a document that is the whole file."""

EDITION = 2
"""Which readers these are. Raise it where they come to read what they could not, not all of, or
otherwise: libraries then read such files again, once."""
_SNIFFED = 65_536
_MOST_CHARACTERS = 64_000_000
"""Of the documents in a small file: where parts are packed or repeated there may be any number."""
_MOST_PER_BYTE = 10
"""Characters more for each byte of a larger one: each row of a table repeats the columns' names."""

_ZIPPED: dict[str, Reader] = {
    "word": read_word,
    "slides": read_slides,
    "sheets": read_sheets,
    "epub": read_epub,
    "opendocument": read_opendocument,
}
_BY_SUFFIX: dict[str, Reader] = {
    ".html": read_html,
    ".htm": read_html,
    ".xhtml": read_html,
    ".eml": read_mail,
    ".mht": read_mail,
    ".mhtml": read_mail,
    ".mbox": read_mailbox,
}
_OF_TEXT: dict[str, Reader] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".tex": read_latex,
    **dict.fromkeys(SOURCE_SUFFIXES, read_source_code),
}
_OF_RECORDS: dict[str, Callable[[Path, str, RecordFields], Iterable[Document | Flaw]]] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".tab": read_csv,
    ".json": read_json,
    ".geojson": read_json,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
}

_PLAIN = frozenset(("", ".txt", ".text", ".log", *_OF_TEXT, *_OF_RECORDS))
"""Suffixes of what is plain text as a rule."""


def is_read_otherwise(path: Path) -> bool:
    """Tell whether an earlier edition may have read a file otherwise.

    It left the accents of LaTeX as they are written, and guessed other encodings.
    """
    suffix = path.suffix.lower()
    try:
        return suffix == ".tex" or (suffix in _PLAIN and path.is_file() and not is_utf8(path))
    except OSError:  # it cannot be read now either
        return False


def read_with(reader: Reader, path: Path, name: str) -> Iterator[Document | Flaw]:
    """Yield the documents in the file at `path`, then what of it could not be read.

    `name` is the id of a document that is the whole file. Raises UnreadableDocument where the file
    is broken, or has no text in it.
    """
    flaws: list[Flaw] = []
    is_empty = True
    room = _MOST_CHARACTERS + _MOST_PER_BYTE * path.stat().st_size
    for found in _bounded(reader(path, name), room):
        if isinstance(found, Flaw):
            flaws.append(Flaw(_storable_text(found.reason)))
        elif found.text.strip():
            is_empty = False
            yield _storable(found)
    if is_empty:
        raise UnreadableDocument(flaws[0].reason if flaws else "has no text in it")
    yield from flaws


def _bounded(found: Iterable[Document | Flaw], room: int) -> Iterator[Document | Flaw]:
    """Yield what is found while it has no more than `room` characters; if there is more, a flaw.

    Headings count for each section that they stand above.
    """
    for each in found:
        if isinstance(each, Document):
            headings = (heading for section in each.sections for heading in section.headings)
            room -= len(each.text) + sum(map(len, headings))
            if room < 0:
                yield Flaw("has far more text than a file of its size may have; split it")
                return
        yield each


def reader_of(path: Path, fields: RecordFields) -> Reader:
    """Choose a reader by the beginning of a file.

    `fields` are those of records (JSON, CSV) that make a document. Raises UnreadableDocument where
    there is no reader for the file.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_SNIFFED)
    except OSError as error:
        raise UnreadableDocument(f"cannot be opened: {error.strerror}") from error
    suffix = path.suffix.lower()
    known = _by_content(path, head, suffix)
    if known is not None:
        return known
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    if suffix in _OF_RECORDS:
        of_records = _OF_RECORDS[suffix]
        return _told_of_guess(lambda path, name: of_records(path, name, fields))
    return _told_of_guess(_OF_TEXT.get(suffix, read_text))


def _told_of_guess(reader: Reader) -> Reader:
    """Return a reader of text that also says where its encoding is hardly more than a guess."""

    def read(path: Path, name: str) -> Iterator[Document | Flaw]:
        yield from reader(path, name)
        encoding = hardly_guessed(path)
        if encoding is not None:
            yield Flaw(f"its encoding was guessed: {encoding}")

    return read


def _by_content(path: Path, head: bytes, suffix: str) -> Reader | None:
    """Return the reader of what a file shows itself to be; None where it may be any text."""
    found: Reader | None = None
    if head.startswith(b"%PDF-") or (suffix == ".pdf" and b"%PDF-" in head[:1024]):
        found = read_pdf
    elif head.startswith(ZIP):
        found = _ZIPPED[kind_of(path)]
    elif head.startswith(OLE):
        found = read_ole
    elif head.startswith(b"{\\rtf"):
        raise UnreadableDocument("is rich text (RTF); save it as .docx or .odt")
    elif _is_html(head) and suffix not in SOURCE_SUFFIXES:
        found = read_html
    elif is_mailbox(head, suffix):
        found = read_mailbox
    elif is_binary(head) and suffix not in {".eml", ".mbox"}:
        raise UnreadableDocument("is not text, nor a format that can be read (yet)")
    return found


def _storable(document: Document) -> Document:
    """Return the document with half characters (lone surrogates) replaced, offsets unchanged."""
    id_, title, text = map(_storable_text, (document.id, document.title, document.text))
    return replace(document, id=id_, title=title, text=text)


def _storable_text(text: str) -> str:
    return storable(text).replace("\0", " ")


def _is_html(head: bytes) -> bool:
    start = head[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<?xml"):  # XHTML
        start = start.partition(b"?>")[2].lstrip()
    return start.startswith((b"<!doctype html", b"<html"))
