"""A library: a named folder of the user's documents, their passages, and the index over them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlite_utils
from filelock import FileLock, Timeout
from sqlite_utils.migrations import Migrations

from .documents import Document
from .errors import EmptyLibrary, LibraryBusy, LibraryError, UnknownPassage, UnreadableDocument
from .lexical import LexicalIndex
from .passages import Passage, split
from .worker import ReaderProcess

migrations = Migrations("miro-edge-library")


@migrations()
def create_tables(database: sqlite_utils.Database) -> None:
    """Make the tables: where documents come from, and what was read."""
    database.table("sources").create({"path": str}, pk="path")
    # state: `indexed`, `writing` until the lexical index has it too, or `problem`.
    database.table("files").create(
        {"path": str, "size": int, "modified": int, "hash": str, "state": str, "problem": str},
        pk="path",
    )
    database.table("documents").create({"id": str, "file": str, "title": str}, pk="id")
    database.table("documents").create_index(["file"])
    database.table("passages").create(
        {"id": str, "document": str, "number": int, "title": str, "source": str, "headings": str,
         "page": int, "line": int, "start": int, "end": int, "text": str},
        pk="id",
    )  # fmt: skip
    database.table("passages").create_index(["document", "number"])


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

    # Writing

    def add(self, paths: Iterable[Path], report: Report | None = None) -> IndexReport:
        """Add folders and files to where documents come from, and bring the index up to date.

        Raises EmptyLibrary where nothing at all can be read, LibraryBusy.
        """
        with self._writing():
            self._database.table("sources").insert_all(
                ({"path": str(path.resolve())} for path in paths), replace=True
            )
        return self.update(report)

    def update(self, report: Report | None = None) -> IndexReport:
        """Read what is new or changed, forget what is gone; an unchanged file costs a `stat`.

        Raises EmptyLibrary where nothing at all can be read, LibraryBusy.
        """
        with self._writing():
            known = {row["path"]: row for row in self._database.table("files").rows}
            present = dict(self._present())
            stale = [
                path for path, stat in present.items() if not _unchanged(known.get(path), stat)
            ]
            gone = [path for path in known if path not in present]
            read = list(self._read(stale, present, known, report))
            self._write(read, gone)
            result = self._report(stale, gone, known, unchanged=len(present) - len(stale))
        if result.passages == 0:
            reasons = "; ".join(f"{problem.file} {problem.reason}" for problem in result.problems)
            raise EmptyLibrary(
                f"Nothing that can be read was found for the library '{self.name}'"
                f"{': ' + reasons if reasons else ''}. "
                "Add Markdown, HTML, text, PDF or JSON-lines files."
            )
        return result

    def _writing(self) -> _WriteLock:
        return _WriteLock(self.folder / "write.lock", self.name)

    def _present(self) -> Iterator[tuple[str, os.stat_result]]:
        """Yield each file of the sources; hidden ones are skipped, links are not followed."""
        for row in self._database.table("sources").rows:
            source = Path(row["path"])
            for path in _files_under(source):
                try:
                    yield str(path), path.stat()
                except OSError:
                    continue

    def _read(
        self,
        stale: list[str],
        present: dict[str, os.stat_result],
        known: dict[str, dict[str, Any]],
        report: Report | None,
    ) -> Iterator[_FileRead]:
        """Read files that seem changed; those whose content is the same only get a new date."""
        sources = [Path(row["path"]) for row in self._database.table("sources").rows]
        with ReaderProcess() as reader:
            for done, path in enumerate(stale):
                if report is not None:
                    report(IndexProgress(done, len(stale), path))
                digest = _digest(Path(path))
                row = known.get(path)
                if row is not None and row["hash"] == digest and row["state"] == "indexed":
                    yield _FileRead(path, present[path], digest, None, None)
                    continue
                try:
                    documents = reader.read(Path(path), _document_name(Path(path), sources))
                    yield _FileRead(path, present[path], digest, documents, None)
                except UnreadableDocument as error:
                    yield _FileRead(path, present[path], digest, [], str(error))
        if report is not None and stale:
            report(IndexProgress(len(stale), len(stale), "writing the index"))

    def _write(self, read: list[_FileRead], gone: list[str]) -> None:
        """Commit texts, then the index, then that both agree: a crash in between is redone."""
        changed = [file for file in read if file.documents is not None]
        leaving = [*(file.path for file in changed), *gone]
        with self._database.atomic():
            documents = self._forget(leaving)
            passages = [passage for file in changed for passage in self._store(file)]
            self._database.table("files").upsert_all((file.row() for file in read), pk="path")
        if documents or passages:
            self._lexical.replace(documents, passages)
        with self._database.atomic():
            self._database.execute("update files set state = 'indexed' where state = 'writing'")
            for path in gone:
                self._database.table("files").delete(path)

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
        for document in file.documents or ():
            unique = self._with_unique_id(document, file.path)
            self._database.table("documents").insert(
                {"id": unique.id, "file": file.path, "title": unique.title}
            )
            parts = split(unique)
            self._database.table("passages").insert_all(
                _passage_row(passage, number) for number, passage in enumerate(parts, start=1)
            )
            passages += parts
        return passages

    def _with_unique_id(self, document: Document, path: str) -> Document:
        """Return the document, its id made unique by its file where another one has it."""
        taken = self._database.table("documents").count_where("id = ?", (document.id,))
        if not taken:
            return document
        mark = hashlib.sha256(f"{path}\0{document.text}".encode()).hexdigest()[:8]
        return Document(
            f"{document.id}~{mark}",
            document.title,
            document.source,
            document.text,
            document.sections,
        )

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

    def search(self, query: str, limit: int = 5) -> tuple[Hit, ...]:
        """Return the best passages for a bag of words with quoted phrases; any string will do."""
        hits = []
        for found in self._lexical.search(query, limit):
            row = next(
                self._database.table("passages").rows_where("id = ?", (found.passage,)), None
            )
            if row is not None:
                hits.append(Hit(_passage(row), found.score))
        return tuple(hits)

    def passage(self, passage: str) -> Passage:
        """Return a passage by its id. Raises UnknownPassage."""
        row = next(self._database.table("passages").rows_where("id = ?", (passage,)), None)
        if row is None:
            raise UnknownPassage(
                f"The library '{self.name}' has no passage '{passage}'. "
                f"Find one with: miro-edge index search {self.name} QUERY"
            )
        return _passage(row)

    def document(self, document: str) -> tuple[Passage, ...]:
        """Return all passages of a document, in order; none where there is no such document."""
        rows = self._database.table("passages").rows_where(
            "document = ?", (document,), order_by="number"
        )
        return tuple(_passage(row) for row in rows)

    def problems(self) -> tuple[Problem, ...]:
        """Return the files that could not be read."""
        rows = self._database.table("files").rows_where("state = 'problem'", order_by="path")
        return tuple(Problem(row["path"], row["problem"]) for row in rows)

    def statistics(self) -> Statistics:
        """Return what the library holds."""
        return Statistics(
            name=self.name,
            sources=tuple(row["path"] for row in self._database.table("sources").rows),
            files=self._database.table("files").count_where("state = 'indexed'"),
            documents=self._database.table("documents").count,
            passages=self._database.table("passages").count,
            problems=self._database.table("files").count_where("state = 'problem'"),
            bytes=sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file()),
        )

    def delete(self) -> None:
        """Delete the library; the documents that it was made from stay where they are."""
        with self._writing():
            self.close()
            shutil.rmtree(self.folder)


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


class _WriteLock:
    """The one writer's lock; a second writer is told, not kept waiting."""

    def __init__(self, path: Path, library: str) -> None:
        self._lock = FileLock(path)
        self._library = library

    def __enter__(self) -> None:
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise LibraryBusy(
                f"Another process is writing the library '{self._library}'. "
                "Wait until it has finished, then try again."
            ) from error

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _files_under(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
        return
    for folder, folders, files in os.walk(source, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(folder, name)
            if not name.startswith(".") and not path.is_symlink():
                yield path


def _document_name(path: Path, sources: list[Path]) -> str:
    """Return a file's name below its source, with slashes on every system."""
    for source in sources:
        if path == source:
            return path.name
        if path.is_relative_to(source):
            return path.relative_to(source).as_posix()
    return path.name


def _unchanged(row: dict[str, Any] | None, stat: os.stat_result) -> bool:
    return (
        row is not None
        and row["state"] != "writing"
        and row["size"] == stat.st_size
        and row["modified"] == stat.st_mtime_ns
    )


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            digest = hashlib.sha256()
            while block := file.read(1 << 20):
                digest.update(block)
            return digest.hexdigest()
    except OSError:
        return ""


def _passage_row(passage: Passage, number: int) -> dict[str, Any]:
    return {
        "id": passage.id,
        "document": passage.document,
        "number": number,
        "title": passage.title,
        "source": passage.source,
        "headings": json.dumps(passage.headings, ensure_ascii=False),
        "page": passage.page,
        "line": passage.line,
        "start": passage.start,
        "end": passage.end,
        "text": passage.text,
    }


def _passage(row: dict[str, Any]) -> Passage:
    values = {name: value for name, value in row.items() if name != "number"}
    return Passage(**{**values, "headings": tuple(json.loads(row["headings"]))})
