"""The tables of a library: where documents come from, what was read, and the passages."""

from __future__ import annotations

import json
from typing import Any

import sqlite_utils
from sqlite_utils.migrations import Migrations

from .passages import Passage

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


def passage_to_row(passage: Passage, number: int) -> dict[str, Any]:
    """Return the row of a passage that is the `number`-th of its document."""
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


def passage_from_row(row: dict[str, Any]) -> Passage:
    """Return the passage of a row."""
    values = {name: value for name, value in row.items() if name != "number"}
    return Passage(**{**values, "headings": tuple(json.loads(row["headings"]))})
