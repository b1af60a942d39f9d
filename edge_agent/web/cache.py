"""What the web has said: answers of engines, and pages, kept so that they can be replayed."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Generic, TypeVar

import sqlite_utils
from sqlite_utils.migrations import Migrations

from edge_agent.database import opened, remedy
from edge_agent.errors import AgentError
from edge_agent.index import Document, Section

from .engines import Result

migrations = Migrations("miro-edge-web")

_Value = TypeVar("_Value")

_DAY = 86_400.0
_LEFT = 0.9
"""Share of the bound down to which the oldest entries are deleted, so that it is not every time."""


@migrations()
def create_tables(database: sqlite_utils.Database) -> None:
    """Make the tables of answers and pages, and of addresses that lead to pages."""
    database.table("entries").create(
        {"kind": str, "key": str, "time": float, "bytes": int, "record": str},
        pk=("kind", "key"),
    )
    database.table("entries").create_index(["time"])


@dataclass(frozen=True, slots=True)
class Kept(Generic[_Value]):
    """Something that was kept; it is fresh while there is no need to ask for it again."""

    value: _Value
    fresh: bool


class Cache:
    """Entries in one SQLite file, the oldest of which make room for new ones.

    A file that cannot be read or written later on is as if nothing had been kept.
    """

    def __init__(
        self,
        folder: Path,
        days: float,
        megabytes: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Keep entries in `folder`, fresh for some days. Raises AgentError if it is unusable."""
        self._seconds = days * _DAY
        self._most = int(megabytes * 1_000_000)
        self._now = now
        try:
            self._database = opened(folder / "cache.db", folder, migrations)
        except (OSError, sqlite3.Error) as error:
            raise AgentError(
                f"What is kept of the web in {folder} cannot be opened: {error}. "
                f"{remedy(error)}, or delete that folder."
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def answer(self, engine: str, query: str) -> Kept[tuple[Result, ...]] | None:
        """Return what an engine answered to a query."""
        return _understood(self._entry("answer", _answer_key(engine, query)), _results)

    def keep_answer(self, engine: str, query: str, results: Iterable[Result]) -> None:
        """Keep what an engine answered to a query."""
        record = json.dumps([asdict(each) for each in results], ensure_ascii=False)
        self._keep("answer", _answer_key(engine, query), record)

    def page(self, address: str) -> Kept[Document] | None:
        """Return the page that was at an address, or where that led to."""
        found = self._entry("page", address)
        if found is None:
            moved = self._entry("moved", address)
            found = None if moved is None else self._entry("page", moved.value)
        return _understood(found, _document)

    def keep_page(self, address: str, document: Document) -> None:
        """Keep the page that was found by way of an address; its id is where it was."""
        self._keep("page", document.id, json.dumps(asdict(document), ensure_ascii=False))
        if address != document.id:
            self._keep("moved", address, document.id)

    def _entry(self, kind: str, key: str) -> Kept[str] | None:
        with suppress(sqlite3.Error):
            query = "select time, record from entries where kind = ? and key = ?"
            for made, record in self._database.execute(query, [kind, key]):
                # What was made later than now was made by a clock that was wrong.
                return Kept(record, 0 <= self._now() - made <= self._seconds)
        return None

    def _keep(self, kind: str, key: str, record: str) -> None:
        row = (kind, key, self._now(), len(record.encode()), record)
        with suppress(sqlite3.Error), self._database.writing():
            self._database.execute("insert or replace into entries values (?, ?, ?, ?, ?)", row)
            self._trim()

    def _trim(self) -> None:
        """Delete the oldest entries where there are more than there may be."""
        ((size,),) = self._database.execute("select coalesce(sum(bytes), 0) from entries")
        if size <= self._most:
            return
        oldest = "select rowid, bytes from entries order by time"
        for number, length in self._database.execute(oldest).fetchall():
            if size <= self._most * _LEFT:
                return
            self._database.execute("delete from entries where rowid = ?", [number])
            size -= length


def _answer_key(engine: str, query: str) -> str:
    return f"{engine} {' '.join(query.split())}"


def _understood(kept: Kept[str] | None, meaning: Callable[[str], _Value]) -> Kept[_Value] | None:
    """Return what a record means; one of another version may mean nothing here."""
    if kept is None:
        return None
    with suppress(KeyError, TypeError, ValueError):
        return Kept(meaning(kept.value), kept.fresh)
    return None


def _results(record: str) -> tuple[Result, ...]:
    return tuple(Result(**each) for each in json.loads(record))


def _document(record: str) -> Document:
    fields = json.loads(record)
    sections = (
        Section(each["start"], each["end"], tuple(each["headings"]), each["page"])
        for each in fields.pop("sections")
    )
    return Document(**fields, sections=tuple(sections))
