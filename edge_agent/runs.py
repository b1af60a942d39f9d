"""The run store: every event of every run in SQLite, committed before the next step starts."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import sqlite_utils
from sqlite_utils.migrations import Migrations

from edge_agent.errors import RunError
from edge_agent.events import Event, RunFinished, RunStarted, TextAppeared, from_record, to_record

migrations = Migrations("miro-edge-runs")


@migrations()
def create_tables(database: sqlite_utils.Database) -> None:
    """Make the tables of runs and their events."""
    database.table("runs").create(
        {"id": str, "started": str, "question": str, "model": str, "library": str, "status": str,
         "answer": str, "calls": int, "seconds": float},
        pk="id",
    )  # fmt: skip
    database.table("events").create(
        {"run": str, "number": int, "time": float, "kind": str, "record": str},
        pk=("run", "number"),
        foreign_keys=[("run", "runs", "id")],
    )


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A line about a run; `status` is `running` until it has ended, also if it was killed."""

    id: str
    started: str
    question: str
    model: str
    library: str
    status: str
    answer: str | None
    calls: int | None
    seconds: float | None


def new_run_id() -> str:
    """Return an id that sorts by time and that a person can type."""
    return f"{datetime.now(timezone.utc):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


class RunStore:
    """All runs, in one SQLite file in write-ahead mode: many readers beside one writer."""

    def __init__(self, path: Path) -> None:
        """Open or make the store at `path`. Raises RunError when that cannot be done."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite_utils.Database(
                sqlite3.connect(path, timeout=30, check_same_thread=False)
            )
            self._database.enable_wal()
            migrations.apply(self._database)
        except (OSError, sqlite3.Error) as error:
            raise RunError(
                f"The run store {path} cannot be opened: {error}. "
                "Free some disk, or set MIRO_EDGE_HOME to a folder that can be written."
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def record(self, events: Iterable[Event]) -> Iterator[Event]:
        """Pass `events` on, each committed before it is seen; passing text is not kept."""
        run = ""
        number = 0
        for event in events:
            if isinstance(event, RunStarted):
                run = event.run
            if not isinstance(event, TextAppeared):
                number += 1
                self._commit(run, number, event)
            yield event

    def list(self, limit: int = 20) -> tuple[RunSummary, ...]:
        """Return the newest runs first."""
        rows = self._database.table("runs").rows_where(order_by="id desc", limit=limit)
        return tuple(RunSummary(**row) for row in rows)

    def summary(self, run: str) -> RunSummary:
        """Return the line about a run, also by an unambiguous beginning of its id.

        Raises RunError when there is none, or more than one.
        """
        found = list(
            self._database.table("runs").rows_where(
                "substr(id, 1, ?) = ?", (len(run), run), limit=2
            )
        )
        if len(found) != 1:
            many = "is the beginning of several runs" if found else "is not in the store"
            raise RunError(f"The run '{run}' {many}. See them with: miro-edge runs list")
        return RunSummary(**found[0])

    def events(self, run: str) -> tuple[Event, ...]:
        """Return the stored events of a run, in order. Raises RunError as `summary` does."""
        full = self.summary(run).id
        rows = self._database.table("events").rows_where("run = ?", (full,), order_by="number")
        return tuple(from_record(json.loads(row["record"])) for row in rows)

    def _commit(self, run: str, number: int, event: Event) -> None:
        record = json.dumps(to_record(event), ensure_ascii=False)
        try:
            with self._database.conn:
                if isinstance(event, RunStarted):
                    self._begin(event)
                self._database.execute(
                    "insert into events (run, number, time, kind, record) values (?, ?, ?, ?, ?)",
                    (run, number, time.time(), type(event).__name__, record),
                )
                if isinstance(event, RunFinished):
                    self._end(event)
        except sqlite3.Error as error:
            raise RunError(
                f"The run {run} cannot be stored: {error}. Free some disk and try again."
            ) from error

    def _begin(self, event: RunStarted) -> None:
        self._database.execute(
            "insert into runs (id, started, question, model, library, status)"
            " values (?, ?, ?, ?, ?, 'running')",
            (
                event.run,
                datetime.now(timezone.utc).isoformat(timespec="seconds"),
                event.question,
                event.model,
                event.library,
            ),
        )

    def _end(self, event: RunFinished) -> None:
        self._database.execute(
            "update runs set status = ?, answer = ?, calls = ?, seconds = ? where id = ?",
            (event.status, event.answer, event.calls, event.seconds, event.run),
        )
