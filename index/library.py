"""A library: a named folder of the user's documents, their passages, and the index over them."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlite_utils

from .documents import Document
from .errors import (
    DamagedIndex,
    EmptyLibrary,
    LibraryError,
    UnknownPassage,
    UnreadableDocument,
)
from .files import content_hash, name_below, present_files
from .lexical import LexicalIndex
from .passages import Passage, split
from .tables import migrations, passage_from_row, passage_to_row
from .worker import ReaderProcess
from .writing import writing

_BATCH = 16_000_000
"""Characters of text to commit at once: it bounds memory, and what a crash costs."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that a search found, and its score."""

    passage: Passage
    score: float


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far an update is: files done of all that changed, and the one that is read now."""

    done: int
    total: int
    file: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that could not be read, and why."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What an update did, in files, and what the library holds after it."""

    added: int
    changed: int
    removed: int
    unchanged: int
    problems: tuple[Problem, ...]
    documents: int
    passages: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a library holds; `bytes` on disk."""

    name: str
    sources: tuple[str, ...]
    files: int
    documents: int
    passages: int
    problems: int
    bytes: int


Report = Callable[[IndexProgress], None]


class Library:
    """Documents in SQLite, which is the truth, and a Whoosh index derived from it.

    One process writes at a time; readers are never blocked, and see the last whole update.
    """

    def __init__(self, folder: Path) -> None:
        """Open the library in `folder`, or make an empty one."""
        self.folder = folder
        self.name = folder.name
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self._database = sqlite_utils.Database(
                sqlite3.connect(folder / "library.db", timeout=30, check_same_thread=False)
            )
            self._database.enable_wal()
            migrations.apply(self._database)
        except sqlite3.Error as error:
            raise LibraryError(
                f"The library '{self.name}' cannot be opened: {error}. "
                f"Free some disk, or remove it and add it again: miro-edge index remove {self.name}"
            ) from error
        self._lexical = LexicalIndex(folder / "lexical")

    def close(self) -> None:
        """Close the files."""
        self._database.close()

    @property
    def sources(self) -> tuple[Path, ...]:
        """The folders and files that its documents come from."""
        return tuple(Path(row["path"]) for row in self._database.table("sources").rows)

    # Writing

    def add(self, paths: Iterable[Path], report: Report | None = None) -> IndexReport:
        """Add folders and files to where documents come from, and bring the index up to date.

        Raises EmptyLibrary where nothing at all can be read, LibraryBusy, and LibraryError for a
        path that is no UTF-8.
        """
        sources = [_source(path) for path in paths]
        with writing(self.folder):
            self._database.table("sources").insert_all(
                ({"path": source} for source in sources), replace=True
            )
            return self._update(report)

    def update(self, report: Report | None = None) -> IndexReport:
        """Read what is new or changed, forget what is gone; an unchanged file costs a `stat`.

        Raises EmptyLibrary where nothing at all can be read, LibraryBusy.
        """
        with writing(self.folder):
            return self._update(report)

    def _update(self, report: Report | None) -> IndexReport:
        self._repair()
        known = {row["path"]: row for row in self._database.table("files").rows}
        # A name that is no UTF-8 cannot be stored; spelt out like this it is a problem to report.
        present = {
            str(path).encode("utf-8", "backslashreplace").decode("utf-8"): status
            for path, status in present_files(self.sources).items()
        }
        if known and not present:
            self._refuse_to_forget_everything()
        stale = [
            path for path, status in present.items() if not _unchanged(known.get(path), status)
        ]
        gone = [path for path in known if path not in present]
        if gone:
            self._write([], gone)
        for batch in _batches(self._read(stale, present, known, report)):
            self._write(batch, [])
        result = self._report(stale, gone, known, unchanged=len(present) - len(stale))
        if result.passages == 0:
            reasons = "; ".join(f"{problem.file} {problem.reason}" for problem in result.problems)
            raise EmptyLibrary(
                f"Nothing that can be read was found for the library '{self.name}'"
                f"{': ' + reasons if reasons else ''}. "
                "Add Markdown, HTML, text, PDF or JSON-lines files."
            )
        return result

    def _refuse_to_forget_everything(self) -> None:
        """Raise EmptyLibrary: a disk that is not mounted looks like documents all deleted."""
        sources = ", ".join(str(source) for source in self.sources)
        raise EmptyLibrary(
            f"Nothing is left at {sources}; the library '{self.name}' keeps what it has. Bring "
            f"the documents back, or remove it with: miro-edge index remove {self.name}"
        )

    def _repair(self) -> None:
        """Make the lexical index anew where a crash or damage set it apart from the texts."""
        interrupted = self._database.table("files").count_where("state = 'writing'")
        if interrupted or self._lexical.count() != self._database.table("passages").count:
            self._lexical.rebuild(
                passage_from_row(row) for row in self._database.table("passages").rows
            )
            self._settle()

    def _read(
        self,
        stale: list[str],
        present: dict[str, os.stat_result],
        known: dict[str, dict[str, Any]],
        report: Report | None,
    ) -> Iterator[_FileRead]:
        """Read files that seem changed; those whose content is the same only get a new date."""
        sources = self.sources
        with ReaderProcess() as reader:
            for done, path in enumerate(stale):
                if report is not None:
                    report(IndexProgress(done, len(stale), path))
                digest = content_hash(Path(path))
                row = known.get(path)
                if row is not None and row["hash"] == digest and row["state"] == "indexed":
                    yield _FileRead(path, present[path], digest, None, None)
                    continue
                try:
                    documents = reader.read(Path(path), name_below(Path(path), sources))
                    yield _FileRead(path, present[path], digest, documents, None)
                except UnreadableDocument as error:
                    yield _FileRead(path, present[path], digest, [], str(error))
        if report is not None and stale:
            report(IndexProgress(len(stale), len(stale), "writing the index"))

    def _write(self, read: list[_FileRead], gone: list[str]) -> None:
        """Commit texts, then the index, then that both agree: `_repair` mends a crash between."""
        changed = [file for file in read if file.documents is not None]
        with self._database.atomic():
            documents = self._forget([*(file.path for file in changed), *gone])
            passages = [passage for file in changed for passage in self._store(file)]
            self._database.table("files").upsert_all((file.row() for file in read), pk="path")
            for path in gone:
                self._database.table("files").update(path, {"state": "writing"})
        if documents or passages:
            self._lexical.replace(documents, passages)
        with self._database.atomic():
            for path in gone:
                self._database.table("files").delete(path)
            self._settle()

    def _settle(self) -> None:
        """Note that the lexical index has all that the texts have."""
        with self._database.atomic():
            self._database.execute("update files set state = 'indexed' where state = 'writing'")

    def _forget(self, files: list[str]) -> set[str]:
        """Delete the documents of files, and return their ids."""
        documents: set[str] = set()
        for path in files:
            documents |= {
                row["id"]
                for row in self._database.table("documents").rows_where("file = ?", (path,))
            }
        for document in documents:
            self._database.table("passages").delete_where("document = ?", (document,))
            self._database.table("documents").delete(document)
        return documents

    def _store(self, file: _FileRead) -> list[Passage]:
        """Store the documents of a file, and return their passages."""
        passages: list[Passage] = []
        for position, document in enumerate(file.documents or ()):
            unique = self._with_unique_id(document, f"{file.path}\0{position}")
            self._database.table("documents").insert(
                {"id": unique.id, "file": file.path, "title": unique.title}
            )
            parts = split(unique)
            self._database.table("passages").insert_all(
                passage_to_row(passage, number) for number, passage in enumerate(parts, start=1)
            )
            passages += parts
        return passages

    def _with_unique_id(self, document: Document, where: str) -> Document:
        """Return the document, its id made unique by where it lies if another one has it."""
        taken = self._database.table("documents").count_where("id = ?", (document.id,))
        if not taken:
            return document
        mark = hashlib.sha256(where.encode()).hexdigest()[:16]
        return replace(document, id=f"{document.id}~{mark}")

    def _report(
        self, stale: list[str], gone: list[str], known: dict[str, dict[str, Any]], unchanged: int
    ) -> IndexReport:
        return IndexReport(
            added=sum(path not in known for path in stale),
            changed=sum(path in known for path in stale),
            removed=len(gone),
            unchanged=unchanged,
            problems=self.problems(),
            documents=self._database.table("documents").count,
            passages=self._database.table("passages").count,
        )

    # Reading

    def search(
        self, query: str, limit: int = 5, exclude: Collection[str] = frozenset()
    ) -> tuple[Hit, ...]:
        """Return the best passages for a bag of words with quoted phrases; any string will do.

        Passages whose ids are in `exclude` are passed over. Raises LibraryError where the index is
        missing or damaged.
        """
        try:
            found = self._lexical.search(query, limit, exclude)
        except DamagedIndex as error:
            raise DamagedIndex(
                f"{error} Make it anew from the texts with: miro-edge index update {self.name}"
            ) from error
        hits = []
        for hit in found:
            row = self._row(hit.passage)
            if row is not None:
                hits.append(Hit(passage_from_row(row), hit.score))
        return tuple(hits)

    def passage(self, passage: str) -> Passage:
        """Return a passage by its id. Raises UnknownPassage."""
        row = self._row(passage)
        if row is None:
            raise UnknownPassage(
                f"The library '{self.name}' has no passage '{passage}'. "
                f"Find one with: miro-edge index search {self.name} QUERY"
            )
        return passage_from_row(row)

    def document(self, document: str) -> tuple[Passage, ...]:
        """Return all passages of a document, in order; none where there is no such document."""
        rows = self._database.table("passages").rows_where(
            "document = ?", (document,), order_by="number"
        )
        return tuple(passage_from_row(row) for row in rows)

    def find_document(self, title_or_id: str) -> str | None:
        """Return the id of the document with that id, else with that title, whatever its case."""
        row = next(
            self._database.table("documents").rows_where(
                "id = :name or title = :name collate nocase",
                {"name": title_or_id},
                order_by="id <> :name, id",
                limit=1,
            ),
            None,
        )
        return None if row is None else str(row["id"])

    def problems(self) -> tuple[Problem, ...]:
        """Return the files that could not be read."""
        rows = self._database.table("files").rows_where("state = 'problem'", order_by="path")
        return tuple(Problem(row["path"], row["problem"]) for row in rows)

    def statistics(self) -> Statistics:
        """Return what the library holds."""
        return Statistics(
            name=self.name,
            sources=tuple(str(source) for source in self.sources),
            files=self._database.table("files").count_where("state = 'indexed'"),
            documents=self._database.table("documents").count,
            passages=self._database.table("passages").count,
            problems=self._database.table("files").count_where("state = 'problem'"),
            bytes=sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file()),
        )

    def _row(self, passage: str) -> dict[str, Any] | None:
        return next(self._database.table("passages").rows_where("id = ?", (passage,)), None)


@dataclass(frozen=True, slots=True)
class _FileRead:
    """A file as it was read; `documents` is None where its content had not changed."""

    path: str
    stat: os.stat_result
    digest: str
    documents: list[Document] | None
    problem: str | None

    def row(self) -> dict[str, Any]:
        """Return its row in the table of files."""
        if self.problem is not None:
            state = "problem"
        else:
            state = "indexed" if self.documents is None else "writing"
        return {
            "path": self.path,
            "size": self.stat.st_size,
            "modified": self.stat.st_mtime_ns,
            "hash": self.digest,
            "state": state,
            "problem": self.problem,
        }


def _source(path: Path) -> str:
    """Return the whole path of a source, as it is stored."""
    source = str(path.resolve())
    try:
        source.encode("utf-8")
    except UnicodeEncodeError as error:
        raise LibraryError(
            f"The name {source!a} is no UTF-8, so it cannot be cited. Rename it, then try again."
        ) from error
    return source


def _batches(read: Iterable[_FileRead]) -> Iterator[list[_FileRead]]:
    """Yield files as they were read, in lists of about `_BATCH` characters of text."""
    batch: list[_FileRead] = []
    size = 0
    for file in read:
        batch.append(file)
        size += sum(len(document.text) for document in file.documents or ())
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _unchanged(row: dict[str, Any] | None, stat: os.stat_result) -> bool:
    return row is not None and row["size"] == stat.st_size and row["modified"] == stat.st_mtime_ns
