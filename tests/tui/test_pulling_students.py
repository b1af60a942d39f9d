"""Students in the interface: pulled over their base, and the smaller one where memory is short."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted_app import ScriptedBench, cell, choose, dialog, press, scripted, shown
from students import TINY_SHAPES, students_catalog
from test_models_screen import models_screen
from textual.widgets import Label
from tiny_models import write_llama
from waiting import until

from edge_agent import provisioning
from edge_agent.config import load_config, save_config
from edge_agent.home import Home
from edge_agent.models import Catalog, ModelStore, store
from edge_agent.runs import RunStore
from edge_agent.tui.app import MiroEdge
from edge_agent.tui.plain import Conversation
from edge_agent.tui.title_bar import TitleBar

NOTE = "1.0 GB of memory are free, and student is for 2.0 GB or more: small answers instead."


@pytest.fixture
def catalog(place: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """A base and two students, of which nothing is here; no model is set."""
    base = write_llama(tmp_path / "base.gguf")
    catalog = students_catalog(
        tmp_path / "adapters", base, shapes=TINY_SHAPES, small_memory=2 * 10**9
    )
    monkeypatch.setattr(store, "load_catalog", lambda: catalog)
    config = load_config(place.config)
    ask = config.ask.model_copy(update={"model": None, "offline": False})
    save_config(config.model_copy(update={"ask": ask}), place.config)
    return catalog


@pytest.fixture
def app(catalog: Catalog, place: Home) -> MiroEdge:
    return scripted(place)


def free(monkeypatch: pytest.MonkeyPatch, gigabytes: int) -> None:
    monkeypatch.setattr(provisioning, "free_memory", lambda: gigabytes * 10**9)


async def test_a_student_is_pulled_and_its_base_is_not_deleted_unawares(
    app: MiroEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 4)
    async with shown(app):
        screen = await models_screen(app, "student")
        assert not app._notifications
        assert cell(screen, "student", "in use") == "yes"
        await press(app, "p")
        await until(lambda: screen.said.startswith("student is here, checked"))
        assert [cell(screen, each, "here") for each in ("base", "student", "small")] == [
            *("yes", "yes", "no"),
        ]
        await press(app, "v")
        await until(lambda: screen.said.startswith("student is what it was"))
        screen.point_at("base")
        await press(app, "d")
        await dialog(app)
        asked = str(app.screen.query_one(".question", Label).content)
        assert "It is the base of student, which cannot be used without it." in asked
        await choose(app, 1)
        await until(lambda: "'base' is deleted" in screen.said)
        assert cell(screen, "student", "here") == "in part"


async def test_where_memory_is_short_the_small_one_answers(
    app: MiroEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 1)
    async with shown(app):
        assert [each.message for each in app._notifications] == [
            f"{NOTE} Name student to use it all the same."
        ]
        assert "small over ships" in str(app.screen.query_one(TitleBar).content)
        free(monkeypatch, 4)  # what was chosen once stays: it may be loaded
        screen = await models_screen(app, "student")
        assert [cell(screen, each, "in use") for each in ("student", "small")] == ["no", "yes"]
        await press(app, "enter")
        await until(lambda: "Questions are answered by student." in screen.said)


def test_so_it_does_line_by_line(
    catalog: Catalog,
    place: Home,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    free(monkeypatch, 1)
    runs = RunStore(place.runs)
    talk = Conversation(place, runs, ScriptedBench(place), load_config(place.config))
    talk.greet()
    assert NOTE in capsys.readouterr().out
    talk.take("/models")
    assert "small, not here, in use: Student" in capsys.readouterr().out
    talk.take("/set ask.model student")
    talk.greet()
    assert NOTE not in capsys.readouterr().out
    runs.close()


def test_what_is_missing_is_pulled_where_it_may_be(
    catalog: Catalog, place: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 1)
    bench, models = ScriptedBench(place), ModelStore(place.models)
    assert bench.default_model(models, offline=True).name == "student"
    assert ScriptedBench(place).default_model(models, offline=False).name == "small"
