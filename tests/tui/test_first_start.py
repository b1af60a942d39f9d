"""The first start: three steps, each of which can be taken, stopped, failed, or left for later."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scripted_app import (
    SIZES,
    dialog,
    hold_pulls,
    press,
    prompted,
    scripted,
    shown,
    store_run,
    write,
)
from test_models_screen import BYTES, entry
from textual.widgets import Input, Label, OptionList
from waiting import until

from edge_agent.events import Event
from edge_agent.home import Home
from edge_agent.index import IndexProgress
from edge_agent.models import ModelStore
from edge_agent.models.catalog import Catalog
from edge_agent.tui import library_work
from edge_agent.tui import welcome_screen as module
from edge_agent.tui.app import MiroEdge
from edge_agent.tui.dialogs import ChoiceDialog
from edge_agent.tui.welcome_screen import WelcomeScreen
from edge_agent.tui.workbench import PULL_LEFT, ReportProgress


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MiroEdge]:
    """The interface over nothing at all; the models lie on a stick."""
    stick = tmp_path / "stick.bin"
    stick.write_bytes(BYTES)
    home = Home(tmp_path / "empty")
    models = (entry("qwen2.5-coder-1.5b", stick), entry("searcher", stick, profile=""))
    app = scripted(home)
    app.models = ModelStore(
        home.models, Catalog(default=models[0].name, embedder="searcher", models=models)
    )
    yield app
    app.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "My papers"
    folder.mkdir()
    (folder / "fram.md").write_text("# Fram\n\nThe Fram was designed by Colin Archer.")
    return folder


async def welcome(app: MiroEdge) -> OptionList:
    await dialog(app)
    assert isinstance(app.screen, WelcomeScreen)
    return app.screen.query_one(OptionList)


def said(app: MiroEdge) -> str:
    found = app.screen.query("#progress")
    return str(found.first(Label).content) if found else ""


def option(options: OptionList, name: str) -> str:
    return str(options.get_option(name).prompt)


async def take(app: MiroEdge, options: OptionList, name: str) -> None:
    options.highlighted = options.get_option_index(name)
    await press(app, "enter")


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_is_there_yet(app: MiroEdge, size: tuple[int, int]) -> None:
    async with shown(app, size):
        options = await welcome(app)
        assert "pull qwen2.5-coder-1.5b" in option(options, "model")
        assert "MIT" in option(options, "model")
        assert options.get_option("question").disabled
        assert options.get_option("example").disabled
        assert app.screen.region.contains_region(app.screen.query_one(".dialog").region)
        await press(app, "escape")
        await until(lambda: len(app.screen_stack) == 1)
        assert app.focused is app.research.query_one("#line")


async def test_where_something_is_there_nothing_is_asked(
    app: MiroEdge, recorded: tuple[tuple[Event, ...], tuple[float, ...]]
) -> None:
    store_run(app.home, recorded[0])
    async with shown(app):
        assert len(app.screen_stack) == 1


async def test_the_model_is_pulled_and_the_embedder_with_it(app: MiroEdge) -> None:
    async with shown(app):
        options = await welcome(app)
        await take(app, options, "model")
        await until(lambda: said(app) == "The model is here, checked.")
        assert {*app.models.names()} == {"qwen2.5-coder-1.5b", "searcher"}
        assert "is here" in option(options, "model")
        assert options.get_option("model").disabled


async def test_a_folder_becomes_the_library(app: MiroEdge, folder: Path) -> None:
    async with shown(app):
        options = await welcome(app)
        await take(app, options, "library")
        await write(app, "")
        await until(lambda: "nothing at that path" in str(app.screen.query_one("#said").content))  # type: ignore[attr-defined]
        await write(app, str(folder))
        await until(lambda: said(app).startswith("My-papers: "))
        assert app.config.ask.libraries == ("My-papers",)
        assert "My-papers is in use" in option(options, "library")
        await take(app, options, "library")
        await write(app, str(folder))
        await until(lambda: "0 files added" in said(app))
        assert app.config.ask.libraries == ("My-papers",)
        await take(app, options, "library")
        await prompted(app)
        await press(app, "escape")
        await until(lambda: isinstance(app.screen, WelcomeScreen))


@pytest.mark.parametrize(("name", "line"), [("question", ""), ("example", module._EXAMPLE)])
async def test_the_question_is_put_into_the_line(app: MiroEdge, name: str, line: str) -> None:
    async with shown(app):
        options = await welcome(app)
        await take(app, options, "model")
        await until(lambda: said(app) == "The model is here, checked.")
        await take(app, options, name)
        await until(lambda: len(app.screen_stack) == 1)
        assert app.research.query_one("#line", Input).value == line
        await until(lambda: app.focused is app.research.query_one("#line"))


async def test_a_pull_that_fails_says_why(app: MiroEdge, tmp_path: Path) -> None:
    (tmp_path / "stick.bin").unlink()
    async with shown(app):
        options = await welcome(app)
        await take(app, options, "model")
        await until(lambda: "there is no file" in said(app))
        assert "pull qwen" in option(options, "model")
        assert not options.get_option("model").disabled


async def test_an_empty_folder_changes_nothing(app: MiroEdge, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    async with shown(app):
        options = await welcome(app)
        await take(app, options, "library")
        await write(app, str(tmp_path / "nothing"))
        await until(lambda: "Nothing that can be read" in said(app))
        assert app.config.ask.libraries == ("sample",)


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Pulls wait when they have begun, until the event."""
    return hold_pulls(module, monkeypatch)


async def test_escape_stops_what_is_being_done_and_then_leaves(
    app: MiroEdge, free: threading.Event
) -> None:
    async with shown(app):
        options = await welcome(app)
        await take(app, options, "model")
        await until(lambda: "Escape stops it" in said(app))
        await take(app, options, "library")
        await until(lambda: said(app).startswith("Something is being done already"))
        await press(app, "escape")
        await until(lambda: said(app).startswith("Stopping"))
        free.set()
        await until(lambda: said(app).startswith("Stopped."))
        assert isinstance(app.screen, WelcomeScreen)
        await press(app, "escape")
        await until(lambda: len(app.screen_stack) == 1)


async def test_leaving_asks_while_something_is_done(app: MiroEdge, free: threading.Event) -> None:
    async with shown(app):
        options = await welcome(app)
        await take(app, options, "model")
        await until(lambda: "Escape stops it" in said(app))
        await press(app, "ctrl+q")
        await until(lambda: isinstance(app.screen, ChoiceDialog))
        question = str(app.screen.query_one(".question", Label).content)
        assert question == f"Pulling the model goes on. {PULL_LEFT}"
        await press(app, "escape")
        await until(lambda: isinstance(app.screen, WelcomeScreen))
        free.set()
        await until(lambda: said(app) == "The model is here, checked.")


async def test_what_was_stopped_here_is_waited_for_at_the_end(
    app: MiroEdge, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, free = threading.Event(), threading.Event()

    def slow(report: ReportProgress) -> Callable[[IndexProgress], None]:
        def held(progress: IndexProgress) -> None:
            begun.set()
            assert free.wait(30)
            report(progress.doing)

        return held

    monkeypatch.setattr(library_work, "indexing", slow)
    async with shown(app):
        options = await welcome(app)
        await take(app, options, "library")
        await write(app, str(folder))
        await until(begun.is_set)
        await press(app, "escape", "escape")
        await until(lambda: len(app.screen_stack) == 1)
        await press(app, "ctrl+q")
        await until(lambda: not app.is_running)
    threading.Timer(0.2, free.set).start()
    app.close()
    assert list(app.home.libraries.iterdir()) == []


async def test_who_cannot_wait_for_the_stop_leaves_too(
    app: MiroEdge, free: threading.Event
) -> None:
    async with shown(app):
        options = await welcome(app)
        await take(app, options, "model")
        await until(lambda: "Escape stops it" in said(app))
        await press(app, "escape", "escape")
        await until(lambda: len(app.screen_stack) == 1)
        free.set()
        await press(app, "f5")
        await until(lambda: app.current_mode == "models")
