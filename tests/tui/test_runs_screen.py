"""Runs: every key of the history, in two sizes, with texts that would break a careless table."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from scripted_app import (
    Recorded,
    answered,
    ask,
    cell,
    choose,
    dialog,
    go_to,
    hold,
    keys,
    labels,
    page,
    picture,
    press,
    reads,
    refused,
    scripted,
    shown,
    status,
    store_run,
)
from textual.widgets import DataTable, Input
from waiting import until

from edge_agent.database import Database
from edge_agent.events import Event, RunFinished, RunStarted
from edge_agent.home import Home
from edge_agent.tui.app import MiroEdge
from edge_agent.tui.runs_screen import RunsScreen

NAMES = ("first", "second", "third")
CLEAR = "\x1b[2J\x1b[31mred\x07 \u202eesrever\u2066"
CJK = "最初の蒸気船を設計した技術者はどの都市で生まれましたか" * 20
HEBREW = "היכן נולד המהנדס שתכנן את הספינה הגדולה? أين ولد المهندس؟ " * 20


def renamed(events: tuple[Event, ...], name: str, **started: str) -> list[Event]:
    """Return a run under another id."""
    first, *others, last = events
    assert isinstance(first, RunStarted)
    assert isinstance(last, RunFinished)
    return [replace(first, run=name, **started), *others, replace(last, run=name)]  # type: ignore[arg-type]


@pytest.fixture
def history(place: Home, recorded: Recorded) -> Home:
    """A home with three runs, and the newest is the third."""
    for name in NAMES:
        store_run(place, renamed(recorded[0], name, question=f"The {name} question"))
    with sqlite3.connect(place.runs) as database:  # else all are of the same second
        for number, name in enumerate(NAMES):
            database.execute(
                "update runs set started = ? where id = ?",
                (f"2026-11-25T12:00:0{number}+00:00", name),
            )
    return place


@pytest.fixture
def app(history: Home) -> Iterator[MiroEdge]:
    app = scripted(history)
    yield app
    app.close()


async def runs_screen(app: MiroEdge) -> RunsScreen:
    screen = await go_to(app, "f3", RunsScreen)
    await until(lambda: bool(keys(screen)) or status(app) != "")
    return screen


async def test_the_newest_run_is_the_first(app: MiroEdge) -> None:
    async with shown(app):
        screen = await runs_screen(app)
        await until(lambda: keys(screen) == ["third", "second", "first"])
        assert cell(screen, "third", "status") == "answered"
        assert cell(screen, "third", "answer") == "Portsmouth"
        assert app.focused is screen.table


async def test_the_time_is_the_one_on_the_wall(
    app: MiroEdge, history: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    with sqlite3.connect(history.runs) as database:
        database.execute("update runs set started = '2026-11-25T20:00:00+00:00'")
    try:
        async with shown(app):
            assert cell(await runs_screen(app), "first", "when") == "2026-11-26 05:00"
    finally:
        monkeypatch.undo()
        time.tzset()


async def test_enter_opens_a_run(app: MiroEdge) -> None:
    async with shown(app):
        await runs_screen(app)
        await press(app, "enter")
        await reads(app, "Portsmouth")
        assert app.current_mode == "research"
        assert app.research.run == "third"
        assert labels(app)


async def test_a_run_that_is_damaged_is_said_to_be(app: MiroEdge, history: Home) -> None:
    with sqlite3.connect(history.runs) as database:
        database.execute("update events set record = '{\"event\": \"No\"}' where run = 'third'")
    async with shown(app):
        await runs_screen(app)
        await press(app, "enter")
        await until(lambda: "cannot be understood" in status(app))
        assert app.current_mode == "runs"
        await press(app, "r")
        await until(lambda: len(app._notifications) == 2)
        await press(app, "down", "enter")
        await reads(app, "Portsmouth")


async def test_a_run_that_another_process_has_deleted(app: MiroEdge, history: Home) -> None:
    async with shown(app):
        screen = await runs_screen(app)
        with sqlite3.connect(history.runs) as database:
            database.execute("delete from runs where id = 'third'")
        await press(app, "d")
        await until(lambda: "not in the store" in status(app))
        assert keys(screen) == ["second", "first"]


async def test_a_run_is_gone_on_with(app: MiroEdge) -> None:
    async with shown(app):
        await runs_screen(app)
        await press(app, "r")
        await dialog(app)
        assert "It made" in app.screen.query("Label").first().content  # type: ignore[attr-defined]
        await press(app, "escape")
        await until(lambda: len(app.screen_stack) == 1)
        assert not app.research.running
        assert app.focused is app.screen.query_one("#table")
        await press(app, "r")
        await dialog(app)
        app.screen.query_one(Input).value = "none"
        await press(app, "enter")
        await until(lambda: "whole number" in str(app.screen.query_one("#said").content))  # type: ignore[attr-defined]
        app.screen.query_one(Input).value = "7"
        await press(app, "enter")
        await until(lambda: app.current_mode == "research")
        await answered(app)


async def test_no_run_is_gone_on_with_while_one_goes_on(app: MiroEdge) -> None:
    held = hold(app)
    async with shown(app):
        await ask(app)
        await until(held.reached.is_set)
        screen = await runs_screen(app)
        await until(lambda: len(keys(screen)) == 4)
        await press(app, "r")
        await until(lambda: "A run goes on already" in status(app))
        screen.point_at(str(app.research.run))
        await press(app, "d")
        await until(lambda: "working on the run" in status(app))
        assert len(keys(screen)) == 4
        held.free.set()
        await answered(app)


@pytest.mark.parametrize("key", ["d", "delete"])
async def test_a_run_is_deleted_and_brought_back(app: MiroEdge, key: str) -> None:
    async with shown(app):
        screen = await runs_screen(app)
        events = app.store.events("second")
        await press(app, "down", key)
        await until(lambda: keys(screen) == ["third", "first"])
        assert status(app) == "The run second is deleted. Press u to bring it back."
        await press(app, "u")
        await until(lambda: keys(screen) == ["third", "second", "first"])
        assert status(app) == "The run second is back."
        assert screen.selected == "second"
        assert app.store.events("second") == events


async def test_all_are_deleted_and_brought_back_one_by_one(app: MiroEdge) -> None:
    async with shown(app):
        screen = await runs_screen(app)
        for left in (["second", "first"], ["first"], []):
            await press(app, "d")
            await until(lambda left=left: keys(screen) == left)  # type: ignore[misc]
        assert "Press u" in status(app)
        await press(app, "d", "enter", "r", "w")
        assert len(app.screen_stack) == 1
        for left in (["first"], ["second", "first"], ["third", "second", "first"]):
            await press(app, "u")
            await until(lambda left=left: keys(screen) == left)  # type: ignore[misc]
        await press(app, "u")
        await until(lambda: status(app).startswith("There is nothing to bring back"))


async def test_the_screen_is_there_while_the_disk_is_given_back(
    app: MiroEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, shrink = threading.Event(), Database.shrink

    def slow(database: Database) -> None:
        assert free.wait(20)
        shrink(database)

    monkeypatch.setattr(Database, "shrink", slow)
    async with shown(app):
        screen = await runs_screen(app)
        await press(app, "d")
        await until(lambda: status(app) == "Deleting third. Press x to stop.")
        await press(app, "down", "u", "d")
        await until(lambda: refused(app) == 2)
        assert screen.selected == "second"
        screen.reload()
        free.set()
        await until(lambda: status(app) == "The run third is deleted. Press u to bring it back.")
        await press(app, "u")
        await until(lambda: status(app) == "The run third is back.")
        assert screen.selected == "third"


async def test_a_run_is_written_into_a_file(app: MiroEdge, tmp_path: Path) -> None:
    async with shown(app):
        screen = await runs_screen(app)
        await press(app, "down", "w")
        await choose(app, 0)
        await until(lambda: bool(app.screen.query("PromptDialog Input")))
        name = app.screen.query_one(Input)
        assert "second" in name.value
        name.value = str(tmp_path / "none" / "run")
        await press(app, "enter")
        await until(lambda: "cannot be a file" in str(app.screen.query_one("#said").content))  # type: ignore[attr-defined]
        name.value = str(tmp_path / "run")
        await press(app, "enter")
        await until((tmp_path / "run").exists)
        await until(lambda: app.focused is screen.table)
        assert "The second question" in (tmp_path / "run").read_text()


async def test_search_as_typed(app: MiroEdge) -> None:
    async with shown(app):
        screen = await runs_screen(app)
        await press(app, "slash")
        line = screen.query_one("#search", Input)
        await until(lambda: app.focused is line)
        await press(app, "S", "E", "C")
        await until(lambda: keys(screen) == ["second"])
        assert status(app) == "1 run has 'SEC' in question or answer. Escape shows all."
        await press(app, "x", "d")
        await until(lambda: keys(screen) == [])
        assert status(app).startswith("No run has 'SECxd' in its question or answer")
        await press(app, "backspace", "backspace")
        await until(lambda: keys(screen) == ["second"])
        await press(app, "enter")
        await until(lambda: app.focused is screen.table)
        assert keys(screen) == ["second"]
        await press(app, "escape")
        await until(lambda: len(keys(screen)) == 3)
        assert screen.selected == "second"
        assert line.value == ""
        assert status(app) == ""


async def test_answers_are_searched_too(app: MiroEdge) -> None:
    async with shown(app):
        screen = await runs_screen(app)
        screen.query_one("#search", Input).value = "portsmouth"
        await until(lambda: "3 runs have" in status(app))


async def test_no_runs_are_said_to_be_none(place: Home) -> None:
    app = scripted(place)
    async with shown(app):
        screen = await runs_screen(app)
        await until(lambda: status(app) == RunsScreen.EMPTY)
        await press(app, "enter", "d", "r", "w", "f2")
        await until(lambda: app.current_mode == "research")
        await ask(app)
        await answered(app)
        await press(app, "f3")
        await until(lambda: len(keys(screen)) == 1)
        assert status(app) == ""
    app.close()


async def test_the_cursor_stays_on_its_run_when_another_is_new(app: MiroEdge) -> None:
    async with shown(app):
        screen = await runs_screen(app)
        await press(app, "down", "f2")
        await until(lambda: app.current_mode == "research")
        await ask(app)
        await answered(app)
        await press(app, "f3")
        await until(lambda: len(keys(screen)) == 4)
        assert screen.selected == "second"


HOLDER = """
import sys
from pathlib import Path
from edge_agent.runs import RunStore
store = RunStore(Path(sys.argv[1]))
with store._working_on(sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


async def test_a_run_that_another_process_works_on_is_let_alone(
    app: MiroEdge, history: Home
) -> None:
    command = [sys.executable, "-c", HOLDER, str(history.runs), "third"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        async with shown(app):
            screen = await runs_screen(app)
            await press(app, "d")
            await until(lambda: "Another process is working on the run third" in status(app))
            assert "third" in keys(screen)
            await press(app, "r")
            await dialog(app)
            await press(app, "enter")
            await until(lambda: app.current_mode == "research")
            await answered(app)
            await until(lambda: "Another process is working on the run third" in status(app))
        other.communicate()


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_long_texts_of_any_script_leave_the_table_whole(
    app: MiroEdge, history: Home, recorded: Recorded, size: tuple[int, int]
) -> None:
    for name, question in (("cjk", CJK), ("rtl", HEBREW), ("raw", CLEAR), ("flat", "a\nb\tc\r")):
        store_run(history, renamed(recorded[0], name, question=question))
    async with shown(app, size):
        screen = await runs_screen(app)
        await until(lambda: len(keys(screen)) == 7)
        table: DataTable[object] = screen.query_one("#table", DataTable)
        most = size[0] // 3
        assert all(column.get_render_width(table) <= most + 2 for column in table.ordered_columns)
        assert cell(screen, "cjk", "question").endswith("…")
        assert cell(screen, "flat", "question") == "a b c"
        drawn = picture(app.screen)
        assert "\x1b" not in drawn
        assert "\u202e" not in drawn
        assert "\\u{1b}[2J" in cell(screen, "raw", "question")
        await press(app, "enter")
        await reads(app, "Portsmouth")
        assert page(app)


async def test_cells_fit_again_when_the_terminal_grows(app: MiroEdge, recorded: Recorded) -> None:
    store_run(app.home, renamed(recorded[0], "cjk", question=CJK))
    async with shown(app, (80, 24)) as pilot:
        screen = await runs_screen(app)
        before = len(cell(screen, "cjk", "question"))
        await pilot.resize_terminal(200, 60)
        await until(lambda: len(cell(screen, "cjk", "question")) > before)
        assert screen.selected == "cjk"
