"""Bringing a library up to date: what is new or changed is read, what is gone is forgotten."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlite_utils

from .archive import Archive
from .database import give_back
from .documents import Document
from .errors import UnreadableDocument
from .files import FilesFound, find_files, is_archive, name_below
from .lexical import LexicalIndex
from .sources import Source
from .texts import Texts
from .worker import DocumentsRead, FileRead, ReaderPool, ReadingTask

_BATCH = 32_000_000
"""Characters of text to commit at once: it bounds memory, and what a crash costs."""
_CURABLE = ("cannot be opened", "needs the ")
"""Beginnings of problems that may be over though the file is the same: rights, missing extras."""
_REPAIRED_AT_ONCE = 50_000
"""Passages that are put into the lexical index in one commit when it is mended."""
_FILES_EACH = 16
"""Files that are worth starting a process for: it takes as long as reading some."""


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far an update is: `done` of `total` files or passages, as `doing` says."""

    doing: str
    done: int
    total: int
    passages: int
    """Passages made so far."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that could not be read, or not all of it, or a place not looked into, and why."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What an update did, in files, and what the library holds after it."""

    added: int
    changed: int
    moved: int
    removed: int
    unchanged: int
    unread: int
    """New or changed files of which nothing could be read: not among `added` and `changed`."""
    problems: tuple[Problem, ...]
    documents: int
    passages: int


Report = Callable[[IndexProgress], None]


@dataclass(slots=True)
class _Batch:
    """What is committed together."""

    gone: list[str] = field(default_factory=list)
    """Files whose documents are forgotten."""
    moves: list[tuple[str, str, str]] = field(default_factory=list)
    """Files that have moved: from path, to path, to name."""
    documents: list[tuple[str, Document]] = field(default_factory=list)
    """Files, and documents in them."""
    files: list[dict[str, Any]] = field(default_factory=list)
    """Rows of files that are done."""
    characters: int = 0


class Update:
    """One update of a library: whoever makes it holds the library's lock."""

    def __init__(
        self, database: sqlite_utils.Database, lexical: LexicalIndex, report: Report | None
    ) -> None:
        """Update the texts in `database`, which are the truth, and `lexical`, derived from them."""
        self._database = database
        self._texts = Texts(database)
        self._lexical = lexical
        self._report = report or (lambda _: None)
        self._known: dict[str, dict[str, Any]] = {}
        self._gone: set[str] = set()
        self._stale: list[Path] = []
        self._begun: set[str] = set()
        self._movable: dict[tuple[str, str], list[str]] = {}
        """Files that are gone, by their name and the hash of their content."""
        self._archives: dict[str, str] = {}
        """What the archives are called in ids, by path."""
        self._kept: dict[str, dict[str, Any]] = {}
        """Rows of the files whose documents are kept, by where these are now."""
        self._moved: set[str] = set()
        self._unread: set[str] = set()
        self._done = 0
        self._passages = 0
        self._batch = _Batch()

    def run(self, sources: tuple[Source, ...]) -> IndexReport:
        """Bring the library up to date with `sources`; an unchanged file costs a `stat`."""
        reconcile(self._texts, self._lexical, self._report)
        self._doubt_older_readers()
        self._known = {row["path"]: row for row in self._database.table("files").rows}
        self._batch.gone += self._left_behind()
        found = find_files(sources)
        self._compare(found)
        archives = [path for path in self._stale if is_archive(path)]
        for path in archives:
            self._take_archive(path, found)
        texts = [path for path in self._stale if not is_archive(path)]
        # A second copy of a file that has moved has to be read after all.
        if texts:
            self._tell("Reading files")
        self._read(self._read(texts, found), found)
        self._batch.gone += sorted(self._gone - self._moved)
        self._commit()
        remember_unreachable(self._database, found.unreachable)
        if self._lexical.is_mostly_deleted:
            _rebuild(self._texts, self._lexical, self._report)
        give_back(self._database)
        return self._reported(len(found.files) - len(self._stale))

    def _doubt_older_readers(self) -> None:
        """Have what other readers could not read, not whole, or otherwise read anew."""
        from .readers import EDITION, is_read_otherwise

        (edition,) = self._database.execute("pragma user_version").fetchone()
        if edition == EDITION:
            return
        rows = self._database.execute("select path, problem from files where state <> 'archive'")
        doubtful = [
            [path] for path, problem in rows if problem is not None or is_read_otherwise(Path(path))
        ]
        with self._database.atomic():
            self._database.conn.executemany(
                "update files set size = -1, hash = '' where path = ?", doubtful
            )
            self._database.execute(f"pragma user_version = {EDITION}")

    def _compare(self, found: FilesFound) -> None:
        """Note what is gone, what may only have moved, and what has to be looked at."""
        present = {storable(path): path for path in found.files}
        self._gone = {
            path
            for path in self._known
            if path not in present and not found.is_out_of_sight(Path(path))
        }
        self._archives = {
            path: row["name"]
            for path, row in self._known.items()
            if row["state"] == "archive" and path not in self._gone
        }
        for gone in sorted(self._gone):
            if self._known[gone]["state"] == "indexed":
                key = (Path(gone).name, self._known[gone]["hash"])
                self._movable.setdefault(key, []).append(gone)
        self._stale = [
            path
            for name, path in present.items()
            if not _unchanged(self._known.get(name), found.files[path])
        ]

    def _left_behind(self) -> list[str]:
        """Return files with documents of which an interrupted update had not come to the end."""
        unfinished = (
            "select distinct file from documents where file not in (select path from files)"
        )
        return [str(path) for (path,) in self._database.execute(unfinished)]

    # Reading

    def _read(self, paths: list[Path], found: FilesFound) -> list[Path]:
        """Read files, and commit them batch by batch; return those that have to be read again."""
        again: list[Path] = []
        with ReaderPool(_processes(len(paths))) as pool:
            for reading in pool.read(self._tasks(paths, found)):
                path = storable(reading.task.path)
                self._tell("Reading files")
                if isinstance(reading, DocumentsRead):
                    self._take_documents(path, reading.documents)
                elif reading.known and not self._keep(path, reading):
                    again.append(reading.task.path)
                else:
                    self._take_file(path, reading, found.files[reading.task.path])
                    self._done += 1
                if self._batch.characters >= _BATCH:
                    self._commit()
        return again

    def _tasks(self, paths: list[Path], found: FilesFound) -> Iterator[ReadingTask]:
        """Yield what to read; what is known already is told by its hash."""
        movable: dict[tuple[str, int], set[str]] = {}
        for (name, digest), origins in self._movable.items():
            for origin in origins:
                movable.setdefault((name, self._known[origin]["size"]), set()).add(digest)
        for path in paths:
            source = found.origin[path]
            known = set(movable.get((path.name, found.files[path].st_size), ()))
            row = self._known.get(storable(path))
            if row is not None and row["state"] == "indexed":
                known.add(row["hash"])
            yield ReadingTask(path, name_below(path, source), source.fields, frozenset(known))

    def _take_archive(self, path: Path, found: FilesFound) -> None:
        row = _file_row(path, found.files[path], state="archive")
        row["name"] = self._archive_name(row["path"], name_below(path, found.origin[path]))
        try:
            Archive(path, row["name"]).close()
        except UnreadableDocument as error:
            row |= {"state": "problem", "problem": str(error)}
            self._unread.add(row["path"])
        self._batch.gone.append(row["path"])
        self._batch.files.append(row)
        self._done += 1

    def _archive_name(self, path: str, name: str) -> str:
        """Return what an archive is called in ids, marked where another one has that name."""
        if name in {other for at, other in self._archives.items() if at != path}:
            name = f"{name}~{hashlib.sha256(path.encode()).hexdigest()[:16]}"
        self._archives[path] = name
        return name

    def _take_documents(self, path: str, documents: tuple[Document, ...]) -> None:
        self._begin(path)
        self._batch.documents += ((path, document) for document in documents)
        self._batch.characters += sum(len(document.text) for document in documents)

    def _begin(self, path: str) -> None:
        """Forget what a file had before it is read anew."""
        if path not in self._begun:
            self._begun.add(path)
            self._batch.gone.append(path)

    def _keep(self, path: str, reading: FileRead) -> bool:
        """Keep the documents of a file whose content is known; return whether they are there.

        They are its own, or those of a file that is gone: then it has moved.
        """
        own = self._known.get(path)
        if own is not None and own["hash"] == reading.digest and own["state"] == "indexed":
            self._kept[path] = own
            return True
        origins = self._movable.get((reading.task.path.name, reading.digest))
        if not origins:
            return False
        origin = origins.pop()
        self._kept[path] = self._known[origin]
        self._moved.add(origin)
        self._begin(path)
        self._batch.moves.append((origin, path, reading.task.name))
        return True

    def _take_file(self, path: str, reading: FileRead, status: os.stat_result) -> None:
        row = _file_row(reading.task.path, status, state="indexed")
        row |= {"hash": reading.digest, "problem": reading.problem, "name": reading.task.name}
        if path in self._kept:
            row["problem"] = self._kept[path]["problem"]
        elif path not in self._begun:  # there is not a document in it
            self._begin(path)
            row["state"] = "problem"
            self._unread.add(path)
        self._batch.files.append(row)

    def _tell(self, doing: str) -> None:
        self._report(IndexProgress(doing, self._done, len(self._stale), self._passages))

    # Writing

    def _commit(self) -> None:
        """Commit texts, then the index; `reconcile` mends what a crash between them leaves."""
        batch, self._batch = self._batch, _Batch()
        with self._database.atomic():
            forgotten = [key for path in batch.gone for key in self._texts.forget(path)]
            for old, new, name in batch.moves:
                self._texts.move(old, new, self._known[old]["name"], name)
            passages = [
                stored
                for path, document in batch.documents
                for stored in self._texts.store(path, document)
            ]
            for path in (*batch.gone, *(old for old, _, _ in batch.moves)):
                self._database.execute("delete from files where path = ?", [path])
            self._database.table("files").upsert_all(batch.files, pk="path")
        self._passages += len(passages)
        if forgotten or passages:
            self._tell("Writing the index")
            self._lexical.replace(forgotten, passages)

    def _reported(self, unchanged: int) -> IndexReport:
        read = {storable(path) for path in self._stale} - self._unread
        changed = len(read & self._known.keys())
        return IndexReport(
            added=len(read) - changed - len(self._moved),
            changed=changed,
            moved=len(self._moved),
            removed=len(self._gone - self._moved),
            unchanged=unchanged,
            unread=len(self._unread),
            problems=stored_problems(self._database),
            documents=self._texts.documents,
            passages=self._texts.passages,
        )


def remember_unreachable(database: sqlite_utils.Database, places: Mapping[Path, str]) -> None:
    """Store what could not be looked at, where that is not what is stored already."""
    seen = {storable(path): reason for path, reason in places.items()}
    table = database.table("unreachable")
    if seen != {row["path"]: row["reason"] for row in table.rows}:
        with database.atomic():
            table.delete_where()
            table.insert_all({"path": path, "reason": seen[path]} for path in seen)


def stored_problems(database: sqlite_utils.Database) -> tuple[Problem, ...]:
    """Return what could not be looked at, and files that could not be read, or not whole."""
    files = database.table("files").rows_where("problem is not null", order_by="path")
    read = (Problem(row["path"], row["problem"]) for row in files)
    return (*_unreachable(database), *read)


def unread_files(database: sqlite_utils.Database) -> tuple[Problem, ...]:
    """Return the files of which nothing could be read, and what could not be looked at."""
    files = database.table("files").rows_where("state = 'problem'", order_by="path")
    read = (Problem(row["path"], row["problem"] or "has no text") for row in files)
    return (*_unreachable(database), *read)


def _unreachable(database: sqlite_utils.Database) -> tuple[Problem, ...]:
    rows = database.table("unreachable").rows_where(order_by="path")
    return tuple(Problem(row["path"], row["reason"]) for row in rows)


def reconcile(texts: Texts, lexical: LexicalIndex, report: Report) -> None:
    """Put the lexical index in step with the texts, where a crash or damage set it apart."""
    held = lexical.keys()
    if held is None:
        _rebuild(texts, lexical, report)
    else:
        _put_in_step(texts, lexical, held, report)
        lexical.seal()  # an older version has not


def _rebuild(texts: Texts, lexical: LexicalIndex, report: Report) -> None:
    """Make the lexical index anew from the texts, with what an interruption has left of that."""
    with lexical.rebuilding() as draft:
        _put_in_step(texts, draft, draft.keys() or set(), report)


def _put_in_step(texts: Texts, lexical: LexicalIndex, held: set[int], report: Report) -> None:
    """Take out of an index, which has the keys `held`, what is gone, and put in what it lacks."""
    keys = texts.keys()
    stale = held - keys
    missing = sorted(keys - held)
    if stale:
        lexical.replace(stale, ())
    for start in range(0, len(missing), _REPAIRED_AT_ONCE):
        done = len(keys) - len(missing) + start
        report(IndexProgress("Indexing anew", done, len(keys), done))
        part = texts.by_key(missing[start : start + _REPAIRED_AT_ONCE])
        lexical.replace((), part.items())


def storable(path: Path) -> str:
    """Return a path as text; what of it is no UTF-8 is spelt out."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")


def _file_row(path: Path, status: os.stat_result, *, state: str) -> dict[str, Any]:
    return {
        "path": storable(path),
        "size": status.st_size,
        "modified": status.st_mtime_ns,
        "hash": "",
        "state": state,
        "problem": None,
        "name": "",
    }


def _unchanged(row: dict[str, Any] | None, status: os.stat_result) -> bool:
    """Tell whether a file is as it was, and what kept it from being read is not outside of it."""
    return (
        row is not None
        and row["size"] == status.st_size
        and row["modified"] == status.st_mtime_ns
        and not (row["state"] == "problem" and str(row["problem"]).startswith(_CURABLE))
    )


def _processes(files: int) -> int:
    """Return how many processes read: more than one only where starting it pays."""
    return max(1, min(files // _FILES_EACH, os.cpu_count() or 1))
