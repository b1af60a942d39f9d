"""A library: a named folder of the user's documents, their passages, and the indexes over them."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from .archive import Archive
from .database import open_database
from .dense import DenseIndex, Embedder
from .errors import (
    DamagedIndex,
    EmptyLibrary,
    LibraryBusy,
    LibraryError,
    NotEmbedded,
    UnknownPassage,
    UnreadableDocument,
)
from .files import bytes_below, check_patterns, fault_of, find_files, is_away
from .fusion import by_reciprocal_rank
from .lexical import LexicalIndex
from .passages import Passage
from .private_file import private_file, private_folder
from .query import Query, parse_query
from .ranking import By, Ranker
from .soundness import Soundness, examined
from .sources import Source, as_source, known_as, source_from_row, source_to_row
from .spelling import corrected
from .tables import migrations
from .texts import Texts
from .updating import (
    IndexProgress,
    IndexReport,
    Problem,
    Report,
    Update,
    remember_unreachable,
    stored_problems,
    unread_files,
)
from .writing import writing

TEXTS_FILE = "library.db"
_BELOW = "path = :path or substr(path, 1, length(:path) + 1) = :path || '/'"
"""What is a file, or lies in a folder."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that a search found, and its score: comparable within one search only."""

    passage: Passage
    score: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a library holds; `bytes` on disk."""

    name: str
    sources: tuple[str, ...]
    files: int
    documents: int
    passages: int
    archives: int
    embedded: int
    """Passages whose vectors lie ready for a search by meaning alone."""
    problems: int
    bytes: int


class Library:
    """Documents in SQLite, which is the truth, and indexes derived from it.

    One process writes at a time; readers are never blocked, and see the last whole update.
    """

    def __init__(self, folder: Path, embedder: Embedder | None = None) -> None:
        """Open the library in `folder`, or make an empty one.

        With an embedder it is searched by meaning too. Raises LibraryError.
        """
        self.folder = folder
        self.name = folder.name
        self.embedder = embedder
        private_folder(folder)
        try:
            self._database = open_database(_texts_file(folder), timeout=30)
            if migrations.pending(self._database):
                with FileLock(folder / "open.lock"):  # another process may be at it
                    migrations.apply(self._database)
            self._dense = None if embedder is None else DenseIndex(folder / "dense", embedder)
        except (sqlite3.Error, OSError) as error:
            raise self._broken("opened", error) from error
        self._file = _identity(folder)
        self._texts = Texts(self._database)
        self._lexical = LexicalIndex(folder / "lexical")
        self._finish_replacing()
        self._archives: dict[str, tuple[tuple[Any, ...], Archive]] = {}
        """The archives by path, each with what its row said when it was opened."""

    def close(self) -> None:
        """Close the files."""
        self._database.close()
        self._lexical.close()
        if self._dense is not None:
            self._dense.close()
        for _, archive in self._archives.values():
            archive.close()

    def _finish_replacing(self) -> None:
        """Bring the search index back, where a kill left it between its folders."""
        if self._lexical.is_half_replaced:
            with suppress(LibraryBusy, OSError), writing(self.folder):  # else an update does it
                self._lexical.finish()

    @property
    def sources(self) -> tuple[Source, ...]:
        """The folders and files that its documents come from."""
        return tuple(source_from_row(row) for row in self._database.table("sources").rows)

    def _broken(self, done: str, error: Exception) -> LibraryError:
        told = (
            f"The library '{self.name}' cannot be {done}: {error}. See that its folder can be "
            "written to and that there is room on the disk"
        )
        # Those that are derived from it are of the disk, of which the library may know nothing.
        if type(error) is sqlite3.DatabaseError:
            again = f"miro-edge index remove {self.name}"
            return LibraryError(f"{told}, or remove it and add it again: {again}")
        return LibraryError(f"{told}.")

    # Writing

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the library's lock. Raises LibraryBusy, and LibraryError as `_require_same`."""
        with writing(self.folder):
            self._require_same()
            yield

    def _require_same(self) -> None:
        """Raise LibraryError where the texts that are open have been removed, or made anew.

        The indexes are found by their path: they would be those of other texts.
        """
        if _identity(self.folder) != self._file:
            raise LibraryError(
                f"The library '{self.name}' has been removed or made anew since it was opened. "
                "Start this program again, or choose the library again."
            )

    def add(self, sources: Iterable[Source | Path], report: Report | None = None) -> IndexReport:
        """Add folders and files to where documents come from, and bring the index up to date.

        A source that is there already gets what is now wanted of it. Raises EmptyLibrary where
        nothing at all can be read: then what was wanted before holds on. Raises LibraryBusy, and
        LibraryError for a path that is no UTF-8 or a pattern that is none.
        """
        added = [as_source(source) for source in sources]
        for source in added:
            check_patterns((*source.include, *source.exclude))
        rows = [source_to_row(source) for source in added]
        with self._writing():
            before = list(self._database.table("sources").rows)
            for row in rows:
                known = (source.path for source in self.sources)
                self._add_source({**row, "path": str(known_as(Path(row["path"]), known))})
            try:
                return self._update(report)
            except EmptyLibrary as error:
                if not before:
                    raise
                self._put_back(before, report)
                kept = f"{error} What the library had before, it has still."
                raise EmptyLibrary(kept) from error

    def update(self, report: Report | None = None) -> IndexReport:
        """Read what is new or changed, forget what is gone; an unchanged file costs a `stat`.

        The indexes are compared with what was written, and made anew where they are damaged; the
        search index also where another analysis has made it. Raises EmptyLibrary where nothing at
        all can be read, LibraryBusy.
        """
        with self._writing():
            self._compare()
            return self._update(report)

    def drop(self, paths: Iterable[Path], report: Report | None = None) -> IndexReport:
        """Forget sources, and their documents.

        Raises LibraryError for what is none, also for a part of one, and LibraryBusy.
        """
        known = {source.path for source in self.sources}
        dropped = [known_as(path.resolve(), known) for path in paths]
        for path in dropped:
            if path not in known:
                raise self._not_added(path, known)
        with self._writing():
            for path in dropped:
                self._database.table("sources").delete(str(path))
            result = Update(self._database, self._lexical, report).run(self.sources)
            self._keep_embedded(report)
            return result

    def _not_added(self, path: Path, known: set[Path]) -> LibraryError:
        """Return why what a library has from a path cannot be taken out, and what can be done."""
        text = (
            f"{path} was not added to the library '{self.name}', so it cannot be taken out. "
            f"Added were: {', '.join(sorted(map(str, known)))}."
        )
        for whole in known & set(path.parents):
            text += (
                f" It is a part of {whole}: leave it out with a file .miro-edge-ignore there, or "
                "with --exclude when you add that again."
            )
        return LibraryError(text)

    def embed(self, report: Report | None = None) -> int:
        """Embed all passages, so that they are searched by meaning alone; return how many.

        Later updates keep it so. Raises LibraryError where there is no embedder, LibraryBusy.
        """
        with self._writing():
            return self._embed(report)

    def _add_source(self, row: dict[str, Any]) -> None:
        """Add a source; where other fields of its records are wanted now, they are read anew."""
        former = next(self._database.table("sources").rows_where("path = ?", [row["path"]]), None)
        self._database.table("sources").insert(row, replace=True)
        if former is not None and source_from_row(former).fields != source_from_row(row).fields:
            self._database.execute(
                f"update files set size = -1, hash = '' where {_BELOW}", {"path": row["path"]}
            )

    def _put_back(self, sources: list[dict[str, Any]], report: Report | None) -> None:
        """Have the sources that were there before, and read what a mistyped field has lost."""
        with self._database.atomic():
            self._database.table("sources").delete_where()
            self._database.table("sources").insert_all(sources)
        if self._texts.passages:  # then nothing was read, as everything is away
            return
        self._database.execute("update files set size = -1, hash = ''")
        with suppress(EmptyLibrary):  # it was so before
            self._update(report)

    def _update(self, report: Report | None) -> IndexReport:
        missing = [source for source in self.sources if fault_of(source.path) is not None]
        if self.sources and len(missing) == len(self.sources):
            # A disk that is not mounted looks like documents all deleted.
            remember_unreachable(self._database, find_files(self.sources).unreachable)
            raise EmptyLibrary(
                f"Nothing is left at {', '.join(str(source.path) for source in missing)}; the "
                f"library '{self.name}' keeps what it has. Bring the documents back, or remove it "
                f"with: miro-edge index remove {self.name}"
            )
        result = Update(self._database, self._lexical, report).run(self.sources)
        if result.passages == 0 and not self._archive_rows():
            reasons = [f"{problem.file} {problem.reason}" for problem in result.problems]
            told = f": {'; '.join(reasons).rstrip('.')}" if reasons else ""
            raise EmptyLibrary(
                f"Nothing that can be read was found for the library '{self.name}'{told}. "
                "Add documents: miro-edge index add --help lists the formats."
            )
        self._keep_embedded(report)
        return result

    def _keep_embedded(self, report: Report | None) -> None:
        """Embed what is new, and forget what is gone, where all is to be searched by meaning."""
        dense = self._dense
        if dense is None or not dense.was_whole:
            return
        if dense.keys() == self._texts.keys():
            dense.seal()  # an older version has not
        else:
            self._embed(report)

    def _embed(self, report: Report | None) -> int:
        if self._dense is None:
            raise NotEmbedded(
                "Passages cannot be embedded without the embedder. Pull it with: "
                "miro-edge models pull minilm-l6"
            )
        total = self._texts.passages

        def embedded(done: int) -> None:
            if report is not None:
                report(IndexProgress("Embedding passages", done, total, total))

        self._dense.embed_all(self._texts.each(), embedded)
        return total

    # Searching

    def search(
        self,
        query: str,
        limit: int = 5,
        exclude: Collection[str] = frozenset(),
        by: By = By.BOTH,
    ) -> tuple[Hit, ...]:
        """Return the best passages for a bag of words; any string will do.

        Phrases in double quotes, and words after `title:`, `heading:` or `text:`, bring passages
        that have them to the front. Passages whose ids are in `exclude` are passed over. By meaning
        is searched where there is an embedder. Raises DamagedIndex where the index is missing or
        damaged, and NotEmbedded where meaning alone is asked for and there are no vectors.
        """
        parsed = parse_query(query)
        hidden = self._texts.keys_of(exclude)
        with self._explaining():
            ranked = Ranker(self._lexical, self._dense, self._texts.by_key).best(
                parsed, limit, hidden, by
            )
        own = [Hit(passage, score) for passage, score in ranked]
        rankings = [
            own,
            *(self._archive_hits(archive, parsed, limit, exclude) for archive in self._zims()),
        ]
        if len(rankings) == 1:
            return tuple(own)
        hits = {hit.passage.id: hit for ranking in rankings for hit in ranking}
        order = by_reciprocal_rank([[hit.passage.id for hit in ranking] for ranking in rankings])
        return tuple(hits[identity] for identity in order[:limit])

    def suggestion(self, query: str) -> str | None:
        """Return `query` as it was probably meant, in words of this library; None if it is fine.

        Raises DamagedIndex.
        """
        with self._explaining():
            return corrected(query, self._lexical, self._texts.by_key)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Say with what is wrong what can be done about it. Raises as `_require_same`, too."""
        self._require_same()
        try:
            yield
        except DamagedIndex as error:
            raise DamagedIndex(
                f"{error} Make it anew from the texts with: miro-edge index update {self.name}"
            ) from error
        except NotEmbedded as error:
            raise NotEmbedded(
                f"The library '{self.name}' cannot be searched by meaning alone: its passages are "
                f"not embedded. Embed them with: miro-edge index update {self.name} --embed"
            ) from error

    # Archives

    def _archive_rows(self) -> list[dict[str, Any]]:
        return list(self._database.table("files").rows_where("state = 'archive'", order_by="path"))

    def _zims(self) -> Iterator[Archive]:
        """Yield the archives that can be opened."""
        for row in self._archive_rows():
            try:
                archive = self._opened(row)
            except UnreadableDocument:  # `closed_archives` says so
                continue
            yield archive

    def _opened(self, row: dict[str, Any]) -> Archive:
        """Return the archive of a row, opened once. Raises UnreadableDocument."""
        path, is_of = row["path"], (row["name"], row["size"], row["modified"])
        if path in self._archives and self._archives[path][0] != is_of:
            self._archives.pop(path)[1].close()
        if path not in self._archives:
            self._archives[path] = (is_of, Archive(Path(path), row["name"]))
        return self._archives[path][1]

    def closed_archives(self) -> tuple[Problem, ...]:
        """Return the archives that cannot be opened now, and why: searches pass them over.

        Raises EmptyLibrary where the library holds nothing else.
        """
        rows, closed = self._archive_rows(), []
        for row in rows:
            try:
                self._opened(row)
            except UnreadableDocument as error:
                closed.append(Problem(row["path"], str(error)))
        if closed and len(closed) == len(rows) and not self._texts.passages:
            reasons = "; ".join(f"{each.file} {each.reason}" for each in closed)
            raise EmptyLibrary(
                f"Nothing of the library '{self.name}' can be searched now: {reasons}. "
                "See that it is there and can be opened, then try again."
            )
        return tuple(closed)

    def _archive_hits(
        self, archive: Archive, query: Query, limit: int, exclude: Collection[str]
    ) -> list[Hit]:
        found = archive.search(query, limit + len(exclude))
        return [Hit(passage, score) for passage, score in found if passage.id not in exclude][
            :limit
        ]

    # Reading

    def passage(self, passage: str) -> Passage:
        """Return a passage by its id. Raises UnknownPassage."""
        stored = self._texts.passage(passage)
        if stored is not None:
            return stored
        for archive in self._zims():
            found = archive.passage(passage)
            if found is not None:
                return found
        raise UnknownPassage(
            f"The library '{self.name}' has no passage '{passage}'. "
            f"Find one with: miro-edge index search {self.name} QUERY"
        )

    def document(self, document: str) -> tuple[Passage, ...]:
        """Return all passages of a document, in order; none where there is no such document."""
        found = self._texts.document(document)
        return found or next(
            (passages for archive in self._zims() if (passages := archive.document(document))), ()
        )

    def find_document(self, title_or_id: str) -> str | None:
        """Return the id of the document with that id, else with that title, whatever its case."""
        stored = self._texts.find_document(title_or_id)
        if stored is not None:
            return stored
        found = (archive.find_document(title_or_id) for archive in self._zims())
        return next((document for document in found if document is not None), None)

    def named(self, name: str) -> tuple[str, ...]:
        """Return the ids of documents that are called `name`, whatever its case.

        What a title has in brackets at its end, as in “Mercury (planet)”, need not be said. Of an
        archive it is the article that has this title as it is written.
        """
        found = (archive.named(name) for archive in self._zims())
        return (*self._texts.named(name), *(each for each in found if each is not None))

    def problems(self) -> tuple[Problem, ...]:
        """Return what could not be looked at, and files that could not be read, or not whole."""
        return stored_problems(self._database)

    def unread(self) -> tuple[Problem, ...]:
        """Return the files of which nothing could be read, and what could not be looked at."""
        return unread_files(self._database)

    def statistics(self) -> Statistics:
        """Return what the library holds. Raises LibraryError where it is damaged."""
        try:
            return self._statistics()
        except (sqlite3.Error, OSError) as error:
            raise self._broken("read", error) from error

    def _statistics(self) -> Statistics:
        files = self._database.table("files")
        return Statistics(
            name=self.name,
            sources=tuple(str(source.path) for source in self.sources),
            files=files.count_where("state in ('indexed', 'archive')"),
            documents=self._texts.documents,
            passages=self._texts.passages,
            archives=len(self._archive_rows()),
            embedded=0 if self._dense is None else len(self._dense.keys()),
            problems=files.count_where("problem is not null")
            + self._database.table("unreachable").count,
            bytes=bytes_below(self.folder),
        )

    def away(self) -> tuple[Path, ...]:
        """Return the sources that are away or empty, while what was read of them is kept."""
        return tuple(
            source.path
            for source in self.sources
            if is_away(source.path)
            and self._database.table("files").count_where(_BELOW, {"path": str(source.path)})
        )

    def content_mark(self) -> str:
        """Return twelve hexadecimal digits that are the same where the same files were read.

        They are of SHA-256 over the hashes of the files; an archive, which is not read, counts by
        its size.
        """
        read = self._database.table("files").rows_where("state in ('indexed', 'archive')")
        marks = sorted(row["hash"] or f"{row['size']} bytes" for row in read)
        return hashlib.sha256("\n".join(marks).encode()).hexdigest()[:12]

    def verify(self, report: Report | None = None) -> Soundness:
        """Check the database, the indexes and the documents against each other.

        Raises LibraryBusy: while another process writes, they are of different moments.
        """
        with self._writing():
            self._compare()
            dense = self._dense
            embedded = None if dense is None or not dense.was_whole else dense.keys()
            return examined(self._database, self._lexical, embedded, report)

    def _compare(self) -> None:
        """Hash the indexes: from now on one is damaged where it is not what was written."""
        self._lexical.compare()
        if self._dense is not None:
            self._dense.compare()


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return what tells the database of a library from all others; None where it is gone."""
    try:
        status = (folder / TEXTS_FILE).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _texts_file(folder: Path) -> Path:
    """Return the database of the library in `folder`, which is made if there is none.

    What lies there without one is left of a library that was not removed whole: indexes over other
    texts. Raises OSError.
    """
    file = folder / TEXTS_FILE
    if not file.exists():
        with FileLock(folder / "open.lock"):  # another process may be at it
            if not file.exists():
                for left in (folder / "dense", folder / "lexical", folder / "lexical.draft"):
                    if left.exists():
                        shutil.rmtree(left)
                private_file(file)
    return file
