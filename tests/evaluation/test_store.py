"""The store of evaluations: rows stay whatever happens, once each, and only with their like."""

from __future__ import annotations

import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from evaluated import SETTINGS, row, run
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.errors import EvaluationError
from edge_agent.evaluation.rows import from_line, to_line
from edge_agent.evaluation.settings import usual_name
from edge_agent.evaluation.store import EvaluationStore
from edge_agent.events import TokenCounts


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EvaluationStore]:
    with closing(EvaluationStore(tmp_path / "evaluations.db")) as store:
        yield store


def test_rows_come_back_in_the_order_of_the_set(store: EvaluationStore) -> None:
    store.begin("e", SETTINGS, 2)
    store.add("e", 1, row("b", answer=None), run())
    store.add("e", 0, row("a"), run())
    assert store.rows("e") == (row("a"), row("b", answer=None))
    assert store.row("e", "b") == row("b", answer=None)
    assert store.row("e", "c") is None
    assert store.events("e", "a") == run()
    (listed,) = store.list()
    assert (listed.name, listed.asked, listed.done) == ("e", 2, 2)
    assert listed.settings == SETTINGS


def test_a_row_that_is_there_stays(store: EvaluationStore) -> None:
    store.begin("e", SETTINGS, 1)
    store.add("e", 0, row("a"), run())
    store.add("e", 0, row("a", answer="another"), run((5,)))
    assert store.rows("e") == (row("a"),)
    assert store.events("e", "a") == run()


def test_other_settings_are_refused_and_named(store: EvaluationStore) -> None:
    store.begin("e", SETTINGS, 1)
    store.add("e", 0, row("a"), run())
    other = replace(SETTINGS, seed=7, set_sha256="d" * 64, libraries=())
    with pytest.raises(EvaluationError) as refused:
        store.begin("e", other, 1)
    said = str(refused.value)
    assert "seed (0, now 7)" in said
    assert "set_sha256 (aaaaaaaaaaaa…, now dddddddddddd…)" in said
    assert "libraries (ships: 3 docu" in said
    assert "--again" in said
    assert "--name" in said
    assert store.rows("e") == (row("a"),)


def test_more_questions_may_be_asked_later(store: EvaluationStore) -> None:
    assert store.begin("e", SETTINGS, 2).asked == 2
    assert store.begin("e", SETTINGS, 5).asked == 5
    assert store.begin("e", SETTINGS, 3).asked == 5


def test_one_process_works_on_an_evaluation(store: EvaluationStore, tmp_path: Path) -> None:
    with (
        store.working_on("e"),
        closing(EvaluationStore(tmp_path / "evaluations.db")) as other,
        pytest.raises(EvaluationError, match="Another process is working on the evaluation e"),
        other.working_on("e"),
    ):
        pass
    with store.working_on("e"):
        pass


def test_what_is_removed_is_gone_with_its_file(store: EvaluationStore) -> None:
    for name in ("e", "f"):
        store.begin(name, SETTINGS, 1)
        store.add(name, 0, row("a"), run())
        store.write_lines(name)
    store.remove("e")
    assert [each.name for each in store.list()] == ["f"]
    assert not store.lines_file("e").exists()
    assert store.lines_file("f").exists()
    assert store.begin("e", replace(SETTINGS, seed=7), 1).done == 0
    assert store.rows("e") == ()


def test_what_is_removed_leaves_no_lock_and_no_draft(
    store: EvaluationStore, tmp_path: Path
) -> None:
    for name in ("e", "e.5"):
        store.begin(name, SETTINGS, 1)
        with store.working_on(name):
            store.write_lines(name)
    lines, locks = tmp_path / "evaluations", tmp_path / "evaluations.locks"
    # Of processes that were killed, of this version and of earlier ones.
    for draft in ("e.jsonl.123", "e.123", "e.5.jsonl.123", "e.5.123"):
        (lines / draft).touch()
    store.remove("e")
    assert {each.name for each in lines.iterdir()} == {"e.5.jsonl", "e.5.jsonl.123", "e.5.123"}
    assert {each.name for each in locks.iterdir()} == {"store.lock", "e.5.lock"}


def test_what_is_removed_is_in_no_file(store: EvaluationStore, tmp_path: Path) -> None:
    store.begin("e", SETTINGS, 1)
    store.add("e", 0, row("a", question="A secret?"), run())
    store.remove("e")
    assert all(b"secret" not in file.read_bytes() for file in tmp_path.glob("evaluations.db*"))


def test_lines_that_cannot_be_written_leave_no_draft(
    store: EvaluationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.begin("e", SETTINGS, 1)
    full = OSError(errno.ENOSPC, "No space left on device")

    def fails(self: Path, target: Path) -> None:
        raise full

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(EvaluationError, match=r"No space left on device\. Free some disk"):
        store.write_lines("e")
    assert list(store.lines_file("e").parent.iterdir()) == []


def test_the_one_that_was_begun_last_is_first_whatever_the_clock_said(
    store: EvaluationStore, tmp_path: Path
) -> None:
    store.begin("e", SETTINGS, 1)
    changed(tmp_path, "update evaluations set started = '2099-01-01T00:00:00+00:00'")
    store.begin("f", SETTINGS, 1)
    assert [each.name for each in store.list()] == ["f", "e"]


def changed(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "evaluations.db")) as other, other:
        other.execute(statement)


def test_what_a_later_version_says_besides_is_left_out(
    store: EvaluationStore, tmp_path: Path
) -> None:
    store.begin("e", SETTINGS, 1)
    store.add("e", 0, row("a"), run())
    changed(tmp_path, "update rows set record = json_set(record, '$.mood', 'fine')")
    changed(tmp_path, "alter table evaluations add column mood text")
    assert store.rows("e") == (row("a"),)
    assert [each.name for each in store.list()] == ["e"]


def test_rows_of_all_versions_are_scored_alike(store: EvaluationStore, tmp_path: Path) -> None:
    store.begin("e", SETTINGS, 1)
    store.add("e", 0, row("a", answer="no, Larvik", answers=("No",)), run())
    changed(tmp_path, "update rows set record = json_set(record, '$.em', true, '$.f1', 0.6)")
    (found,) = store.rows("e")
    assert (found.em, found.f1) == (False, 0.0)
    line = json.loads(store.write_lines("e").read_text("utf-8"))
    assert (line["em"], line["f1"]) == (False, 0.0)


def test_settings_of_an_earlier_version_are_understood(
    store: EvaluationStore, tmp_path: Path
) -> None:
    inference = "llama-cpp-python 0.3.36, built for the processor"
    store.begin("e", replace(SETTINGS, inference=inference), 1)
    assert store.evaluation("e").settings.inference == inference
    changed(tmp_path, "update evaluations set settings = json_remove(settings, '$.inference')")
    assert store.evaluation("e").settings == SETTINGS
    assert store.faults() == ()
    with pytest.raises(EvaluationError, match=r"inference \(not known, now llama-cpp-python 0"):
        store.begin("e", replace(SETTINGS, inference=inference), 1)


def test_a_model_behind_a_server_is_known_to_need_no_library() -> None:
    served = replace(SETTINGS, model_sha256="", server="http://127.0.0.1:1/v1")
    here = replace(SETTINGS, inference="llama-cpp-python 0.3.36")
    assert "inference (none, now llama-cpp-python 0.3.36)" in served.differences(here)


@pytest.mark.parametrize(
    "settings",
    ["json_set(settings, '$.mood', 'fine')", "json_remove(settings, '$.seed')", "'damaged'", "'7'"],
)
def test_settings_that_cannot_be_understood_are_told_and_can_be_removed(
    settings: str, store: EvaluationStore, tmp_path: Path
) -> None:
    for name in ("e", "f"):
        store.begin(name, SETTINGS, 1)
        store.add(name, 0, row("a"), run())
    changed(tmp_path, f"update evaluations set settings = {settings} where name = 'e'")
    for asks in (store.evaluation, lambda name: store.begin(name, SETTINGS, 1)):
        with pytest.raises(EvaluationError, match=r"its settings cannot be .* eval remove e"):
            asks("e")
    assert [each.name for each in store.list()] == ["f"]
    (fault,) = store.faults()
    assert "The evaluation e was stored by another version, or is damaged" in str(fault)
    assert store.done("e") == 1
    store.remove("e")
    assert store.names() == {"f"}
    assert store.faults() == ()


def test_a_row_and_a_run_that_cannot_be_understood_are_told(
    store: EvaluationStore, tmp_path: Path
) -> None:
    store.begin("e", SETTINGS, 1)
    store.add("e", 0, row("a"), run())
    changed(tmp_path, "update rows set record = json_remove(record, '$.calls')")
    changed(tmp_path, """update traces set events = '{"event": "Dreamt"}'""")
    for asks in (lambda: store.rows("e"), lambda: store.row("e", "a")):
        with pytest.raises(EvaluationError, match="its answer to the question 'a' cannot be"):
            asks()
    with pytest.raises(EvaluationError, match="the run of the question 'a' cannot be"):
        store.events("e", "a")


def test_what_is_not_there_is_told(store: EvaluationStore) -> None:
    store.begin("ships-agent", SETTINGS, 1)
    with pytest.raises(EvaluationError, match="Did you mean: ships-agent"):
        store.evaluation("ships")
    with pytest.raises(EvaluationError, match="no evaluation 'boats'"):
        store.remove("boats")
    with pytest.raises(EvaluationError, match="has no question 'q9'"):
        store.events("ships-agent", "q9")


def test_a_store_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "evaluations.db").write_text("This is no database. " * 100)
    with pytest.raises(EvaluationError, match="cannot be opened"):
        EvaluationStore(tmp_path / "evaluations.db")


def test_rows_are_written_as_json_lines(store: EvaluationStore) -> None:
    store.begin("a/b", SETTINGS, 2)
    store.add("a/b", 0, row("a", answer="half a \ud83d character"), run())
    store.add("a/b", 1, row("b"), run())
    path = store.write_lines("a/b")
    assert path.parent.name == "evaluations"
    first, second = path.read_text("utf-8").splitlines()
    assert json.loads(first)["answer"] == "half a ? character"
    assert from_line(json.loads(second)) == row("b")
    assert json.loads(second)["tokens"] == {"prompt": 100, "new": 80, "generated": 20}


_TEXT = st.text(st.characters(codec="utf-8"))


@given(
    st.builds(
        row,
        id=_TEXT,
        question=_TEXT,
        answer=st.none() | _TEXT,
        answers=st.lists(_TEXT).map(tuple),
        verdict=_TEXT,
        judged=st.none() | st.booleans(),
        evidence_recall=st.none() | st.floats(0, 1),
        tokens=st.builds(TokenCounts, st.integers(0), st.integers(0), st.integers(0)),
    )
)
def test_a_row_survives_json(any_row: object) -> None:
    assert from_line(json.loads(json.dumps(to_line(any_row)))) == any_row  # type: ignore[arg-type]


def test_the_usual_name_says_what_it_mainly_is() -> None:
    assert usual_name(SETTINGS) == "ships-dev-agent-tiny"
    more = replace(SETTINGS, max_calls=8, attempts=2, seed=3, split="", model="http://a:1/v1#b c")
    assert usual_name(more) == "ships-agent-http-a-1-v1-b-c-calls-8-attempts-2-seed-3"


_WRITER = """
import sys
from contextlib import closing
from itertools import count
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from evaluated import SETTINGS, row, run
from edge_agent.evaluation.store import EvaluationStore
with closing(EvaluationStore(Path(sys.argv[1]))) as store, store.working_on("e"):
    store.begin("e", SETTINGS, 1000)
    known = {each.id for each in store.rows("e")}
    for number in count():
        if str(number) not in known:
            store.add("e", number, row(str(number)), run())
            print(number, flush=True)
"""


def test_a_process_that_is_killed_loses_and_doubles_nothing(tmp_path: Path) -> None:
    path = tmp_path / "evaluations.db"
    command = [sys.executable, "-c", _WRITER, str(path), str(Path(__file__).parent)]
    told: list[int] = []
    for _ in range(2):
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        told += [int(writer.stdout.readline()) for _ in range(5)]
        os.kill(writer.pid, signal.SIGKILL)
        told += [int(line) for line in writer.stdout.read().split("\n") if line]
        writer.wait()
    with closing(EvaluationStore(path)) as store:
        kept = [int(each.id) for each in store.rows("e")]
        assert kept == list(range(len(kept)))  # each once, in order, without a gap
        assert sorted(told) == told
        assert set(told) <= set(kept)
        assert len(kept) - len(told) <= 2  # kept, and killed before it was told
        assert all(store.events("e", str(number)) for number in kept)
        with store.working_on("e"):
            pass


def test_a_name_that_differs_only_in_case_is_refused(store: EvaluationStore) -> None:
    store.begin("Depth", SETTINGS, 1)
    with pytest.raises(EvaluationError, match="There is an evaluation Depth"):
        store.begin("depth", SETTINGS, 1)
    assert store.names() == {"Depth"}
