"""The texts of a library, in SQLite: its documents and their passages, which are the truth."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from unicodedata import normalize

import sqlite_utils

from .documents import Document
from .passages import Passage, short_title, split
from .tables import PASSAGE_COLUMNS, passage_from_row, passage_to_row

_NAMESAKES = 5
"""Most documents with the same title, but for what stands in brackets after it."""
_AT_ONCE = 500
"""Keys in one question to the database."""
_INSERT = (
    f"insert into passages ({', '.join(f'[{name}]' for name in PASSAGE_COLUMNS)}) "
    f"values ({', '.join('?' * len(PASSAGE_COLUMNS))})"
)


class Texts:
    """Documents by the file that they are from, and passages by a key that is never used twice."""

    def __init__(self, database: sqlite_utils.Database) -> None:
        """Keep texts in a database that has the tables."""
        self._database = database
        self._attempts: dict[tuple[str, str], int] = {}
        """How often ids were made unique, by where their documents lie: a file may have a thousand
        records of one id.
        """

    # Writing

    def store(self, file: str, document: Document) -> Iterator[tuple[int, Passage]]:
        """Store a document of a file, and yield its passages with their keys."""
        unique = replace(document, id=self._unique_id(document.id, f"{file}\0{document.title}"))
        self._database.execute(
            "insert into documents (id, file, title) values (?, ?, ?)",
            [unique.id, file, short_title(unique.title)],
        )
        for number, passage in enumerate(split(unique), start=1):
            cursor = self._database.execute(_INSERT, passage_to_row(passage, number))
            yield int(cursor.lastrowid or 0), passage

    def forget(self, file: str) -> list[int]:
        """Delete the documents of a file, and return the keys of their passages."""
        inside = "document in (select id from documents where file = ?)"
        gone = self._database.execute(f"select key from passages where {inside}", [file])
        keys = [int(key) for (key,) in gone]
        self._database.execute(f"delete from passages where {inside}", [file])
        self._database.execute("delete from documents where file = ?", [file])
        self._attempts.clear()
        return keys

    def move(self, old: str, new: str, former: str, name: str) -> None:
        """Give the documents of a file that has moved its new path; keys stay.

        Those whose ids come from the file's name, which was `former`, get `name` in its place.
        """
        rows = self._database.execute("select id from documents where file = ?", [old]).fetchall()
        for (document,) in rows:
            moved = document
            if former != name and (document == former or document.startswith(f"{former}:")):
                moved = self._unique_id(name + document[len(former) :], new)
            self._database.execute(
                "update documents set id = ?, file = ? where id = ?", [moved, new, document]
            )
            self._database.execute(
                "update passages set id = ? || '#' || number, document = ?, source = ? "
                "where document = ?",
                [moved, moved, new, document],
            )

    def _unique_id(self, document: str, where: str) -> str:
        """Return a document's id, made unique by where it lies if another one has it."""
        unique, attempt = document, self._attempts.get((document, where), 0)
        while self._database.execute("select 1 from documents where id = ?", [unique]).fetchone():
            mark = hashlib.sha256(f"{where}\0{attempt}".encode()).hexdigest()[:16]
            unique, attempt = f"{document}~{mark}", attempt + 1
        if attempt:
            self._attempts[document, where] = attempt
        return unique

    # Reading

    @property
    def documents(self) -> int:
        """How many documents there are."""
        return int(self._database.table("documents").count)

    @property
    def passages(self) -> int:
        """How many passages there are."""
        return int(self._database.table("passages").count)

    def keys(self) -> set[int]:
        """Return the keys of all passages."""
        return {int(key) for (key,) in self._database.execute("select key from passages")}

    def keys_of(self, ids: Collection[str]) -> set[int]:
        """Return the keys of passages by their ids, those that are there."""
        found: set[int] = set()
        for part in _parts(list(ids)):
            rows = self._database.execute(
                f"select key from passages where id in {_marks(part)}", part
            )
            found |= {int(key) for (key,) in rows}
        return found

    def by_key(self, keys: Sequence[int]) -> dict[int, Passage]:
        """Return passages by key, in the order of `keys`, those that are there."""
        found: dict[int, Passage] = {}
        for part in _parts(keys):
            rows = self._database.table("passages").rows_where(f"key in {_marks(part)}", part)
            found |= {int(row["key"]): passage_from_row(row) for row in rows}
        return {key: found[key] for key in keys if key in found}

    def each(self) -> Iterator[tuple[int, Passage]]:
        """Yield all passages with their keys, which ascend."""
        for row in self._database.query("select * from passages order by key"):
            yield row["key"], passage_from_row(row)

    def passage(self, passage: str) -> Passage | None:
        """Return a passage by its id."""
        ids = _forms(passage)
        row = next(
            self._database.table("passages").rows_where(
                f"id in {_marks(ids)}", [*ids, passage], order_by="id <> ?", limit=1
            ),
            None,
        )
        return None if row is None else passage_from_row(row)

    def document(self, document: str) -> tuple[Passage, ...]:
        """Return all passages of a document, in order; none where there is no such document."""
        rows = self._database.table("passages").rows_where(
            "document = ?", [document], order_by="number"
        )
        return tuple(passage_from_row(row) for row in rows)

    def find_document(self, title_or_id: str) -> str | None:
        """Return the id of the document with that id, else with that title, whatever its case."""
        ids = _forms(title_or_id)
        titles = _spellings(title_or_id)
        row = next(
            self._database.table("documents").rows_where(
                f"id in {_marks(ids)} or title collate nocase in {_marks(titles)}",
                [*ids, *titles, title_or_id],
                order_by="id <> ?, id",
                limit=1,
            ),
            None,
        )
        return None if row is None else str(row["id"])

    def named(self, name: str) -> list[str]:
        """Return the ids of the documents with that title, with or without a part in brackets."""
        found = dict.fromkeys(
            str(document)
            for spelling in _spellings(name)
            for (document,) in self._database.execute(
                "select id from documents where title = :name collate nocase "
                "or (title > :name || ' (' collate nocase and title < :name || ' )' collate nocase)"
                " order by length(title), id limit :most",
                {"name": spelling, "most": _NAMESAKES},
            )
        )
        return [*found][:_NAMESAKES]


def _forms(name: str) -> tuple[str, ...]:
    """Return an id as it may be stored: files made on a Mac spell é as e and an accent."""
    return (name, normalize("NFC", name), normalize("NFD", name))


def _spellings(name: str) -> tuple[str, ...]:
    """Return a name, cut as titles are, with such capitals as they have: SQLite knows only those of
    ASCII. Titles that older versions have stored may have accents apart from their letters.
    """
    name = short_title(name)
    if name.isascii():
        return (name,)
    cases = (name, name.lower(), name.upper(), name.title(), name.capitalize())
    return tuple(dict.fromkeys(normalize(form, case) for form in ("NFC", "NFD") for case in cases))


def _parts(values: Sequence[object]) -> Iterator[Sequence[object]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def _marks(values: Sequence[object]) -> str:
    return f"({', '.join('?' * len(values))})"
