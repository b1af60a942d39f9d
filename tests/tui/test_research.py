"""Research: what each key does while a scripted model works, and after."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from scripted_app import (
    QUESTION,
    SCRIPT,
    Hold,
    answered,
    ask,
    bench,
    choose,
    dialog,
    hold,
    labels,
    leave_line,
    notified,
    page,
    press,
    reads,
    shown,
    status,
    write,
)
from textual.widgets import Input
from waiting import until

from edge_agent.events import UserSpoke
from edge_agent.tui.app import MiroEdge
from edge_agent.tui.evidence_list import EvidenceList
from edge_agent.tui.run_thread import RunThread


def thread(app: MiroEdge) -> RunThread:
    assert app.last_run is not None
    return app.last_run


@pytest.fixture
def held(app: MiroEdge) -> Hold:
    """The model waits before it writes what it looks for."""
    return hold(app)


async def test_a_question_is_answered_with_sources(app: MiroEdge) -> None:
    async with shown(app):
        await ask(app)
        await answered(app)
        assert "## Larvik" in page(app)
        assert "Colin Archer was born in Larvik" in page(app)
        assert "supports the answer" in page(app)
        assert labels(app)[:2] == [f"1 search: {QUESTION}", "2 search: Colin Archer birthplace"]
        assert app.research.query_one(EvidenceList).option_count >= 2
        assert app.store.list()[0].answer == "Larvik"


async def test_citations_are_followed_by_their_number(app: MiroEdge) -> None:
    async with shown(app):
        await ask(app)
        await answered(app)
        await leave_line(app)
        await press(app, "1")
        await reads(app, "### \\[1\\]")
        await press(app, "8")
        await press(app, "v")
        await reads(app, "## Larvik")


async def test_evidence_opens_in_full(app: MiroEdge) -> None:
    async with shown(app):
        await ask(app)
        await answered(app)
        await leave_line(app)
        await press(app, "e")
        await until(lambda: app.focused is app.research.query_one("#evidence"))
        await press(app, "home", "enter")
        await reads(app, "### \\[1\\]")


async def test_every_node_opens_in_full(app: MiroEdge) -> None:
    async with shown(app):
        await ask(app)
        await answered(app)
        await leave_line(app)
        await press(app, "t", "home", "enter")
        await reads(app, "### Step 1\n\n**search")
        assert "result\\:" in page(app)
        await press(app, "down", "enter")
        await reads(app, "call of search")
        await press(app, "left", "left", "right")
        assert labels(app)[0] == f"1 search: {QUESTION}"


async def test_what_is_typed_while_it_runs_is_told_to_the_model(app: MiroEdge, held: Hold) -> None:
    async with shown(app):
        await ask(app)
        await until(held.reached.is_set)
        await until(lambda: app.research.run is not None)
        await ask(app, "Look for his town.")
        run = app.research.run
        assert run is not None
        await until(lambda: bool(app.store.unheard(run)))
        held.free.set()
        await answered(app)
        said = [event for event in app.store.events(run) if isinstance(event, UserSpoke)]
        assert [event.text for event in said] == ["Look for his town."]


@pytest.mark.parametrize("typing", ["", "What about"])
async def test_what_is_typed_too_late_is_given_back(app: MiroEdge, typing: str) -> None:
    bench(app).before_line = held = Hold("Larvik}")
    async with shown(app):
        await ask(app)
        await until(held.reached.is_set)
        for text in ("Look for", "his town."):
            await ask(app, text)
        line = app.research.query_one("#line", Input)
        line.value = typing
        held.free.set()
        await answered(app)
        await notified(app, "The run ended before it heard: Look for his town.")
        assert line.value == (typing or "Look for his town.")


async def test_what_a_stopped_run_has_not_heard_waits_for_it(app: MiroEdge, held: Hold) -> None:
    async with shown(app):
        await ask(app)
        await until(held.reached.is_set)
        await until(lambda: app.research.run is not None)
        await ask(app, "Look for his town.")
        await press(app, "f9")
        held.free.set()
        await answered(app)
        assert app.research.query_one("#line", Input).value == ""
        assert app.research.run is not None
        assert len(app.store.unheard(app.research.run)) == 1


async def test_what_ought_to_be_known_is_a_notification(app: MiroEdge) -> None:
    async with shown(app):
        await ask(app)
        await answered(app)
        await notified(app, "Searching by words alone.")


async def test_what_is_typed_before_the_run_begins_stays_in_the_line(
    app: MiroEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, opened = threading.Event(), app.workbench.session

    def slow(*given: Any) -> Any:
        assert free.wait(30)
        return opened(*given)

    monkeypatch.setattr(app.workbench, "session", slow)
    async with shown(app):
        await ask(app)
        await until(lambda: app.research.running)
        line = app.research.query_one("#line", Input)
        assert line.value == ""
        line.value = "Look for his town."
        line.focus()
        await press(app, "enter")
        await asyncio.sleep(0.1)
        assert line.value == "Look for his town."
        free.set()
        await answered(app)


@pytest.mark.parametrize("key", ["f7", "p"])
async def test_a_paused_run_waits(app: MiroEdge, held: Hold, key: str) -> None:
    async with shown(app):
        await ask(app)
        await until(held.reached.is_set)
        await leave_line(app)
        await press(app, key)
        await until(lambda: status(app).startswith("Paused."))
        held.free.set()
        await asyncio.sleep(0.3)
        assert app.research.running
        assert len(labels(app)) == 2
        await press(app, key)
        await answered(app)
        assert "## Larvik" in page(app)


@pytest.mark.parametrize("key", ["f8", "a", "ctrl+c"])
async def test_answer_now_reads_from_what_was_found(app: MiroEdge, held: Hold, key: str) -> None:
    bench(app).scripts = [["designed by Colin Archer", "Missing:", " birthplace\n", "Archer}"]]
    async with shown(app):
        await ask(app)
        await until(held.reached.is_set)
        await leave_line(app)
        await press(app, key)
        await until(lambda: thread(app).answering)
        held.free.set()
        await answered(app)
        assert app.store.list()[0].status == "partial"
        assert "interrupted" in status(app)


@pytest.mark.parametrize("keys", [["f9"], ["x"], ["ctrl+c", "ctrl+c"]])
async def test_a_stopped_run_can_be_gone_on_with(
    app: MiroEdge, held: Hold, keys: list[str]
) -> None:
    bench(app).scripts = [list(SCRIPT), list(SCRIPT)]
    async with shown(app):
        await ask(app)
        await until(held.reached.is_set)
        await leave_line(app)
        await press(app, *keys)
        await until(lambda: thread(app).stopping)
        held.free.set()
        await answered(app)
        assert "press g" in status(app)
        assert app.store.list()[0].status == "interrupted"
        await press(app, "g")
        await dialog(app)
        await press(app, "enter")
        await until(lambda: app.research.running)
        await answered(app)
        assert app.store.list()[0].status == "answered"
        assert "Resumed" in labels(app)


async def test_a_run_is_forked_from_a_step(app: MiroEdge) -> None:
    bench(app).scripts = [list(SCRIPT), list(SCRIPT)]
    async with shown(app):
        await ask(app)
        await answered(app)
        await leave_line(app)
        await press(app, "t", "home", "f")
        await dialog(app)
        await press(app, "enter")
        await until(lambda: app.research.running)
        await answered(app)
        newest, older = app.store.list()
        assert newest.parent == older.id
        assert newest.status == "answered"


async def test_a_run_is_exported(app: MiroEdge, tmp_path: Path) -> None:
    async with shown(app):
        await ask(app)
        await answered(app)
        await leave_line(app)
        await press(app, "w")
        await choose(app, 4)
        await write(app, str(tmp_path / "run.html"))
        await until((tmp_path / "run.html").exists)
        assert "Larvik" in (tmp_path / "run.html").read_text()


async def test_the_answer_is_copied(app: MiroEdge) -> None:
    async with shown(app):
        await ask(app)
        await answered(app)
        await leave_line(app)
        await press(app, "c")
        await until(lambda: app.clipboard == "Larvik")


async def test_a_replay_is_shown_to_its_end(app: MiroEdge) -> None:
    async with shown(app):
        await ask(app)
        await answered(app)
        run = app.research.run
        assert run is not None
        await app.open_run(run)
        tree = app.research.query_one("#trajectory")
        await until(lambda: app.focused is tree)
        app.research.action_pause()
        app.research.action_step()
        await until(lambda: status(app).startswith("Replay: event 1 of"))
        await press(app, "i")
        await until(lambda: app.focused is app.research.query_one("#line"))
        await press(app, "end")  # of the line, while somebody writes in it
        assert status(app).startswith("Replay: event 1 of")
        await leave_line(app)
        await press(app, "end")
        await until(lambda: "Ended: " in status(app))
        assert app.focused is tree
        await press(app, "home", "end")  # of the tree, when all is shown
        await until(lambda: tree.cursor_line > 0)  # type: ignore[attr-defined]


async def test_a_new_question_clears_the_screen(app: MiroEdge) -> None:
    async with shown(app):
        await ask(app)
        await answered(app)
        await leave_line(app)
        await press(app, "n")
        await until(lambda: labels(app) == [])
        await until(lambda: app.focused is app.research.query_one("#line"))


@pytest.mark.parametrize(
    ("key", "part"), [("t", "trajectory"), ("r", "reader"), ("e", "evidence"), ("i", "line")]
)
async def test_each_part_has_a_key(app: MiroEdge, key: str, part: str) -> None:
    async with shown(app):
        await leave_line(app)
        await press(app, key)
        await until(lambda: app.focused is app.research.query_one(f"#{part}"))


async def test_a_failure_is_a_message_and_not_a_traceback(
    app: MiroEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the engine is on fire")

    monkeypatch.setattr(app.workbench, "session", broken)
    async with shown(app):
        line = app.research.query_one("#line", Input)
        line.value = QUESTION
        line.focus()
        await press(app, "enter")
        await until(lambda: "A fault in the program: RuntimeError" in status(app))
        assert "the engine is on fire" in status(app)
        assert line.value == QUESTION  # it need not be typed again
        await press(app, "f3")
        await until(lambda: type(app.screen).__name__ == "RunsScreen")


async def test_leaving_in_the_middle_asks_and_keeps_the_run(app: MiroEdge, held: Hold) -> None:
    async with shown(app):
        await ask(app)
        await until(held.reached.is_set)
        await press(app, "ctrl+q")
        await dialog(app)
        await press(app, "ctrl+q")  # asked a second time, it is asked once
        await press(app, "enter")
        await until(lambda: len(app.screen_stack) == 1)
        assert app.research.running
        await press(app, "ctrl+q")
        await dialog(app)
        await press(app, "down", "enter")
        await until(lambda: thread(app).stopping)
        held.free.set()
    app.close()
    assert not thread(app).is_alive()


async def test_what_has_ended_is_left_without_a_question(app: MiroEdge) -> None:
    async with shown(app):
        await ask(app)
        await answered(app)
        app.research._thread = thread(app)  # its end is told a little after the run's
        assert app.research.running
        assert not app.research.unfinished
        await press(app, "ctrl+q")
        await until(lambda: not app.is_running)
