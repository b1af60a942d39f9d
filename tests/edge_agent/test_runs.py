"""The run store: every event is on disk before it is seen, and comes back as it was."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.errors import RunError
from edge_agent.events import (
    Citation,
    Event,
    EvidenceAdded,
    RunFinished,
    RunStarted,
    SpanCut,
    TextAppeared,
    TokenCounts,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnRolledBack,
    TurnStarted,
    from_record,
    to_record,
)
from edge_agent.runs import RunStore, new_run_id

KINDS: tuple[type, ...] = (
    *(RunStarted, TurnStarted, TextAppeared, TurnFinished, TurnRolledBack, EvidenceAdded),
    *(ToolAnswered, SpanCut, RunFinished, Citation, TokenCounts),
)
ANY_EVENT = st.one_of(
    *(st.builds(kind) for kind in KINDS if kind not in (Citation, TokenCounts)),
    st.builds(
        ToolCalled,
        arguments=st.dictionaries(st.text(), st.text() | st.integers() | st.booleans()),
    ),
).filter(lambda event: "nan" not in str(event))


@given(ANY_EVENT)
def test_an_event_survives_the_trip_through_json(event: Event) -> None:
    assert from_record(json.loads(json.dumps(to_record(event)))) == event


def events(run: str, question: str = "Who?") -> list[Event]:
    return [
        RunStarted(run, question, "model", "sample", "generic", 0, 8),
        TurnStarted(1),
        TextAppeared(1, "passing", "sampled"),
        TurnFinished(1, "passing"),
        RunFinished(run, "answered", "Ann", (), 1, 0.5, TokenCounts(1, 1, 1), "enough evidence"),
    ]


def test_each_event_is_stored_before_it_is_seen(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.db")
    seen = 0
    for event in store.record(events("r-1")):
        seen += not isinstance(event, TextAppeared)
        other = sqlite3.connect(tmp_path / "runs.db")
        assert other.execute("select count(*) from events").fetchone() == (seen,)
        other.close()


def test_what_was_stored_comes_back_without_passing_text(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.db")
    given_events = list(store.record(events("r-1")))
    kept = tuple(event for event in given_events if not isinstance(event, TextAppeared))
    assert RunStore(tmp_path / "runs.db").events("r-1") == kept
    summary = store.summary("r-1")
    assert (summary.status, summary.answer, summary.calls) == ("answered", "Ann", 1)


def test_a_run_that_was_killed_stays_with_what_it_had(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.db")
    stream = store.record(events("r-1"))
    next(stream)
    next(stream)
    stream.close()
    assert store.summary("r-1").status == "running"
    assert len(store.events("r-1")) == 2


def test_runs_are_listed_newest_first_and_found_by_a_beginning(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.db")
    for run in ("2026-a", "2026-b"):
        list(store.record(events(run)))
    assert [summary.id for summary in store.list()] == ["2026-b", "2026-a"]
    assert store.summary("2026-b").id == "2026-b"
    with pytest.raises(RunError, match="several runs"):
        store.summary("2026")
    with pytest.raises(RunError, match="not in the store"):
        store.events("2027")


def test_a_store_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "runs.db").write_text("this is not a database" * 100)
    with pytest.raises(RunError, match="cannot be opened"):
        RunStore(tmp_path / "runs.db")


def test_ids_sort_by_time() -> None:
    first, second = new_run_id(), new_run_id()
    assert first[:15] <= second[:15]
    assert first != second
