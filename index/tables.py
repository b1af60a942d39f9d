"""The tables of a library: where documents come from, what was read, and the passages."""

from __future__ import annotations

import json
from typing import Any

import sqlite_utils
from sqlite_utils.migrations import Migrations

from .passages import Passage

migrations = Migrations("miro-edge-library")

PASSAGE_COLUMNS = (
    *("id", "document", "number", "title", "source", "headings"),
    *("page", "line", "start", "end", "text"),
)
"""The columns that `passage_to_row` fills, in order; `key` is given by the table."""


@migrations()
def create_tables(database: sqlite_utils.Database) -> None:
    """Make the tables: where documents come from, and what was read."""
    database.table("sources").create({"path": str}, pk="path")
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


@migrations()
def number_passages(database: sqlite_utils.Database) -> None:
    """Give passages keys that are never used twice, and sources what is wanted of them.

    The documents are read anew: older rows have no key that the search index knows.
    """
    database.table("sources").add_column("wanted", str)
    database.table("files").add_column("name", str)
    database.table("passages").drop()
    database.execute(
        "create table passages (key integer primary key autoincrement, id text not null unique, "
        "document text not null, number integer not null, title text not null, "
        "source text not null, headings text not null, page integer, line integer not null, "
        '"start" integer not null, "end" integer not null, text text not null)'
    )
    database.table("passages").create_index(["document", "number"])
    database.execute("delete from documents")
    database.execute("delete from files")


@migrations()
def find_titles(database: sqlite_utils.Database) -> None:
    """Find documents by their titles, whatever the case, without looking at all of them."""
    database.execute("create index documents_title on documents (title collate nocase)")


@migrations()
def remember_unreachable(database: sqlite_utils.Database) -> None:
    """Remember what could not be looked at when the library was last brought up to date."""
    database.table("unreachable").create({"path": str, "reason": str}, pk="path")


def passage_to_row(passage: Passage, number: int) -> tuple[Any, ...]:
    """Return the row of a passage that is the `number`-th of its document."""
    return (
        passage.id,
        passage.document,
        number,
        passage.title,
        passage.source,
        json.dumps(passage.headings, ensure_ascii=False),
        passage.page,
        passage.line,
        passage.start,
        passage.end,
        passage.text,
    )


def passage_from_row(row: dict[str, Any]) -> Passage:
    """Return the passage of a row; what a newer version has added to it is left."""
    values = {name: row[name] for name in PASSAGE_COLUMNS if name != "number"}
    return Passage(**{**values, "headings": tuple(json.loads(row["headings"]))})
