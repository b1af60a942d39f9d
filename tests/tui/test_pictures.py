"""What every screen looks like, in two sizes and two themes; the pictures are beside this file.

After a change that is meant to be seen, make them anew and look at them:
`scripts/test tests/tui/test_pictures.py --snapshot-update`
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted_app import Recorded, press, store_run
from textual.pilot import Pilot
from textual.widgets import Input, OptionList
from waiting import until

from edge_agent.config import AskSettings, Config, InterfaceSettings, changed, save_config
from edge_agent.events import RunStarted
from edge_agent.evidence import Exhibit
from edge_agent.home import Home
from edge_agent.index import Library, Shelf, Statistics
from edge_agent.tui import library_work, models_screen
from edge_agent.tui.app import MiroEdge
from edge_agent.tui.reader import Reader

SIZES = [(80, 24), (120, 36)]
THEMES = ["dark", "light"]
Scene = Callable[[MiroEdge], Awaitable[None]]


@pytest.fixture
def of_greenwich() -> Iterator[None]:
    """Have it be the time of Greenwich, for the C library too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def home(
    tmp_path: Path, recorded: Recorded, monkeypatch: pytest.MonkeyPatch, of_greenwich: None
) -> Home:
    """A home with two stored runs and a library; what differs between machines is made equal."""
    home = Home(tmp_path / "home")
    events, _ = recorded
    store_run(home, events)
    started = events[0]
    assert isinstance(started, RunStarted)
    store_run(home, [replace(started, run="older", question="他の質問: أين ولد المهندس؟")])
    with sqlite3.connect(home.runs) as database:
        database.execute("update runs set started = '2026-11-25T12:00:00+00:00'")
    documents = tmp_path / "ships"
    documents.mkdir()
    (documents / "fram.md").write_text("# Fram\n\nThe Fram was designed by Colin Archer.")
    Shelf(home.libraries).add("ships", [documents])
    statistics = Library.statistics

    def equal(library: Library) -> Statistics:
        return replace(statistics(library), sources=("/library/ships",), bytes=123_456)

    monkeypatch.setattr(Library, "statistics", equal)
    search = library_work.search

    def searched(*arguments: Any) -> tuple[str, tuple[Exhibit, ...]]:
        text, found = search(*arguments)
        return text, tuple(map(_moved, found))

    monkeypatch.setattr(library_work, "search", searched)
    monkeypatch.setattr(models_screen, "free_memory", lambda: 2_000_000_000)
    return home


def _moved(exhibit: Exhibit) -> Exhibit:
    return replace(exhibit, passage=replace(exhibit.passage, source="/library/ships/fram.md"))


def application(home: Home, theme: str) -> MiroEdge:
    looks = changed(Config(ask=AskSettings(offline=True)), "tui.theme", theme)
    quiet = looks.model_copy(update={"tui": InterfaceSettings(theme=looks.tui.theme, motion=False)})
    save_config(quiet, home.config)
    return MiroEdge(home)


async def drawn(app: MiroEdge, text: str) -> None:
    """Wait until the reader shows a text and has drawn it."""
    reader = app.research.query_one("#reader", Reader)
    await until(lambda: text in reader.page and reader.is_drawn)


async def an_answer(app: MiroEdge) -> None:
    await app.open_run(app.store.list()[-1].id)
    await drawn(app, "Portsmouth")


async def in_the_middle(app: MiroEdge) -> None:
    """A run that is played up to its second result."""
    await an_answer(app)
    app.research.action_pause()
    evidence = app.research.query_one("#evidence", OptionList)
    for _ in range(100):  # more steps than the run has
        if evidence.option_count >= 8:
            break
        app.research.action_step()
    assert evidence.option_count >= 8
    await drawn(app, "Step 2")


async def a_step(app: MiroEdge) -> None:
    await an_answer(app)
    await press(app, "home", "enter")
    await drawn(app, "### Step 1")


async def a_passage(app: MiroEdge) -> None:
    await an_answer(app)
    await press(app, "6")
    await drawn(app, "### \\[6\\]")


async def nothing_yet(app: MiroEdge) -> None:
    await drawn(app, "Type a question")


async def runs(app: MiroEdge) -> None:
    await app.switch_mode("runs")


async def libraries(app: MiroEdge) -> None:
    await app.switch_mode("libraries")
    app.screen.table.move_cursor(row=1)  # type: ignore[attr-defined]
    line = app.screen.query_one("#search", Input)
    line.cursor_blink = False  # when the picture is taken depends on the machine
    line.focus()
    line.value = "Who designed the Fram?"
    await press(app, "enter")
    found = app.screen.query_one("#found", Reader)
    await until(lambda: "Colin Archer" in found.page and found.is_drawn)


async def models(app: MiroEdge) -> None:
    await app.switch_mode("models")


async def settings(app: MiroEdge) -> None:
    await app.switch_mode("settings")
    await until(lambda: app.screen.is_current)
    app.screen.say("Kept in ~/.local/share/miro-edge/config.toml")  # type: ignore[attr-defined]


async def keys(app: MiroEdge) -> None:
    await press(app, "f1")
    await until(lambda: len(app.screen_stack) > 1)


async def a_choice(app: MiroEdge) -> None:
    await an_answer(app)
    await press(app, "w")
    await until(lambda: len(app.screen_stack) > 1)


SCENES: list[Scene] = [
    *(nothing_yet, an_answer, in_the_middle, a_step, a_passage),
    *(runs, libraries, models, settings, keys, a_choice),
]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x36"])
@pytest.mark.parametrize("scene", SCENES, ids=[scene.__name__ for scene in SCENES])
def test_a_screen(
    scene: Scene, size: tuple[int, int], theme: str, home: Home, snap_compare: Any
) -> None:
    async def show(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, MiroEdge)
        await pilot.pause()
        await scene(app)
        await pilot.pause()

    assert snap_compare(application(home, theme), terminal_size=size, run_before=show)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x36"])
def test_the_first_start(
    size: tuple[int, int], theme: str, tmp_path: Path, snap_compare: Any
) -> None:
    app = MiroEdge(Home(tmp_path / "empty"))

    async def show(pilot: Pilot[None]) -> None:
        app.theme = theme
        await until(lambda: len(app.screen_stack) > 1)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=show)
