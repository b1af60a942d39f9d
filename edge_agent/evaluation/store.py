"""The store of evaluations: a row a question in SQLite, committed when it is answered."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlite_utils
from filelock import FileLock, Timeout
from sqlite_utils.migrations import Migrations

from edge_agent.database import opened, remedy
from edge_agent.errors import EvaluationError
from edge_agent.evaluation.questions import JudgingName
from edge_agent.evaluation.rows import Row, from_line, to_line
from edge_agent.evaluation.settings import EvaluationSettings
from edge_agent.events import Event, from_record, to_record
from edge_agent.index import private_folder, storable
from edge_agent.models.whole_file import remove_whole, whole_file

migrations = Migrations("miro-edge-evaluations")


@migrations()
def create_tables(database: sqlite_utils.Database) -> None:
    """Make the tables of evaluations, of their rows and of what happened in each run."""
    database.table("evaluations").create(
        {"name": str, "started": str, "settings": str, "asked": int}, pk="name"
    )
    database.table("rows").create(
        {"evaluation": str, "question": str, "position": int, "record": str},
        pk=("evaluation", "question"),
        foreign_keys=[("evaluation", "evaluations", "name")],
    )
    database.table("traces").create(
        {"evaluation": str, "question": str, "events": str},
        pk=("evaluation", "question"),
        foreign_keys=[("evaluation", "evaluations", "name")],
    )


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Questions answered under one condition with the same settings."""

    name: str
    started: str
    """When it was begun, in ISO 8601, UTC."""
    settings: EvaluationSettings
    asked: int
    """Questions that it is to have."""
    done: int
    """Questions that it has."""


class EvaluationStore:
    """All evaluations, in one SQLite file in write-ahead mode; one process works on each of them.

    Beside it lies a folder with the rows of each as JSON lines, for other programs.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the store at `path`. Raises EvaluationError when that cannot be done."""
        self._locks = path.with_suffix(".locks")
        self._lines = path.with_suffix("")
        try:
            self._database = opened(path, self._locks, migrations)
        except (OSError, sqlite3.Error) as error:
            raise EvaluationError(
                f"The store of evaluations {path} cannot be opened: {error}. {remedy(error)}, or "
                "set MIRO_EDGE_HOME to a folder that can be written."
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    # Writing

    @contextmanager
    def working_on(self, name: str) -> Iterator[None]:
        """Hold the lock of an evaluation. Raises EvaluationError where another process does."""
        lock = FileLock(self._lock_file(name), thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise EvaluationError(
                f"Another process is working on the evaluation {name}. Wait until it has finished, "
                "or give this one another --name."
            ) from error
        except OSError as error:
            raise _not_stored(name, error) from error
        try:
            yield
        finally:
            lock.release()

    def begin(self, name: str, settings: EvaluationSettings, asked: int) -> Evaluation:
        """Begin an evaluation, or go on with it; it is to have `asked` questions, or has more.

        Raises EvaluationError where there is one of that name with other settings, or one whose
        name differs from it only in case: to some disks their files would be the same.
        """
        known = self._find(name)
        if known is None:
            self._check_case(name)
            started = datetime.now(timezone.utc).isoformat(timespec="seconds")
            with self._writing(name):
                self._database.table("evaluations").insert(
                    {
                        "name": name,
                        "started": started,
                        "settings": json.dumps(dataclasses.asdict(settings), ensure_ascii=False),
                        "asked": asked,
                    }
                )
            return Evaluation(name, started, settings, asked, 0)
        differences = known.settings.differences(settings)
        if differences:
            raise EvaluationError(
                f"The evaluation {name} was made with other settings: {'; '.join(differences)}. "
                "Rows of both cannot stand together. Keep it and give this one another --name, or "
                f"start it over with --again.{_judging_hint(known, settings)}"
            )
        if asked > known.asked:
            with self._writing(name):
                self._database.table("evaluations").update(name, {"asked": asked})
        return dataclasses.replace(known, asked=max(asked, known.asked))

    def _check_case(self, name: str) -> None:
        for other in self.names():
            if other.casefold() == name.casefold():
                raise EvaluationError(
                    f"There is an evaluation {other}, and many disks take {name} for the same. "
                    f"Use {other}, or a --name that differs in more than its capitals."
                )

    def add(self, name: str, position: int, row: Row, events: Sequence[Event]) -> None:
        """Keep a question's row and what happened, in one transaction; one that is there stays.

        `position` is the question's place in its set. Raises EvaluationError.
        """
        # Escaped to ASCII: a model may write half a character, which no UTF-8 can hold.
        told = "\n".join(json.dumps(to_record(event)) for event in events)
        with self._writing(name):
            self._database.execute(
                "insert or ignore into rows (evaluation, question, position, record)"
                " values (?, ?, ?, ?)",
                (name, row.id, position, json.dumps(to_line(row))),
            )
            self._database.execute(
                "insert or ignore into traces (evaluation, question, events) values (?, ?, ?)",
                (name, row.id, told),
            )

    def have_judged(
        self, name: str, judge: str, judging: JudgingName, *, anew: bool = False
    ) -> None:
        """Note whose verdicts an evaluation holds from now on; `anew` forgets those it has.

        Raises EvaluationError where it holds those of another judge, and is not to forget them.
        """
        settings = self.evaluation(name).settings
        told = dataclasses.replace(settings, judge=judge, judging=judging)
        if settings.judge and settings != told and not anew:
            raise EvaluationError(
                f"The evaluation {name} was judged by {settings.judge} ({settings.judging}). "
                "Verdicts of two judges cannot stand together: have all its answers judged anew "
                "with --again."
            )
        with self._writing(name):
            record = json.dumps(dataclasses.asdict(told), ensure_ascii=False)
            self._database.table("evaluations").update(name, {"settings": record})
            for row in self.rows(name) if anew else ():
                self._replace(
                    name, dataclasses.replace(row, judged=None, verdict="", judge_failed="")
                )

    def replace(self, name: str, row: Row) -> None:
        """Keep a row in place of the one of the same question. Raises EvaluationError."""
        with self._writing(name):
            self._replace(name, row)

    def remove(self, name: str) -> None:
        """Delete an evaluation with all its rows, whether it can be understood or not.

        Raises EvaluationError where there is none, or another process works on it.
        """
        self.done(name)
        with self.working_on(name), self._writing(name):
            for table, column in (("traces", "evaluation"), ("rows", "evaluation"),
                                  ("evaluations", "name")):  # fmt: skip
                self._database.execute(f"delete from {table} where {column} = ?", (name,))
            remove_whole(self.lines_file(name))
            self._lock_file(name).unlink(missing_ok=True)
        self._database.shrink()

    # Looking back

    def list(self) -> tuple[Evaluation, ...]:
        """Return all evaluations that can be understood, the newest first."""
        return tuple(each for each in self._all() if isinstance(each, Evaluation))

    def faults(self) -> tuple[EvaluationError, ...]:
        """Return what is wrong with the others, which `list` leaves out."""
        return tuple(each for each in self._all() if isinstance(each, EvaluationError))

    def evaluation(self, name: str) -> Evaluation:
        """Return an evaluation.

        Raises EvaluationError where it cannot be understood, or there is none; then it names those
        that begin like it.
        """
        known = self._find(name)
        if known is None:
            raise self._missing(name)
        return known

    def names(self) -> frozenset[str]:
        """Return the names of all evaluations, understood or not."""
        rows = self._database.table("evaluations").rows_where(select="name")
        return frozenset(row["name"] for row in rows)

    def done(self, name: str) -> int:
        """Return how many rows an evaluation has. Raises EvaluationError where there is none."""
        if name not in self.names():
            raise self._missing(name)
        return self._database.table("rows").count_where("evaluation = ?", (name,))

    def rows(self, name: str) -> tuple[Row, ...]:
        """Return the rows of an evaluation, in the order of the questions in their set.

        Raises EvaluationError where one of them cannot be understood, as `row` does.
        """
        rows = self._database.table("rows").rows_where(
            "evaluation = ?", (name,), order_by="position", select="question, record"
        )
        return tuple(_row(name, row) for row in rows)

    def row(self, name: str, question: str) -> Row | None:
        """Return the row of a question, or None where it has not been answered yet."""
        found = self._database.table("rows").rows_where(
            "evaluation = ? and question = ?", (name, question), select="question, record"
        )
        return next((_row(name, row) for row in found), None)

    def events(self, name: str, question: str) -> tuple[Event, ...]:
        """Return what happened in the run of a question.

        Raises EvaluationError where there is no such question, or that cannot be understood.
        """
        found = list(
            self._database.table("traces").rows_where(
                "evaluation = ? and question = ?", (name, question), select="events"
            )
        )
        if not found:
            self.evaluation(name)
            raise EvaluationError(
                f"The evaluation {name} has no question '{question}'. The ids are in "
                f"{self.lines_file(name)}"
            )
        with _understanding(name, f"the run of the question '{question}'"):
            return tuple(from_record(json.loads(line)) for line in found[0]["events"].split("\n"))

    def lines_file(self, name: str) -> Path:
        """Return where the rows of an evaluation are written as JSON lines."""
        return self._lines / f"{quote(name, safe='')}.jsonl"

    def write_lines(self, name: str) -> Path:
        """Write the rows of an evaluation as JSON lines, in place of what was there.

        Returns the file. Raises EvaluationError.
        """
        path = self.lines_file(name)
        try:
            private_folder(path.parent)
            with whole_file(path) as lines:
                for row in self.rows(name):
                    line = json.dumps(to_line(row), ensure_ascii=False)
                    lines.write(f"{storable(line)}\n")
        except OSError as error:
            raise _not_stored(name, error) from error
        return path

    def _replace(self, name: str, row: Row) -> None:
        self._database.table("rows").update((name, row.id), {"record": json.dumps(to_line(row))})

    def _lock_file(self, name: str) -> Path:
        return self._locks / f"{quote(name, safe='')}.lock"

    def _find(self, name: str) -> Evaluation | None:
        found = list(self._database.query(f"{_SELECT} where name = ?", (name,)))
        return _evaluation(found[0]) if found else None

    def _all(self) -> Iterator[Evaluation | EvaluationError]:
        """Yield all evaluations, the newest first, or why one cannot be understood."""
        # Not by `started`: the clock may have been wrong.
        for row in self._database.query(f"{_SELECT} order by evaluations.rowid desc"):
            try:
                yield _evaluation(row)
            except EvaluationError as error:
                yield error

    def _missing(self, name: str) -> EvaluationError:
        near = sorted(each for each in self.names() if each.startswith(name))
        hint = f" Did you mean: {', '.join(near[:3])}?" if near else ""
        return EvaluationError(
            f"There is no evaluation '{name}'.{hint} See them with: miro-edge eval list"
        )

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        """Make all that is written in one transaction. Raises EvaluationError when it cannot be."""
        try:
            with self._database.writing():
                yield
        except sqlite3.Error as error:
            raise _not_stored(name, error) from error


_SELECT = (
    "select name, started, settings, asked,"
    " (select count(*) from rows where evaluation = name) as done from evaluations"
)


def _evaluation(row: dict[str, Any]) -> Evaluation:
    """Return the evaluation of a row. Raises EvaluationError where it cannot be understood.

    So it is with settings that are unknown here, too: rows may differ in what they say.
    """
    with _understanding(row["name"], "its settings"):
        values = json.loads(row["settings"])
        settings = EvaluationSettings(**{**values, "libraries": tuple(values["libraries"])})
    return Evaluation(row["name"], row["started"], settings, row["asked"], row["done"])


def _row(name: str, row: dict[str, Any]) -> Row:
    with _understanding(name, f"its answer to the question '{row['question']}'"):
        return from_line(json.loads(row["record"]))


@contextmanager
def _understanding(name: str, what: str) -> Iterator[None]:
    """Raise EvaluationError where what is read of an evaluation is nothing that is known here."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise EvaluationError(
            f"The evaluation {name} was stored by another version, or is damaged: {what} cannot be "
            "understood. Open it with the version that made it, or delete it: "
            f"miro-edge eval remove {name}"
        ) from error


def _judging_hint(known: Evaluation, wanted: EvaluationSettings) -> str:
    """Return that answers can be judged which are there already, where that is all that differs."""
    now = known.settings
    if now.judge or dataclasses.replace(wanted, judge="") != now:
        return ""
    return (
        " To have the answers judged that are there: "
        f"miro-edge eval judge {known.name} --judge {wanted.judge}"
    )


def _not_stored(name: str, error: OSError | sqlite3.Error) -> EvaluationError:
    return EvaluationError(
        f"The evaluation {name} cannot be stored: {error}. {remedy(error)}, then give the same "
        "command: it goes on where it was."
    )
