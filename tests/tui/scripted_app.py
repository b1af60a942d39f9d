"""The interface with a model that follows a script, and what its tests share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, TypeAlias, TypeVar

import pytest
from scripted_session import ScriptedSession
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static
from waiting import until

from edge_agent.events import Event
from edge_agent.home import Home
from edge_agent.models import AnySession, InstalledModel, RemoteModel
from edge_agent.runs import RunStore
from edge_agent.tui.app import MiroEdge
from edge_agent.tui.dialogs import ChoiceDialog
from edge_agent.tui.reader import Reader
from edge_agent.tui.table_screen import TableScreen
from edge_agent.tui.trajectory_tree import TrajectoryTree
from edge_agent.tui.workbench import Loading, ReportProgress, Workbench

QUESTION = "Where was the designer of the Fram born?"
SCRIPT = (
    *("designed by Colin Archer", "Missing:", " birthplace\n", ">search<"),
    *("born in Larvik", "I have what I need."),
    "Larvik}",
)
SIZES = [(80, 24), (200, 60)]
"""A small terminal and a large one."""

Recorded: TypeAlias = tuple[tuple[Event, ...], tuple[float, ...]]
"""The events of a run, and when each was stored."""

AnyScreen = TypeVar("AnyScreen", bound=Screen[None])
AnyTable = TypeVar("AnyTable", bound=TableScreen)


@dataclass
class ScriptedBench(Workbench):
    """A workbench whose model follows a script; libraries and runs are real."""

    home: Home
    scripts: list[list[str]] = field(default_factory=lambda: [list(SCRIPT)])
    before_line: Callable[[str], None] = lambda line: None
    opened: int = 0
    loading: Loading | None = None
    """How the model was to be loaded last."""

    def __post_init__(self) -> None:
        super().__init__(self.home)

    def model(
        self, name: str, report: ReportProgress, *, offline: bool
    ) -> InstalledModel | RemoteModel:
        return RemoteModel("http://127.0.0.1:9/v1", "scripted")

    def session(self, model: InstalledModel | RemoteModel, loading: Loading) -> AnySession:
        self.opened += 1
        self.loading = loading
        script = self.scripts.pop(0) if self.scripts else []
        return ScriptedSession(script=script, before_line=self.before_line)


class Hold:
    """Stops a scripted model before a line that has some words in it, until it is let go."""

    def __init__(self, words: str) -> None:
        self._words = words
        self.reached = threading.Event()
        self.free = threading.Event()

    def __call__(self, line: str) -> None:
        if self._words in line:
            self.reached.set()
            assert self.free.wait(30)


def scripted(home: Home) -> MiroEdge:
    """Return an interface whose model follows the script."""
    app = MiroEdge(home)
    app.workbench = ScriptedBench(home)
    # In seconds: where the machine is busy a test looks late.
    app.NOTIFICATION_TIMEOUT = 600  # type: ignore[misc]
    return app


def bench(app: MiroEdge) -> ScriptedBench:
    """Return the workbench of an interface whose model follows a script."""
    assert isinstance(app.workbench, ScriptedBench)
    return app.workbench


def hold(app: MiroEdge) -> Hold:
    """Have the model wait before it writes what it looks for."""
    bench(app).before_line = held = Hold(" birthplace")
    return held


def hold_pulls(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Have the pulls of a module's screen wait when they have begun, until the event."""
    free, puller = threading.Event(), module.puller

    def slow(report: ReportProgress) -> object:
        def held(doing: str, done: int = 0, total: int | None = None) -> None:
            report(doing, done, total)
            assert free.wait(30)

        return puller(held)

    monkeypatch.setattr(module, "puller", slow)
    return free


@asynccontextmanager
async def shown(app: MiroEdge, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[None]]:
    """Show the interface in a terminal of that size."""
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot


async def press(app: MiroEdge, *keys: str) -> None:
    """Press keys as they come from a terminal.

    Not `Pilot.press`: it waits for widgets that a streamed page has replaced meanwhile.
    """
    for key in keys:
        app.simulate_key(key)
        await asyncio.sleep(0.02)


async def leave_line(app: MiroEdge) -> None:
    """Leave the line, so that letters are keys."""
    await press(app, "escape")
    await until(lambda: app.focused is app.research.query_one("#trajectory"))


async def dialog(app: MiroEdge) -> None:
    """Wait until a dialog is open."""
    await until(lambda: len(app.screen_stack) > 1 and app.screen.focused is not None)


async def prompted(app: MiroEdge) -> None:
    """Wait until a line of text is asked for, be it over another dialog."""
    await until(
        lambda: bool(app.screen.query("PromptDialog Input")) and app.screen.focused is not None
    )


async def write(app: MiroEdge, text: str) -> None:
    """Write the line of text that is asked for."""
    await prompted(app)
    app.screen.query_one(Input).value = text
    await press(app, "enter")


async def choose(app: MiroEdge, row: int) -> None:
    """Choose one of the things that are asked about."""
    await until(lambda: isinstance(app.screen, ChoiceDialog) and app.screen.focused is not None)
    app.screen.query_one(OptionList).highlighted = row
    await press(app, "enter")


async def notified(app: MiroEdge, text: str) -> None:
    """Wait until a notification has said something."""
    await until(lambda: any(text in each.message for each in app._notifications))


def refused(app: MiroEdge) -> int:
    """Return how often it was said that one thing is done at a time."""
    return sum("done already" in each.message for each in app._notifications)


def picture(screen: Screen[Any]) -> str:
    """Return a screen as it is drawn, as text."""
    return "\n".join(strip.text for strip in screen._compositor.render_strips())


def status(app: MiroEdge) -> str:
    """Return what the line of state says."""
    return str(app.screen.query_one("#status", Static).content)


async def ask(app: MiroEdge, question: str = QUESTION) -> None:
    """Type a question and press Enter."""
    line = app.research.query_one("#line", Input)
    line.focus()
    line.value = question
    await until(lambda: app.focused is line)
    await press(app, "enter")
    await until(lambda: line.value == "")


async def answered(app: MiroEdge) -> None:
    """Wait until the run has ended."""
    await until(lambda: not app.research.running)


def store_run(home: Home, events: Iterable[Event]) -> None:
    """Keep a run as if it had happened here."""
    store = RunStore(home.runs)
    for _ in store.record(iter(events)):
        pass
    store.close()


def page(app: MiroEdge) -> str:
    """Return what the reader shows."""
    return app.research.query_one("#reader", Reader).page


async def reads(app: MiroEdge, text: str) -> None:
    """Wait until the reader shows a text."""
    await until(lambda: text in page(app))


def labels(app: MiroEdge) -> list[str]:
    """Return the steps of the trajectory, as they are listed."""
    tree = app.research.query_one(TrajectoryTree)
    return [str(node.label) for node in tree.root.children]


async def go_to(app: MiroEdge, key: str, kind: type[AnyScreen]) -> AnyScreen:
    """Go to a screen by its key."""
    await press(app, key)
    await until(lambda: isinstance(app.screen, kind) and app.screen.focused is not None)
    screen = app.screen
    assert isinstance(screen, kind)
    return screen


async def go_to_row(app: MiroEdge, key: str, kind: type[AnyTable], row: str) -> AnyTable:
    """Go to a screen by its key, and there to a row of its table."""
    screen = await go_to(app, key, kind)
    await until(lambda: row in keys(screen))
    screen.point_at(row)
    return screen


def keys(screen: TableScreen) -> list[str]:
    """Return the keys of the rows of a table, in order."""
    return [str(key.value) for key in screen.table.rows]


def cell(screen: TableScreen, row: str, column: str) -> str:
    """Return a cell of a table, by the key of its row and the name of its column."""
    return str(screen.table.get_row(row)[screen.COLUMNS.index(column)])
