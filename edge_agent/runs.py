"""The run store: every event of every run in SQLite, committed before the next step starts."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import datetime, timezone
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlite_utils
from filelock import FileLock, Timeout
from sqlite_utils.migrations import Migrations

from edge_agent.database import opened, remedy
from edge_agent.errors import RunError
from edge_agent.events import (
    AttemptFinished,
    AttemptStarted,
    Event,
    GatheringEnded,
    ReadingStarted,
    RunFinished,
    RunResumed,
    RunStarted,
    TextAppeared,
    TurnStarted,
    UserSpoke,
    from_record,
    to_record,
)
from edge_agent.index import storable

migrations = Migrations("miro-edge-runs")

RUNNING = "running"
"""The status of a run that has not ended."""
ABANDONED = "interrupted"
"""That of a run that has not ended, and that nobody works on: its process was killed."""

_MOST_TOLD = 2000
"""Characters of a message to a run: it stays in the window to the end."""
_BEYOND_A_STEP = (
    *(TurnStarted, GatheringEnded, ReadingStarted),
    *(AttemptStarted, AttemptFinished, RunFinished),
)
"""What comes after a step and is no part of it."""


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


@migrations()
def add_forks_and_messages(database: sqlite_utils.Database) -> None:
    """Say of a run which one it was forked from, and make the table of messages left for runs."""
    database.table("runs").add_column("parent", str)
    database.table("messages").create(
        {"number": int, "run": str, "time": float, "text": str, "heard": float},
        pk="number",
        foreign_keys=[("run", "runs", "id")],
    )


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A line about a run; `status` is that of its end, `running` or `interrupted`."""

    id: str
    started: str
    question: str
    model: str
    library: str
    status: str
    answer: str | None
    calls: int | None
    seconds: float | None
    parent: str | None
    """The run that it was forked from, if it was."""


_COLUMNS = ", ".join(field.name for field in fields(RunSummary))
"""A later version may have added others."""


@dataclass(frozen=True, slots=True)
class RemovedRun:
    """All that was kept of a run, by table, so that it can be put back."""

    id: str
    rows: Mapping[str, tuple[dict[str, Any], ...]]


_TABLES = {"runs": "id", "events": "run", "messages": "run"}
"""Where a run is kept, and in which column its id stands; what refers to another table is later."""


def new_run_id() -> str:
    """Return an id that sorts by time and that a person can type."""
    return f"{datetime.now(timezone.utc):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


class RunStore:
    """All runs, in one SQLite file in write-ahead mode: many readers beside one writer.

    One process at a time works on a run; its lock is a file in a folder beside the store.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the store at `path`. Raises RunError when that cannot be done."""
        self._locks = path.with_suffix(".locks")
        try:
            self._database = opened(path, self._locks, migrations)
        except (OSError, sqlite3.Error) as error:
            raise RunError(
                f"The run store {path} cannot be opened: {error}. {remedy(error)}, or set "
                "MIRO_EDGE_HOME to a folder that can be written."
            ) from error
        self._database.register_function(_is_in, deterministic=True)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    # Recording

    def record(self, events: Iterable[Event]) -> Generator[Event, None, None]:
        """Pass the `events` of a run on, each committed before it is seen.

        They begin with RunStarted, or with RunResumed and then follow what is stored. Passing text
        is not kept. Raises RunError where another process works on the run, or it cannot be stored.
        """
        stream = iter(events)
        first = next(stream)
        assert isinstance(first, RunStarted | RunResumed)
        with self._working_on(first.run):
            yield from self._recorded(first.run, chain([first], stream))

    def resume(
        self, run: str, go_on: Callable[[Sequence[Event]], Iterable[Event]]
    ) -> Generator[Event, None, None]:
        """Record what `go_on` makes of the stored events of a run, as `record` does.

        They are read when no other process can add to them any more. Raises RunError as `record`
        and `summary` do.
        """
        full = self.summary(run).id
        with self._working_on(full):
            yield from self._recorded(full, go_on(self.events(full)))

    def fork(self, run: str, step: int, seed: int | None = None) -> str:
        """Begin a new run with all that a run did up to the end of `step`, and return its id.

        It draws tokens from `seed` on, or from the run's own plus one; its first turn by chance
        also where no other is. Raises RunError where there is no such run or step.
        """
        parent = self.summary(run).id
        events, times = self.timeline(parent)
        kept = _up_to(step, events, parent)
        started = kept[0]
        assert isinstance(started, RunStarted)
        forked = replace(
            started,
            run=new_run_id(),
            seed=started.seed + 1 if seed is None else seed,
            parent=parent,
            parent_step=step,
        )
        with self._writing(forked.run):
            self._begin(forked)
            for number, event in enumerate([forked, *kept[1:]], start=1):
                own = event
                if isinstance(event, RunResumed | RunFinished):
                    own = replace(event, run=forked.run)
                self._insert(forked.run, number, own, times[number - 1])
        return forked.run

    def check_free(self, run: str) -> None:
        """Raise RunError where a process works on a run."""
        with self._working_on(run):
            pass

    def remove(self, run: str) -> RemovedRun:
        """Delete a run with all that is kept of it, and return that.

        Raises RunError where there is none, or a process works on it.
        """
        full = self.summary(run).id
        with self._working_on(full), self._writing(full):
            removed = self._kept(full)
            for table, column in reversed(_TABLES.items()):
                self._database.execute(f"delete from {table} where {column} = ?", (full,))
            self._lock_file(full).unlink(missing_ok=True)
        self._database.shrink()
        return removed

    def put_back(self, removed: RemovedRun) -> None:
        """Keep a run again that was removed. Raises RunError where there is one with its id."""
        with self._writing(removed.id):
            for table in _TABLES:
                # A message's number may be another one's by now.
                rows = ({k: v for k, v in row.items() if k != "number" or table != "messages"}
                        for row in removed.rows[table])  # fmt: skip
                self._database.table(table).insert_all(rows)

    # Messages

    def tell(self, run: str, text: str, *, also_ended: bool = False) -> int:
        """Leave a message for a run that has not ended, and return its number.

        It is left also for one that has ended where that is wanted: for whoever knows that it can
        be gone on with. Raises RunError where there is no such run, or it has ended, and for a text
        that would take the place of the evidence.
        """
        full = self.summary(run).id
        if len(text) > _MOST_TOLD:
            raise RunError(
                f"That has {len(text):,} characters: the model would have no room left. Say it in "
                f"{_MOST_TOLD:,} at most, or give it as a file when you ask."
            )
        with self._writing(full):
            added = self._database.execute(
                "insert into messages (run, time, text)"
                " select id, ?, ? from runs where id = ? and (? or status = ?)",
                (time.time(), storable(text), full, also_ended, RUNNING),
            )
        if not added.rowcount or added.lastrowid is None:
            raise RunError(
                f"The run {full} has ended, so nobody would hear that. "
                f"Go on with it first: miro-edge runs resume {full}"
            )
        return added.lastrowid

    def unheard(self, run: str) -> tuple[tuple[int, str], ...]:
        """Return the numbers and texts of the messages that a run has not heard yet, in order."""
        rows = self._database.table("messages").rows_where(
            "run = ? and heard is null", (run,), order_by="number"
        )
        return tuple((row["number"], row["text"]) for row in rows)

    # Looking back

    def list(self, limit: int = 20, search: str | None = None) -> tuple[RunSummary, ...]:
        """Return the newest runs first: those whose question or answer has `search` in it."""
        rows = self._database.table("runs").rows_where(
            "_is_in(?, question) or _is_in(?, answer)",
            (search or "", search or ""),
            select=_COLUMNS,
            order_by="started desc, rowid desc",
            limit=limit,
        )
        return tuple(map(self._summary, rows))

    def summary(self, run: str) -> RunSummary:
        """Return the line about a run, also by an unambiguous beginning of its id.

        Raises RunError when there is none, or more than one.
        """
        runs = self._database.table("runs")
        found = list(runs.rows_where("id = ?", (run,), select=_COLUMNS))
        if run and not found:  # with the empty text every id begins
            begins = "substr(id, 1, ?) = ?"
            found = list(runs.rows_where(begins, (len(run), run), select=_COLUMNS, limit=2))
        if len(found) != 1:
            many = "is the beginning of several runs" if found else "is not in the store"
            raise RunError(f"The run '{run}' {many}. See them with: miro-edge runs list")
        return self._summary(found[0])

    def events(self, run: str) -> tuple[Event, ...]:
        """Return the stored events of a run, in order.

        Raises RunError as `summary` does, and where one of them cannot be understood.
        """
        return self.timeline(run)[0]

    def timeline(self, run: str) -> tuple[tuple[Event, ...], tuple[float, ...]]:
        """Return `events`, and when each was stored, in seconds since 1970.

        Both as they are at one moment: the run may go on. Raises RunError as `events` does.
        """
        full = self.summary(run).id
        rows = self._database.table("events").rows_where("run = ?", (full,), order_by="number")
        timed = [(_restored(row), row["time"]) for row in rows]
        return tuple(event for event, _ in timed), tuple(at for _, at in timed)

    def _kept(self, run: str) -> RemovedRun:
        """Return all that is kept of a run."""
        rows = {
            table: tuple(self._database.table(table).rows_where(f"{column} = ?", (run,)))
            for table, column in _TABLES.items()
        }
        return RemovedRun(run, rows)

    def _summary(self, row: Mapping[str, Any]) -> RunSummary:
        summary = RunSummary(**row)
        if summary.status == RUNNING and not self._is_worked_on(summary.id):
            return replace(summary, status=ABANDONED)
        return summary

    def _is_worked_on(self, run: str) -> bool:
        if not self._lock_file(run).exists():
            return False
        try:
            with FileLock(self._lock_file(run), timeout=0):
                return False
        except (Timeout, OSError):
            return True

    # Writing

    @contextmanager
    def _working_on(self, run: str) -> Iterator[None]:
        """Hold the lock of a run. Raises RunError where another process or stream does."""
        lock = FileLock(self._lock_file(run), thread_local=False)
        try:
            # Not at once: who only looks whether somebody works on it has it for a moment, too.
            lock.acquire(timeout=0.2, poll_interval=0.02)
        except Timeout as error:
            raise RunError(
                f"Another process is working on the run {run}. Wait until it has finished, or say "
                f'something to it: miro-edge runs tell {run} "…"'
            ) from error
        except OSError as error:
            raise _not_stored(run, error) from error
        try:
            yield
        finally:
            lock.release()

    def _lock_file(self, run: str) -> Path:
        return self._locks / f"{quote(run, safe='')}.lock"

    def _recorded(self, run: str, events: Iterable[Event]) -> Iterator[Event]:
        """Store `events` after those that the run has, and pass them on."""
        (number,) = self._database.execute(
            "select coalesce(max(number), 0) from events where run = ?", (run,)
        ).fetchone()
        for event in events:
            if not isinstance(event, TextAppeared):
                number += 1
                self._commit(run, number, event)
            yield event

    def _commit(self, run: str, number: int, event: Event) -> None:
        with self._writing(run):
            if isinstance(event, RunStarted):
                self._begin(event)
            elif isinstance(event, RunResumed):
                self._begin_again(run)
            elif isinstance(event, RunFinished):
                self._end(event)
            elif isinstance(event, UserSpoke) and event.message is not None:
                self._hear(event.message)
            self._insert(run, number, event, time.time())

    @contextmanager
    def _writing(self, run: str) -> Iterator[None]:
        """Make all that is written in one transaction. Raises RunError when it cannot be."""
        try:
            with self._database.writing():
                yield
        except sqlite3.Error as error:
            raise _not_stored(run, error) from error

    def _insert(self, run: str, number: int, event: Event, at: float) -> None:
        # Escaped to ASCII: a model may write half a character, which no UTF-8 can hold.
        self._database.execute(
            "insert into events (run, number, time, kind, record) values (?, ?, ?, ?, ?)",
            (run, number, at, type(event).__name__, json.dumps(to_record(event))),
        )

    def _begin(self, event: RunStarted) -> None:
        self._database.execute(
            "insert into runs (id, started, question, model, library, status, parent)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (
                event.run,
                datetime.now(timezone.utc).isoformat(timespec="seconds"),
                storable(event.question),
                event.model,
                event.library,
                RUNNING,
                event.parent or None,
            ),
        )

    def _begin_again(self, run: str) -> None:
        known = self._database.execute(
            "update runs set status = ?, answer = null, calls = null, seconds = null where id = ?",
            (RUNNING, run),
        )
        if not known.rowcount:
            raise RunError(f"The run '{run}' is not in the store: it cannot be gone on with.")

    def _end(self, event: RunFinished) -> None:
        answer = None if event.answer is None else storable(event.answer)
        self._database.execute(
            "update runs set status = ?, answer = ?, calls = ?, seconds = ? where id = ?",
            (event.status, answer, event.calls, event.seconds, event.run),
        )

    def _hear(self, message: int) -> None:
        self._database.execute(
            "update messages set heard = ? where number = ?", (time.time(), message)
        )


def _restored(row: Mapping[str, Any]) -> Event:
    """Return the event of a row. Raises RunError where it is none that this version knows."""
    try:
        return from_record(json.loads(row["record"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"The run {row['run']} was stored by another version, or is damaged: its event "
            f"{row['number']}, {row['kind']}, cannot be understood. Open it with the version that "
            f"made it, or delete it: miro-edge runs remove {row['run']}"
        ) from error


def _up_to(step: int, events: Sequence[Event], run: str) -> Sequence[Event]:
    """Return the events of a run up to the end of a step. Raises RunError where it has no such."""
    begun = {event.step: at for at, event in enumerate(events) if isinstance(event, TurnStarted)}
    if step not in begun:
        have = f"has the steps {min(begun)} to {max(begun)}" if begun else "has no steps yet"
        raise RunError(f"The run {run} {have}, and no step {step}.")
    end = begun[step] + 1
    while end < len(events) and not isinstance(events[end], _BEYOND_A_STEP):
        end += 1
    while isinstance(events[end - 1], RunResumed):
        end -= 1
    return events[:end]


def _is_in(part: str, text: str | None) -> bool:
    """Return whether `part` stands in `text`, whatever its case; the empty one always does."""
    return part.casefold() in (text or "").casefold()


def _not_stored(run: str, error: OSError | sqlite3.Error) -> RunError:
    return RunError(f"The run {run} cannot be stored: {error}. {remedy(error)}, then try again.")
