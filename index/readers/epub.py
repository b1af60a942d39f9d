"""EPUB books: their chapters in reading order, under their headings."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from ..documents import Document, Flaw
from ..errors import UnreadableDocument
from .failures import failing_as, listed
from .markup import parsed, sectioned_text
from .sectioned import SectionedText
from .zipped import opened_zip, xml

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_FONTS = frozenset(("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"))
"""Methods that scramble fonts only; the text is free."""
_PAGES = frozenset(("application/xhtml+xml", "text/html", "text/x-oeb1-document"))
_ESCAPED = re.compile(rb"%([0-9A-Fa-f]{2})")
_NAMED = 3


@dataclass(frozen=True, slots=True)
class _Book:
    title: str
    creators: tuple[str, ...]
    chapters: tuple[str, ...]
    """The parts of the archive that are its text, in order."""
    labels: dict[str, str]
    """What the table of contents calls them."""


def read_epub(path: Path, name: str) -> Iterator[Document | Flaw]:
    """Read a book as one document.

    Raises UnreadableDocument where it is broken, or encrypted.
    """
    missing: list[str] = []
    with opened_zip(path) as archive, failing_as("an EPUB"):
        _refuse_encrypted(archive)
        book = _book(archive)
        text = SectionedText()
        text.add("\n".join(filter(None, (book.title, *book.creators))))
        chapters = 0
        for part in book.chapters:
            tree = _page(archive, part)
            if tree is None:
                missing.append(posixpath.basename(part))
                continue
            chapter, sections = sectioned_text(tree)
            chapters += bool(chapter.strip())
            text.enter("" if any(s.headings for s in sections) else book.labels.get(part, ""))
            text.append(chapter, sections)
        if not chapters:
            raise UnreadableDocument("has no text in it")
        whole, all_sections = text.finished()
    title = book.title or path.stem
    yield Document(name, title, str(path), whole, all_sections, is_extracted=True)
    if missing:
        rest = [f"{len(missing) - _NAMED} others"] if len(missing) > _NAMED else []
        yield Flaw(f"lacks, or has broken, {listed(missing[:_NAMED] + rest)}")


def _refuse_encrypted(archive: ZipFile) -> None:
    """Raise UnreadableDocument for a book whose text is encrypted."""
    if _ENCRYPTION not in archive.namelist():
        return
    methods = xml(archive.read(_ENCRYPTION)).iter("{*}EncryptedData")
    for data in methods:
        method = data.find("{*}EncryptionMethod")
        if method is None or method.get("Algorithm") not in _FONTS:
            raise UnreadableDocument("is protected (DRM): it can be read by its own reader only")


def _book(archive: ZipFile) -> _Book:
    """Return what the package document says."""
    root = xml(archive.read(_CONTAINER)).find(".//{*}rootfile")
    package_path = root.get("full-path")
    package = xml(archive.read(package_path))
    folder = posixpath.dirname(package_path)
    items = {item.get("id"): item for item in package.iterfind(".//{*}manifest/{*}item")}
    spine = [items.get(item.get("idref")) for item in package.iterfind(".//{*}spine/{*}itemref")]
    return _Book(
        title=_metadata(package, "title")[0] if _metadata(package, "title") else "",
        creators=_metadata(package, "creator"),
        chapters=tuple(
            _part(folder, item)
            for item in spine
            if item is not None and item.get("media-type") in _PAGES and not _is_contents(item)
        ),
        labels=_labels(archive, folder, list(items.values())),
    )


def _metadata(package: Any, field: str) -> tuple[str, ...]:
    found = package.iterfind(f".//{{http://purl.org/dc/elements/1.1/}}{field}")
    texts = (" ".join("".join(element.itertext()).split()) for element in found)
    return tuple(text for text in texts if text)


def _is_contents(item: Any) -> bool:
    return "nav" in item.get("properties", "").split()


def _labels(archive: ZipFile, folder: str, items: list[Any]) -> dict[str, str]:
    """Return what the table of contents, old (NCX) or new (nav), calls the parts of a book."""
    labels: dict[str, str] = {}
    for item in items:
        is_old = item.get("media-type") == "application/x-dtbncx+xml"
        if not is_old and not _is_contents(item):
            continue
        part = _part(folder, item)
        tree = _page(archive, part)
        if tree is None:
            continue
        for entry in tree.iter("{*}navPoint" if is_old else "{*}a"):
            label = entry.find("{*}navLabel") if is_old else entry
            content = entry.find("{*}content") if is_old else entry
            if label is not None and content is not None:
                target = content.get("src" if is_old else "href", "").partition("#")[0]
                told = " ".join("".join(label.itertext()).split())
                labels.setdefault(_resolved(posixpath.dirname(part), target), told)
    return labels


def _page(archive: ZipFile, part: str) -> Any | None:
    """Return the tree of a part; None where it is missing or broken."""
    try:
        return parsed(archive.read(part))
    except MemoryError:
        raise
    except Exception:  # KeyError, BadZipFile, zlib.error, RuntimeError (encrypted), …
        return None


def _part(folder: str, item: Any) -> str:
    return _resolved(folder, item.get("href", ""))


def _resolved(folder: str, reference: str) -> str:
    """Return the part of the archive that a reference in `folder` means."""
    plain = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), reference.encode("utf-8"))
    return posixpath.normpath(posixpath.join(folder, plain.decode("utf-8", errors="replace")))
