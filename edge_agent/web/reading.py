"""Reads what was fetched, in processes of their own, as files of a library are read."""

from __future__ import annotations

import tempfile
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edge_agent.index import Document
from edge_agent.index.worker import DocumentsRead, ReaderPool, ReadingTask

from .errors import WebError
from .fetching import SUFFIXES, Page

_PROCESSES = 2
_SECONDS = 20.0
"""Longest that the reading of a page may take."""
_UNTITLED = "page-without-a-title"
"""How the file is called: what a reader calls a document that does not say what it is."""
_LONGEST_TITLE = 200


class PageReader:
    """Turns pages into documents; one that is broken, or a bomb, costs itself."""

    def __init__(self) -> None:
        """Start processes when they are needed."""
        self._pool = ReaderPool(_PROCESSES, _SECONDS)

    def close(self) -> None:
        """End the processes."""
        self._pool.close()

    def read(self, pages: Sequence[Page]) -> tuple[Document | WebError, ...]:
        """Return the document that each page is, or why it cannot be read."""
        found: dict[Path, Document] = {}
        problems: dict[Path, str | None] = {}
        with tempfile.TemporaryDirectory(prefix="miro-edge-") as folder:
            paths = [_written(page, Path(folder) / str(at)) for at, page in enumerate(pages)]
            for reading in self._pool.read(ReadingTask(path, path.name) for path in paths):
                if isinstance(reading, DocumentsRead):
                    found.setdefault(reading.task.path, reading.documents[0])
                else:
                    problems[reading.task.path] = reading.problem
        return tuple(
            _of_the_web(found[path], page)
            if path in found
            else WebError(f"{page.address} {problems[path]}.")
            for path, page in zip(paths, pages, strict=True)
        )


def _written(page: Page, folder: Path) -> Path:
    """Write a page to a file that a reader can be found for."""
    folder.mkdir()
    path = folder / f"{_UNTITLED}{SUFFIXES[page.kind]}"
    path.write_bytes(page.data)
    return path


def _of_the_web(document: Document, page: Page) -> Document:
    """Return what a file says as what its address says."""
    named = document.title if document.title != _UNTITLED else ""
    title = one_line(named) or page.address
    return replace(document, id=page.address, title=title, source=page.address)


def one_line(text: str, most: int = _LONGEST_TITLE) -> str:
    """Return what a stranger calls something, without anything but characters to be read."""
    kept = (each if unicodedata.category(each)[0] != "C" else " " for each in text)
    return " ".join("".join(kept).split())[:most]
