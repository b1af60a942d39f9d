"""The run store: every event is on disk before it is seen, and comes back as it was."""

from __future__ import annotations

import errno
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields, is_dataclass, replace
from itertools import count
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
import sqlite_utils
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from edge_agent import runs
from edge_agent.database import remedy
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
    SpanCut,
    StepMeasured,
    TextAppeared,
    TokenCounts,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnStarted,
    UserSpoke,
    from_record,
    to_record,
)
from edge_agent.runs import RunStore, migrations, new_run_id

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
PLAIN_VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(),
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False),
    NoneType: st.none(),
    dict[str, Any]: st.dictionaries(st.text(), JSON_VALUES, max_size=3),
}
EVENT_KINDS = get_args(Event)


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Return arbitrary values of a type; of a dataclass with a value for every field."""
    if hint in PLAIN_VALUES:
        return PLAIN_VALUES[hint]
    if isinstance(hint, type) and is_dataclass(hint):
        hints = get_type_hints(hint)
        return st.builds(hint, **{each.name: values_of(hints[each.name]) for each in fields(hint)})
    arguments = get_args(hint)
    if get_origin(hint) is tuple:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    if get_origin(hint) is Literal:
        return st.sampled_from(arguments)
    assert get_origin(hint) in (Union, UnionType), hint
    return st.one_of(*map(values_of, arguments))


@pytest.mark.parametrize("kind", EVENT_KINDS)
@given(data=st.data())
def test_an_event_survives_the_trip_through_json(kind: Any, data: st.DataObject) -> None:
    event = data.draw(values_of(kind))
    assert from_record(json.loads(json.dumps(to_record(event)))) == event


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return RunStore(tmp_path_factory.mktemp("runs") / "runs.db")


@given(
    values_of(RunStarted),
    st.tuples(*(values_of(kind) for kind in EVENT_KINDS if kind is not RunStarted)),
)
def test_events_of_every_kind_survive_the_trip_through_the_store(
    shared_store: RunStore, started: RunStarted, others: tuple[Event, ...]
) -> None:
    first = replace(started, run="r/1")  # an id need not be a file's name
    if shared_store.list():
        shared_store.remove("r/1")
    list(shared_store.record([first, *others]))
    kept = tuple(event for event in others if not isinstance(event, TextAppeared))
    assert shared_store.events("r/1") == (first, *kept)


def events(run: str, question: str = "Who?") -> list[Event]:
    return [
        RunStarted(run, question, "model", "sample", "generic", 0, 8),
        TurnStarted(1),
        TextAppeared(1, "passing", "sampled"),
        TurnFinished(1, "passing"),
        RunFinished(run, "answered", "Ann", (), 1, 0.5, TokenCounts(1, 1, 1), "enough evidence"),
    ]


def resumed(run: str) -> list[Event]:
    return [RunResumed(run, 16, None, None), TurnStarted(2), TurnFinished(2, "more")]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    store = RunStore(tmp_path / "runs.db")
    yield store
    store.close()


def test_each_event_is_stored_before_it_is_seen(store: RunStore, tmp_path: Path) -> None:
    seen = 0
    for event in store.record(events("r-1")):
        seen += not isinstance(event, TextAppeared)
        other = sqlite3.connect(tmp_path / "runs.db")
        assert other.execute("select count(*) from events").fetchone() == (seen,)
        other.close()


def test_what_was_stored_comes_back_without_passing_text(store: RunStore, tmp_path: Path) -> None:
    given_events = list(store.record(events("r-1")))
    kept = tuple(event for event in given_events if not isinstance(event, TextAppeared))
    assert RunStore(tmp_path / "runs.db").events("r-1") == kept
    summary = store.summary("r-1")
    assert (summary.status, summary.answer, summary.calls) == ("answered", "Ann", 1)


def test_half_a_character_that_a_model_wrote_is_stored(store: RunStore) -> None:
    event = ToolCalled(1, "search", {"query": "\ud83d"})
    list(store.record([RunStarted("r-1", "\ud83d?", "m", "l", "p", 0, 1), event]))
    assert store.events("r-1")[1] == event
    assert store.summary("r-1").question == "??"


def test_a_run_that_was_killed_stays_with_what_it_had(store: RunStore) -> None:
    stream = store.record(events("r-1"))
    next(stream)
    next(stream)
    assert store.summary("r-1").status == "running"
    stream.close()
    assert store.summary("r-1").status == "interrupted"
    assert [run.status for run in store.list()] == ["interrupted"]
    assert len(store.events("r-1")) == 2


def test_a_run_whose_locks_are_gone_was_interrupted(store: RunStore, tmp_path: Path) -> None:
    list(store.record(list(events("r-1"))[:2]))
    for lock in (tmp_path / "runs.locks").iterdir():
        lock.unlink()
    assert store.summary("r-1").status == "interrupted"
    assert not list((tmp_path / "runs.locks").iterdir()), "who only looks leaves nothing"


def test_who_looks_at_a_run_keeps_nobody_from_going_on_with_it(
    store: RunStore, tmp_path: Path
) -> None:
    list(store.record(list(events("r-1"))[:2]))
    lock = FileLock(tmp_path / "runs.locks" / "r-1.lock", thread_local=False)
    lock.acquire()
    letting_go = threading.Timer(0.05, lock.release)
    letting_go.start()
    store.check_free("r-1")
    letting_go.join()


def test_a_run_is_taken_up_with_the_next_number(store: RunStore, tmp_path: Path) -> None:
    list(store.record(events("r-1")))
    list(store.record(resumed("r-1")))
    assert store.summary("r-1").status == "interrupted"
    assert store.summary("r-1").answer is None
    rows = sqlite3.connect(tmp_path / "runs.db").execute("select number from events")
    assert [number for (number,) in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert store.events("r-1")[-1] == TurnFinished(2, "more")
    times = store.timeline("r-1")[1]
    assert len(times) == 7
    assert list(times) == sorted(times)


def test_going_on_sees_what_is_stored_and_adds_to_it(store: RunStore) -> None:
    list(store.record(events("r-1")[:2]))
    seen: list[Event] = []

    def go_on(stored: Any) -> list[Event]:
        seen.extend(stored)
        return resumed("r-1")

    assert list(store.resume("r-", go_on)) == resumed("r-1")
    assert seen == events("r-1")[:2]
    assert len(store.events("r-1")) == 5


def test_a_run_that_is_not_there_is_not_taken_up(store: RunStore) -> None:
    with pytest.raises(RunError, match="not in the store"):
        list(store.record(resumed("r-1")))
    with pytest.raises(RunError, match="not in the store"):
        list(store.resume("r-1", lambda stored: resumed("r-1")))


def test_only_one_works_on_a_run(store: RunStore, tmp_path: Path) -> None:
    other = RunStore(tmp_path / "runs.db")
    working = store.record(events("r-1"))
    next(working)
    next(other.record(events("r-2")))
    for attempt in (
        lambda: next(other.record(resumed("r-1"))),
        lambda: next(store.record(resumed("r-1"))),
        lambda: next(other.resume("r-1", lambda stored: resumed("r-1"))),
        lambda: other.check_free("r-1"),
        lambda: other.remove("r-1"),
    ):
        with pytest.raises(RunError, match="Another process is working on the run r-1"):
            attempt()
    working.close()
    other.check_free("r-1")
    assert list(other.record(resumed("r-1"))) == resumed("r-1")


def test_runs_are_listed_newest_first_and_found_by_a_beginning(store: RunStore) -> None:
    for run in ("2026-a", "2026-b", "2026-bc"):
        list(store.record(events(run)))
    assert [summary.id for summary in store.list()] == ["2026-bc", "2026-b", "2026-a"]
    assert store.summary("2026-a").id == "2026-a"
    assert store.summary("2026-b").id == "2026-b"
    with pytest.raises(RunError, match="several runs"):
        store.summary("2026")
    with pytest.raises(RunError, match="not in the store"):
        store.events("2027")


def test_no_id_is_the_id_of_no_run(store: RunStore) -> None:
    list(store.record(events("r-1")))
    for look in (store.summary, store.events, store.remove):
        with pytest.raises(RunError, match="The run '' is not in the store"):
            look("")
    assert [run.id for run in store.list()] == ["r-1"]


@pytest.mark.parametrize(
    "record",
    [
        '{"event": "MindRead", "step": 1}',
        '{"event": "TurnStarted", "step": 1, "mood": "good"}',
        '{"event": "TurnStarted"}',
        '{"step": 1}',
        "[]",
        "null",
        '{"event": "Turn',
    ],
)
def test_an_event_of_another_version_is_a_sentence(
    record: str, store: RunStore, tmp_path: Path
) -> None:
    list(store.record(events("r-1")))
    with closing(sqlite3.connect(tmp_path / "runs.db")) as database, database:
        database.execute("update events set record = ? where number = 2", (record,))
    with pytest.raises(RunError, match="The run r-1 was stored by another version, or is damaged"):
        store.events("r-1")
    assert store.summary("r-1").status == "answered"
    store.remove("r-1")


def test_runs_are_found_by_what_was_asked_and_answered(store: RunStore) -> None:
    list(store.record(events("r-1", "Who built the Gjøa?")))
    list(store.record(events("r-2", "Was she 100% steel?")[:2]))
    assert [run.id for run in store.list(search="GJØA")] == ["r-1"]
    assert [run.id for run in store.list(search="0%")] == ["r-2"]
    assert [run.id for run in store.list(search="ann")] == ["r-1"]
    assert store.list(search="Fram") == ()
    assert len(store.list(limit=1)) == 1


def test_a_message_is_heard_once_it_is_stored_as_heard(store: RunStore) -> None:
    list(store.record(events("r-1")[:2]))
    list(store.record(events("r-2")[:2]))
    first = store.tell("r-1", "Look at the reports.")
    second = store.tell("r-1", "Be brief.")
    assert store.unheard("r-1") == ((first, "Look at the reports."), (second, "Be brief."))
    assert store.unheard("r-2") == ()
    said = UserSpoke(1, "Look at the reports.", "The user adds: …", first)
    list(store.record([RunResumed("r-1", 8, None, None), said, UserSpoke(1, "typed", "typed")]))
    assert store.unheard("r-1") == ((second, "Be brief."),)


def test_a_message_leaves_room_for_evidence(store: RunStore) -> None:
    list(store.record(events("r-1")[:2]))
    store.tell("r-1", "x" * 2000)
    with pytest.raises(RunError, match="2,001 characters"):
        store.tell("r-1", "x" * 2001)


def test_nobody_hears_what_is_told_to_a_run_that_has_ended(store: RunStore) -> None:
    list(store.record(events("r-1")))
    with pytest.raises(RunError, match="miro-edge runs resume r-1"):
        store.tell("r-1", "Hello?")
    assert store.unheard("r-1") == ()


def test_a_removed_run_leaves_nothing(store: RunStore, tmp_path: Path) -> None:
    list(store.record(events("r-1")[:3]))
    list(store.record(events("r-2")))
    store.tell("r-1", "Hello?")
    store.remove("r-1")
    database = sqlite3.connect(tmp_path / "runs.db")
    for table, column in (("runs", "id"), ("events", "run"), ("messages", "run")):
        rows = database.execute(f"select {column} from {table} where {column} = 'r-1'").fetchall()
        assert rows == []
    assert len(store.events("r-2")) == 4
    assert {path.stem for path in (tmp_path / "runs.locks").iterdir()} == {"store", "r-2"}


def test_a_run_is_removed_while_another_process_writes(store: RunStore, tmp_path: Path) -> None:
    list(store.record(events("r-1")))
    other = sqlite3.connect(tmp_path / "runs.db", check_same_thread=False)
    other.execute("begin immediate")
    other.execute("update runs set model = 'other'")
    done = threading.Timer(0.3, other.commit)
    done.start()
    store.remove("r-1")
    done.join()
    assert store.list() == ()


@pytest.mark.parametrize(("copied", "shrinks"), [(10**9, True), (0, False)])
def test_what_is_removed_is_in_no_file_and_given_back_where_the_copy_is_no_burden(
    copied: int, shrinks: bool, store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on_disk() -> bytes:
        return b"".join(file.read_bytes() for file in tmp_path.glob("runs.db*"))

    monkeypatch.setattr("edge_agent.index.database._MOST_COPIED", copied)
    list(store.record([*events("r-1")[:1], TurnFinished(1, "secret" * 50_000)]))
    list(store.record(events("r-2", "A secret?")))
    list(store.record(events("r-3")))
    assert b"secret" in on_disk()
    for run in ("r-1", "r-2"):
        store.remove(run)
    assert b"secret" not in on_disk()
    assert (len(on_disk()) < 100_000) == shrinks
    assert len(store.events("r-3")) == 4


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (sqlite3.OperationalError("database or disk is full"), "Free some disk"),
        (OSError(errno.ENOSPC, "No space left on device"), "Free some disk"),
        (sqlite3.OperationalError("database is locked"), "Wait until other processes"),
        (PermissionError(errno.EACCES, "Permission denied"), "Check the path, its permissions"),
    ],
    ids=str,
)
def test_disk_is_to_be_freed_only_where_it_is_full(
    fault: OSError | sqlite3.Error, said: str
) -> None:
    assert remedy(fault).startswith(said)


def test_a_removed_run_can_be_put_back(store: RunStore) -> None:
    list(store.record(events("r-1")[:3]))
    store.tell("r-1", "Hello?")
    before = store.summary("r-1"), store.timeline("r-1")
    removed = store.remove("r-1")
    list(store.record(events("r-2")[:3]))
    store.tell("r-2", "And you?")
    store.put_back(removed)
    assert (store.summary("r-1"), store.timeline("r-1")) == before
    assert [text for _, text in store.unheard("r-1")] == ["Hello?"]
    assert [text for _, text in store.unheard("r-2")] == ["And you?"]
    with pytest.raises(RunError):
        store.put_back(removed)
    assert store.timeline("r-1") == before[1]


def test_events_and_times_are_of_one_moment(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(store.record(events("r-1")[:4]))
    restored = runs._restored
    more = (TurnStarted(number) for number in count(2))

    def while_the_run_goes_on(row: Any) -> Event:
        with closing(RunStore(tmp_path / "runs.db")) as other:
            list(other.record([RunResumed("r-1", 8, None, None), next(more)]))
        return restored(row)

    monkeypatch.setattr(runs, "_restored", while_the_run_goes_on)
    happened, times = store.timeline("r-1")
    assert len(happened) == len(times)
    assert len(store.timeline("r-1")[1]) > len(times)


def test_a_column_of_a_later_version_is_left_alone(store: RunStore, tmp_path: Path) -> None:
    list(store.record(events("r-1")))
    with closing(sqlite3.connect(tmp_path / "runs.db")) as later, later:
        later.execute("alter table runs add column mood text default 'fine'")
    before = store.summary("r-1")
    assert store.list() == (before,)
    assert store.summary("r-") == before
    store.put_back(store.remove("r-1"))
    with closing(sqlite3.connect(tmp_path / "runs.db")) as later:
        assert later.execute("select mood from runs").fetchall() == [("fine",)]


def step(number: int) -> list[Event]:
    measured = StepMeasured(number, 10, 4096, TokenCounts(1, 1, 1), 0.1, 1000)
    return [
        TurnStarted(number),
        TurnFinished(number, f"turn {number}"),
        ToolCalled(number, "search", {"query": str(number)}),
        ToolAnswered(number, "search", "nothing", ()),
        measured,
    ]


def ending(run: str, attempt: int, number: int) -> list[Event]:
    return [
        GatheringEnded(number, "call limit"),
        ReadingStarted(number, (1,), "system", "prompt"),
        TurnStarted(number + 1),
        TurnFinished(number + 1, "not found"),
        AttemptFinished(attempt, "not_found", None, (), (), "call limit"),
    ]


def long_run(run: str) -> list[Event]:
    """Two steps, with more said and done after the second; a stop; and another attempt."""
    return [
        RunStarted(run, "Who?", "model", "sample", "generic", 7, 2, parent="older"),
        *step(1),
        TurnStarted(2),
        RunResumed(run, 3, None, None),
        *step(2)[1:],
        UserSpoke(2, "Hurry.", "The user adds: Hurry."),
        SpanCut(2, "result", 5, 3),
        *ending(run, 1, 2),
        RunFinished(run, "not_found", None, (), 2, 1.0, TokenCounts(1, 1, 1), "call limit"),
        RunResumed(run, 8, None, None),
        *step(4),
        *ending(run, 1, 4),
        AttemptStarted(2, "Try something else."),
        *step(6),
        *ending(run, 2, 6),
    ]


@pytest.mark.parametrize(
    ("at", "last"), [(1, "StepMeasured"), (2, "SpanCut"), (4, "StepMeasured"), (6, "StepMeasured")]
)
def test_a_fork_has_all_that_its_parent_did_up_to_the_step(
    store: RunStore, at: int, last: str
) -> None:
    whole = long_run("r-1")
    list(store.record(whole))
    new = store.fork("r-1", at)
    started, *copies = store.events(new)
    assert isinstance(started, RunStarted)
    assert (started.run, started.parent, started.parent_step) == (new, "r-1", at)
    assert (started.seed, started.max_calls) == (8, 2)
    parents = whole[1 : len(copies) + 1]
    assert [type(event) for event in copies] == [type(event) for event in parents]
    assert all(
        copy == event or (isinstance(copy, RunResumed | RunFinished) and copy.run == new)
        for copy, event in zip(copies, parents, strict=True)
    )
    assert type(copies[-1]).__name__ == last
    assert max(event.step for event in copies if isinstance(event, TurnStarted)) == at
    assert any(isinstance(event, AttemptStarted) for event in copies) == (at == 6)
    assert store.timeline(new)[1] == store.timeline("r-1")[1][: len(copies) + 1]
    assert (store.summary(new).status, store.summary(new).parent) == ("interrupted", "r-1")
    assert store.events("r-1") == tuple(whole)


def test_a_fork_is_gone_on_with_like_any_run(store: RunStore) -> None:
    list(store.record(long_run("r-1")))
    new = store.fork("r-1", 1, seed=99)
    list(store.record([RunResumed(new, 8, None, None), *step(2)]))
    assert [type(event).__name__ for event in store.events(new)[5:8]] == [
        *("StepMeasured", "RunResumed", "TurnStarted")
    ]
    assert store.events(new)[0].seed == 99  # type: ignore[union-attr]
    assert store.fork(new, 2) != new


@pytest.mark.parametrize("at", [0, 3.5, 8, -1])
def test_a_fork_at_a_step_that_is_not_there_names_those_that_are(store: RunStore, at: int) -> None:
    list(store.record(long_run("r-1")))
    with pytest.raises(RunError, match="has the steps 1 to 7"):
        store.fork("r-1", at)
    assert [run.id for run in store.list()] == ["r-1"]


def test_a_run_without_steps_cannot_be_forked(store: RunStore) -> None:
    list(store.record(events("r-1")[:1]))
    with pytest.raises(RunError, match="has no steps yet"):
        store.fork("r-1", 1)


def test_a_store_of_an_older_version_opens_with_all_its_runs(tmp_path: Path) -> None:
    old = sqlite_utils.Database(tmp_path / "runs.db")
    migrations.apply(old, stop_before="add_forks_and_messages")
    assert {column.name for column in old["runs"].columns} >= {"id", "status"}
    assert "messages" not in old.table_names()
    old.table("runs").insert(
        {"id": "r-1", "started": "2026", "question": "Who?", "model": "m", "library": "l",
         "status": "answered", "answer": "Ann", "calls": 1, "seconds": 0.5}
    )  # fmt: skip
    record = {
        **{"event": "RunStarted", "run": "r-1", "question": "Who?", "model": "m", "library": "l"},
        **{"profile": "generic", "seed": 0, "max_calls": 8},
    }
    old.table("events").insert(
        {"run": "r-1", "number": 1, "time": 1.5, "kind": "RunStarted", "record": json.dumps(record)}
    )
    old.close()
    store = RunStore(tmp_path / "runs.db")
    assert store.events("r-1") == (RunStarted("r-1", "Who?", "m", "l", "generic", 0, 8),)
    assert store.timeline("r-1")[1] == (1.5,)
    assert store.list()[0].parent is None
    assert store.unheard("r-1") == ()
    list(store.record(events("r-2")))
    assert len(store.list()) == 2


def test_a_store_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "runs.db").write_text("this is not a database" * 100)
    with pytest.raises(RunError, match="cannot be opened"):
        RunStore(tmp_path / "runs.db")


def test_ids_sort_by_time() -> None:
    first, second = new_run_id(), new_run_id()
    assert first[:15] <= second[:15]
    assert first != second
