"""Models: every key, over a catalogue of small files and over the smallest real model."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted_app import (
    SIZES,
    answered,
    ask,
    cell,
    choose,
    dialog,
    go_to_row,
    hold,
    hold_pulls,
    keys,
    notified,
    picture,
    press,
    refused,
    shown,
)
from waiting import until

from edge_agent.models import EngineSettings, ModelStore, TunedSettings, tuning
from edge_agent.models.catalog import Catalog, CatalogEntry, CatalogFile, FileSource
from edge_agent.models.tuning import Trial
from edge_agent.tui import models_screen as module
from edge_agent.tui.app import MiroEdge
from edge_agent.tui.models_screen import ModelsScreen
from edge_agent.tui.workbench import PULL_LEFT

BYTES = b"not a real model " * 1000
REAL = "smollm2-135m"


def entry(name: str, path: Path, profile: str = "generic", wrong: bool = False) -> CatalogEntry:
    digest = "0" * 64 if wrong else hashlib.sha256(BYTES).hexdigest()
    source = FileSource(kind="file", path=str(path))
    file = CatalogFile(name="bits.bin", bytes=len(BYTES), sha256=digest, sources=(source,))
    title = f"The {name} \x1b[31mmodel\u202e"
    return CatalogEntry(name=name, title=title, licence="MIT", profile=profile, files=(file,))


@pytest.fixture
def catalog(app: MiroEdge, tmp_path: Path) -> Catalog:
    """Four models on a stick: a good one, one for searching, one that is not there, a wrong one."""
    stick = tmp_path / "stick.bin"
    stick.write_bytes(BYTES)
    models = (
        entry("bits", stick),
        entry("searcher", stick, profile=""),
        entry("missing", tmp_path / "none.bin"),
        entry("wrong", stick, wrong=True),
    )
    catalog = Catalog(default="bits", embedder="searcher", models=models)
    app.models = ModelStore(app.home.models, catalog)
    app.change_asking(model=None)
    return catalog


@pytest.fixture
def real(app: MiroEdge, smollm2: Path) -> str:
    """The smallest real model in the home's own store, its files linked."""
    folder = app.home.models / REAL
    folder.mkdir(parents=True)
    for file in smollm2.parent.iterdir():
        if file.suffix == ".gguf":
            os.link(file, folder / file.name)
        elif file.name == "model.json":
            (folder / file.name).write_bytes(file.read_bytes())
    return REAL


async def models_screen(app: MiroEdge, at: str = "bits") -> ModelsScreen:
    """Go to the models, and to one of them."""
    return await go_to_row(app, "f5", ModelsScreen, at)


@pytest.mark.parametrize("size", SIZES)
async def test_models_are_listed(app: MiroEdge, catalog: Catalog, size: tuple[int, int]) -> None:
    async with shown(app, size):
        screen = await models_screen(app)
        assert keys(screen) == ["bits", "searcher", "missing", "wrong"]
        assert [cell(screen, "bits", c) for c in ("in use", "here", "fits", "licence")] == [
            *("yes", "no", "yes", "MIT"),
        ]
        assert cell(screen, "wrong", "in use") == "no"
        assert "\\u{1b}[31m" in cell(screen, "bits", "what")
        assert "\x1b" not in picture(screen)
        assert app.focused is screen.table


async def test_what_does_not_fit_is_said(
    app: MiroEdge, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "free_memory", lambda: -10_000_000)
    async with shown(app):
        screen = await models_screen(app)
        assert cell(screen, "bits", "fits") == "no, 10 MB too few"


async def test_a_model_is_used(app: MiroEdge, catalog: Catalog) -> None:
    async with shown(app):
        screen = await models_screen(app, "wrong")
        await press(app, "enter")
        await until(lambda: "Questions are answered by wrong." in screen.said)
        assert "pulled when it is first needed" in screen.said
        assert app.config.ask.model == "wrong"
        assert cell(screen, "wrong", "in use") == "yes"
        assert cell(screen, "bits", "in use") == "no"
        screen.point_at("searcher")
        await press(app, "enter")
        await until(lambda: "writes no answers" in screen.said)
        assert app.config.ask.model == "wrong"


async def test_a_model_from_elsewhere_is_listed(app: MiroEdge) -> None:
    async with shown(app):
        screen = await models_screen(app, "http://127.0.0.1:9/v1#scripted")
        name = str(screen.selected)
        assert cell(screen, name, "in use") == "yes"
        await press(app, "p")
        await until(lambda: "Only the models of the catalogue" in screen.said)
        await press(app, "d")
        await until(lambda: "There is nothing of" in screen.said)
        await press(app, "t")
        await until(lambda: "is not on this machine" in screen.said)
        await press(app, "v")
        await until(lambda: "models list" in screen.said)


async def test_a_model_is_pulled_and_checked_and_deleted(app: MiroEdge, catalog: Catalog) -> None:
    async with shown(app):
        screen = await models_screen(app)
        await press(app, "p")
        await until(lambda: screen.said.startswith("bits is here, checked"))
        assert cell(screen, "bits", "here") == "yes"
        screen.say("")
        await press(app, "p")
        await until(lambda: screen.said.startswith("bits is here, checked"))
        await press(app, "v")
        await until(lambda: screen.said == "bits is what it was when it was checked before.")
        await press(app, "t")
        await until(lambda: "there is nothing to tune" in screen.said)
        for leave in ("enter", "escape"):
            await press(app, "d")
            await dialog(app)
            await press(app, leave)
            await until(lambda: app.focused is screen.table)
        assert cell(screen, "bits", "here") == "yes"
        await press(app, "d")
        await choose(app, 1)
        await until(lambda: "'bits' is deleted, and still in use" in screen.said)
        assert cell(screen, "bits", "here") == "no"
        assert app.focused is screen.table
        await press(app, "delete")
        await until(lambda: "There is nothing of bits" in screen.said)


@pytest.mark.parametrize(("name", "why"), [("missing", "no file"), ("wrong", "SHA-256 differs")])
async def test_a_pull_that_fails_says_why(
    app: MiroEdge, catalog: Catalog, name: str, why: str
) -> None:
    async with shown(app):
        screen = await models_screen(app, name)
        await press(app, "p")
        await until(lambda: why in screen.said)
        assert cell(screen, name, "here") == "in part"
        await press(app, "d")
        await choose(app, 1)
        await until(lambda: screen.said == f"The model '{name}' is deleted.")
        assert cell(screen, name, "here") == "no"


async def test_a_pull_is_stopped_and_gone_on_with(
    app: MiroEdge, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = hold_pulls(module, monkeypatch)
    async with shown(app):
        screen = await models_screen(app)
        await press(app, "p")
        await until(lambda: "bits.bin: " in screen.said)
        await press(app, "v", "d")
        await until(lambda: refused(app) == 2)
        await press(app, "x")
        await until(lambda: screen.said == "Stopping")
        free.set()
        await until(lambda: screen.said == f"Stopped. {PULL_LEFT}")
        assert cell(screen, "bits", "here") == "in part"
        free.clear()
        await press(app, "p")
        await until(lambda: screen.busy)
        await press(app, "f2")
        await until(lambda: app.current_mode == "research")
        free.set()
        await notified(app, "bits is here")
        await press(app, "f5")
        await until(lambda: app.screen is screen)
        assert cell(screen, "bits", "here") == "yes"
        assert screen.said.startswith("bits is here")


async def test_a_measurement_that_is_stopped_changes_nothing(
    app: MiroEdge, real: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, free = threading.Event(), threading.Event()

    def tried(*_: object) -> Iterator[Trial]:
        begun.set()
        assert free.wait(30)
        yield Trial("defaults", EngineSettings(), 10.0, 10.0)
        yield Trial("weights repacked", EngineSettings(repack=True), 20.0, 20.0)

    monkeypatch.setattr(tuning, "tune", tried)
    async with shown(app):
        screen = await models_screen(app, real)
        await press(app, "t")
        await until(begun.is_set)
        await press(app, "x")
        await until(lambda: screen.said == "Stopping")
        free.set()
        await until(lambda: screen.said.startswith("Stopped. The settings are as they were"))
        assert not app.home.tuning.exists()


async def test_a_file_that_was_changed_is_found_out(app: MiroEdge, catalog: Catalog) -> None:
    async with shown(app):
        screen = await models_screen(app)
        await press(app, "p")
        await until(lambda: screen.said.startswith("bits is here"))
        (app.home.models / "bits" / "bits.bin").write_bytes(b"changed")
        await press(app, "f2", "f5")
        await until(lambda: cell(screen, "bits", "fits") == "cannot be used: v says why")
        await press(app, "v")
        await until(lambda: "is not the file that was checked before" in screen.said)
        assert cell(screen, "bits", "here") == "in part"


async def test_a_real_model_is_checked_used_and_deleted(
    app: MiroEdge, real: str, monkeypatch: pytest.MonkeyPatch, smollm2: Path
) -> None:
    let_go: list[bool] = []
    monkeypatch.setattr(app.workbench, "let_go", lambda: let_go.append(True))
    async with shown(app):
        screen = await models_screen(app, real)
        assert cell(screen, real, "here") == "yes"
        await press(app, "v")
        await until(lambda: "is what it was" in screen.said, 60)
        await press(app, "enter")
        await until(lambda: screen.said == f"Questions are answered by {real}.")
        await press(app, "d")
        await choose(app, 1)
        await until(lambda: "is deleted" in screen.said)
        assert let_go == [True]
        assert not (app.home.models / real).exists()
        assert smollm2.exists()


async def test_no_model_is_deleted_or_measured_under_a_run(app: MiroEdge, real: str) -> None:
    held = hold(app)
    async with shown(app):
        await ask(app)
        await until(held.reached.is_set)
        screen = await models_screen(app, real)
        for key in ("d", "t"):
            screen.say("")
            await press(app, key)
            await until(lambda: screen.said.startswith("A run goes on"))
        assert len(app.screen_stack) == 1
        held.free.set()
        await answered(app)


@pytest.mark.slow
async def test_a_real_model_is_tuned(
    app: MiroEdge, real: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TUNING", 1.0)
    async with shown(app):
        screen = await models_screen(app, real)
        await press(app, "t")
        await until(lambda: "is tuned" in screen.said, 300)
        model = app.models.find(real)
        assert model is not None
        assert TunedSettings(app.home.tuning).find(model) is not None
