"""Libraries: every key over real ones: small, with problems, the sample, and a damaged one."""

from __future__ import annotations

import shutil
import threading
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
    keys,
    notified,
    picture,
    press,
    refused,
    shown,
    write,
)
from scripted_session import write_documents
from test_models_screen import entry
from textual.widgets import DataTable, Input, Label
from waiting import until

from edge_agent.home import Home
from edge_agent.index import IndexProgress, Shelf
from edge_agent.models import InstalledModel, ModelStore
from edge_agent.models.catalog import Catalog
from edge_agent.tui import library_work
from edge_agent.tui.app import MiroEdge
from edge_agent.tui.libraries_screen import LibrariesScreen
from edge_agent.tui.reader import Reader
from edge_agent.tui.table_screen import TableScreen
from edge_agent.tui.workbench import ReportProgress, indexing


async def libraries_screen(app: MiroEdge, at: str = "ships") -> LibrariesScreen:
    """Go to the libraries, and to one of them."""
    return await go_to_row(app, "f4", LibrariesScreen, at)


def found(screen: LibrariesScreen) -> str:
    return screen.query_one("#found", Reader).page


async def search_for(app: MiroEdge, screen: LibrariesScreen, query: str) -> None:
    """Search by hand."""
    line = screen.query_one("#search", Input)
    await press(app, "slash")
    await until(lambda: app.focused is line)
    line.value = query
    await press(app, "enter")


async def leave_search(app: MiroEdge, screen: LibrariesScreen) -> None:
    await press(app, "escape")
    await until(lambda: app.focused is screen.table)


async def proposed(app: MiroEdge, text: str) -> None:
    """Wait for a dialog that proposes a text."""
    await until(lambda: text in [each.value for each in app.screen.query(Input)])


async def fault(app: MiroEdge, text: str) -> None:
    await until(lambda: text in str(app.screen.query_one("#said").content))  # type: ignore[attr-defined]


@pytest.fixture
def place(place: Home, tmp_path: Path) -> Home:
    """A home as ever, but with documents that may change."""
    shutil.rmtree(place.libraries / "ships")
    Shelf(place.libraries).add("ships", [write_documents(tmp_path / "ships")])
    return place


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two documents that can be read, and one that cannot."""
    folder = tmp_path / "My papers"
    folder.mkdir()
    (folder / "kon-tiki.md").write_text("# Kon-Tiki\n\nThe Kon-Tiki was a raft of balsa wood.")
    (folder / "title.md").write_text("# \x1b[31mRed\x07 \u202etitle\n\nA zeppelin is no ship.")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nothing \x1b[2J")
    return folder


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Libraries wait when they have begun to be read, until the event."""
    free = threading.Event()

    def held(report: ReportProgress) -> object:
        take = indexing(report)

        def wait(progress: IndexProgress) -> None:
            take(progress)
            assert free.wait(30)

        return wait

    monkeypatch.setattr("edge_agent.tui.library_work.indexing", held)
    return free


@pytest.mark.parametrize("size", SIZES)
async def test_libraries_and_the_sample_are_listed(app: MiroEdge, size: tuple[int, int]) -> None:
    async with shown(app, size):
        screen = await libraries_screen(app)
        assert keys(screen) == ["sample", "ships"]
        assert cell(screen, "sample", "from") == "made when it is first asked"
        assert cell(screen, "sample", "in use") == "no"
        assert [cell(screen, "ships", c) for c in ("in use", "documents", "problems")] == [
            *("yes", "3", "0"),
        ]
        assert app.focused is screen.table


async def test_enter_uses_a_library_or_no_longer(app: MiroEdge) -> None:
    async with shown(app):
        screen = await libraries_screen(app)
        await press(app, "enter")
        await until(lambda: screen.said.startswith("At least one library has to be in use"))
        screen.point_at("sample")
        await press(app, "enter")
        await until(lambda: screen.said == "Questions are asked of ships, sample.")
        assert cell(screen, "sample", "in use") == "yes"
        screen.point_at("ships")
        await press(app, "enter")
        await until(lambda: screen.said == "Questions are asked of sample.")
        assert app.config.ask.libraries == ("sample",)
        assert cell(screen, "ships", "in use") == "no"


async def test_a_library_by_path_is_listed_and_can_be_taken_out(
    app: MiroEdge, tmp_path: Path
) -> None:
    gone, ships = str(tmp_path / "gone"), str(tmp_path / "ships")
    app.change_asking(libraries=("ships", gone, ships))
    async with shown(app):
        screen = await libraries_screen(app, gone)
        assert cell(screen, gone, "from") == "not there: Enter takes it out"
        assert cell(screen, ships, "from") == "made when it is first asked"
        await press(app, "o")
        await until(lambda: "has not been made yet" in screen.said)
        await press(app, "u")
        await until(lambda: "There is no library" in screen.said)
        await press(app, "enter")
        await until(lambda: gone not in keys(screen))
        screen.point_at(ships)
        await press(app, "u")
        await until(lambda: "is up to date" in screen.said)
        assert len(keys(screen)) == 4


async def test_a_search_shows_what_the_agent_would_see(app: MiroEdge) -> None:
    async with shown(app):
        screen = await libraries_screen(app)
        await search_for(app, screen, "  who designed the Fram? ")
        await until(lambda: "What the model would read" in found(screen))
        await until(lambda: " of ships. Tab goes" in screen.said)
        assert "Colin Archer" in found(screen)
        await press(app, "tab")
        await until(lambda: app.focused is screen.query_one("#found"))
        await press(app, "escape")
        await until(lambda: app.focused is screen.table)


@pytest.mark.parametrize("set_as", ["ask.profile", "the model's own"])
async def test_a_search_by_hand_is_led_as_questions_are(
    app: MiroEdge, tmp_path: Path, set_as: str
) -> None:
    profile = tmp_path / "one.toml"
    profile.write_text('based_on = "generic"\n\n[gathering]\nresults = 1\n')
    if set_as == "ask.profile":
        app.change_asking(profile=str(profile))
    else:
        own = entry("own", tmp_path / "none.bin", profile=str(profile))
        catalog = Catalog(default="own", embedder="none", models=(own,))
        app.models = ModelStore(app.home.models, catalog)
        app.change_asking(model="own")
    async with shown(app):
        screen = await libraries_screen(app)
        await search_for(app, screen, "Colin Archer, the Fram and the Gjøa")
        await until(lambda: screen.said.startswith("1 passage"))


async def test_nothing_is_found_and_nothing_is_searched_for(app: MiroEdge) -> None:
    async with shown(app):
        screen = await libraries_screen(app)
        await search_for(app, screen, "  ")
        assert screen.said == ""
        await leave_search(app, screen)
        await search_for(app, screen, "xyzzyx")
        await until(lambda: screen.said.startswith("0 passages"))
        assert "Nothing in the library matches" in found(screen)


async def test_the_sample_is_made_when_it_is_searched(app: MiroEdge) -> None:
    async with shown(app):
        screen = await libraries_screen(app, "sample")
        await search_for(app, screen, "Great Eastern")
        await until(lambda: " of sample. Tab goes" in screen.said, 120)
        assert "Brunel" in found(screen)
        assert int(cell(screen, "sample", "documents")) > 10


async def test_a_folder_becomes_a_library(app: MiroEdge, folder: Path) -> None:
    async with shown(app):
        screen = await libraries_screen(app)
        await press(app, "a")
        await until(lambda: bool(app.screen.query("PromptDialog Input")))
        assert app.screen.query_one(Input).value == ""
        await write(app, "")
        await fault(app, "There is nothing at that path.")
        for bad in (str(folder / "none"), "~nobody-of-that-name/x", "a\0b", "x" * 5000):
            await write(app, bad)
            await fault(app, "There is nothing at that path.")
        await write(app, f" {folder} ")
        await proposed(app, "My-papers")
        for bad in ("", "..", "a/b", "-x", "Ü", "x" * 101):
            await write(app, bad)
            await fault(app, "Use letters")
        await write(app, "sample")
        await fault(app, "ships with the program")
        await write(app, "papers")
        await until(lambda: screen.said.startswith("papers: "))
        assert "1 problem: press o" in screen.said
        assert cell(screen, "papers", "problems") == "1"
        assert cell(screen, "papers", "from") == str(folder)
        assert cell(screen, "papers", "in use") == "no"
        assert app.focused is screen.table


@pytest.mark.parametrize("steps", [0, 1])
async def test_adding_is_left_with_escape(app: MiroEdge, folder: Path, steps: int) -> None:
    async with shown(app):
        screen = await libraries_screen(app)
        await press(app, "a")
        if steps:
            await write(app, str(folder))
            await proposed(app, "My-papers")
        await dialog(app)
        await press(app, "escape")
        await until(lambda: app.focused is screen.table)
        assert keys(screen) == ["sample", "ships"]
        assert not screen.busy


@pytest.mark.parametrize("row", [0, 1])
async def test_adding_to_a_library_that_exists_asks_first(
    app: MiroEdge, folder: Path, row: int
) -> None:
    async with shown(app):
        screen = await libraries_screen(app)
        await press(app, "a")
        await write(app, str(folder))
        await proposed(app, "My-papers")
        await write(app, "ships")
        await choose(app, row)
        if row == 0:
            await until(lambda: "5 documents" in screen.said)
        await until(lambda: app.focused is screen.table and not screen.busy)
        assert cell(screen, "ships", "documents") == ("5" if row == 0 else "3")


def test_a_name_is_proposed_that_the_shelf_takes(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "libraries")
    for given, proposed in (
        ("notes.v2", "notes.v2"),
        ("文書", "library"),
        ("sample", "sample-2"),
        ("-Meine Bücher-", "Meine-B-cher"),
        ("x" * 200, "x" * 60),
    ):
        folder = tmp_path / given
        folder.mkdir()
        assert library_work.name_for(shelf, folder) == proposed
        assert library_work.name_fault(proposed) is None


def test_a_folder_keeps_its_library_and_another_of_its_name_gets_a_new_one(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "libraries")
    folders = [tmp_path / "one" / "docs", tmp_path / "two" / "docs"]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "a.md").write_text("# A\n\nA text about ships.")
    shelf.add("docs", [folders[0]])
    assert [library_work.name_for(shelf, folder) for folder in folders] == ["docs", "docs-2"]


def test_no_name_is_proposed_that_differs_from_another_only_in_case(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "libraries")
    folders = [tmp_path / "one" / "docs", tmp_path / "two" / "Docs", tmp_path / "Sample"]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "a.md").write_text("# A\n\nA text about ships.")
    shelf.add("docs", [folders[0]])
    names = [library_work.name_for(shelf, folder) for folder in folders]
    assert names == ["docs", "Docs-2", "Sample-2"]
    for name, folder in zip(names, folders, strict=True):
        assert shelf.add(name, [folder]).documents == 1


async def test_a_folder_without_documents_makes_no_library(app: MiroEdge, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    async with shown(app):
        screen = await libraries_screen(app)
        await press(app, "a")
        await write(app, str(tmp_path / "empty"))
        await proposed(app, "empty")
        await press(app, "enter")
        await until(lambda: "Nothing that can be read was found" in screen.said)
        assert keys(screen) == ["sample", "ships"]


async def test_update_reads_what_is_new(app: MiroEdge, tmp_path: Path) -> None:
    async with shown(app):
        screen = await libraries_screen(app)
        (tmp_path / "ships" / "maud.md").write_text("# Maud\n\nThe Maud was built at Vollen.")
        (tmp_path / "ships" / "gjoa.md").unlink()
        await press(app, "u")
        await until(lambda: "1 file added" in screen.said)
        assert "1 removed" in screen.said
        assert cell(screen, "ships", "documents") == "3"


async def test_documents_that_are_gone_leave_the_library(app: MiroEdge, tmp_path: Path) -> None:
    async with shown(app):
        screen = await libraries_screen(app)
        (tmp_path / "ships").rename(tmp_path / "elsewhere")
        await press(app, "u")
        await until(lambda: "Nothing is left at" in screen.said)
        assert cell(screen, "ships", "documents") == "3"


async def test_problems_are_shown(app: MiroEdge, folder: Path) -> None:
    Shelf(app.home.libraries).add("papers", [folder])
    async with shown(app):
        screen = await libraries_screen(app, "papers")
        await press(app, "o")
        await until(lambda: "broken" in found(screen))
        assert screen.said == "papers: 1 file was not read, or not whole."
        screen.point_at("ships")
        await press(app, "o")
        await until(lambda: "Every file of ships was read" in found(screen))
        screen.point_at("sample")
        await press(app, "o")
        await until(lambda: screen.said == "sample has not been made yet. u makes it.")


async def test_titles_never_reach_the_screen_raw(app: MiroEdge, folder: Path) -> None:
    Shelf(app.home.libraries).add("papers", [folder])
    async with shown(app, (80, 24)):
        screen = await libraries_screen(app, "papers")
        await search_for(app, screen, "zeppelin")
        await until(lambda: "zeppelin" in found(screen))
        await until(lambda: screen.query_one("#found", Reader).is_drawn)
        drawn = picture(screen)
        assert "\x1b" not in found(screen) + drawn
        assert "\u202e" not in found(screen) + drawn


async def test_a_library_that_is_damaged(app: MiroEdge) -> None:
    for file in (app.home.libraries / "ships").glob("library.db*"):
        file.write_bytes(b"this is no database " * 500)
    async with shown(app):
        screen = await libraries_screen(app)
        assert cell(screen, "ships", "from") == "cannot be opened: o says why"
        await press(app, "o")
        await until(lambda: "The library 'ships' cannot be opened" in screen.said)
        screen.say("")
        await press(app, "u")
        await until(lambda: "cannot be opened" in screen.said and not screen.busy)
        screen.say("")
        await search_for(app, screen, "Fram")
        await until(lambda: "cannot be opened" in screen.said and not screen.busy)
        await leave_search(app, screen)
        await press(app, "d")
        await choose(app, 1)
        await until(lambda: keys(screen) == ["sample"])


async def test_an_index_that_is_missing_is_told_and_made_again(app: MiroEdge) -> None:
    shutil.rmtree(app.home.libraries / "ships" / "lexical")
    async with shown(app):
        screen = await libraries_screen(app)
        await search_for(app, screen, "Fram")
        await until(lambda: "Make it anew" in screen.said)
        await leave_search(app, screen)
        await press(app, "u")
        await until(lambda: "3 documents" in screen.said)
        await search_for(app, screen, "Fram")
        await until(lambda: " of ships. Tab goes" in screen.said)


@pytest.mark.parametrize("key", ["d", "delete"])
async def test_a_library_is_removed_and_out_of_use(app: MiroEdge, tmp_path: Path, key: str) -> None:
    async with shown(app):
        screen = await libraries_screen(app)
        for leave in ("enter", "escape"):
            await press(app, key)
            await dialog(app)
            await press(app, leave)
            await until(lambda: app.focused is screen.table)
        assert "ships" in keys(screen)
        await press(app, key)
        await choose(app, 1)
        await until(lambda: keys(screen) == ["sample"])
        await until(lambda: "Questions are asked of sample." in screen.said)
        assert "The library 'ships' is removed" in screen.said
        assert app.config.ask.libraries == ("sample",)
        assert (tmp_path / "ships" / "fram.md").exists()
        assert app.focused is screen.table
        await press(app, key)
        await until(lambda: "has not been made yet" in screen.said)


async def test_removing_one_of_several_leaves_the_others_in_use(app: MiroEdge) -> None:
    async with shown(app):
        screen = await libraries_screen(app, "sample")
        await press(app, "enter")
        await until(lambda: len(app.config.ask.libraries) == 2)
        screen.point_at("ships")
        await press(app, "d")
        await choose(app, 1)
        await until(lambda: "Questions are asked of sample." in screen.said)


async def test_no_library_is_removed_under_a_run(app: MiroEdge) -> None:
    held = hold(app)
    async with shown(app):
        await ask(app)
        await until(held.reached.is_set)
        screen = await libraries_screen(app)
        await press(app, "d")
        await until(lambda: screen.said.startswith("A run goes on"))
        assert len(app.screen_stack) == 1
        await press(app, "u")
        await until(lambda: "3 documents" in screen.said)
        await notified(app, "A run goes on")
        held.free.set()
        await answered(app)
        assert app.store.list()[0].answer == "Larvik"


async def adding(app: MiroEdge, folder: Path) -> LibrariesScreen:
    """Have a folder added, and return the screen where its files are being read."""
    screen = await libraries_screen(app)
    await press(app, "a")
    await write(app, str(folder))
    await proposed(app, "My-papers")
    await press(app, "enter")
    await until(lambda: "Reading files" in screen.said)
    return screen


async def test_one_thing_at_a_time_and_x_stops_it(
    app: MiroEdge, folder: Path, slow: threading.Event
) -> None:
    async with shown(app):
        screen = await adding(app, folder)
        assert "Press x to stop." in screen.said
        for key in ("u", "m", "d", "a"):
            await press(app, key)
        await until(lambda: refused(app) == 4)
        assert len(app.screen_stack) == 1
        await press(app, "x")
        await until(lambda: screen.said == "Stopping")
        slow.set()
        await until(lambda: screen.said == f"Stopped. {library_work.LEFT}")
        assert not screen.busy
        assert keys(screen) == ["sample", "ships"]
        await press(app, "x")
        await until(lambda: screen.said == "Nothing is being done that could be stopped.")


@pytest.mark.parametrize("row", [0, 1])
async def test_leaving_asks_and_leaves_no_half_made_library(
    app: MiroEdge, folder: Path, slow: threading.Event, row: int
) -> None:
    async with shown(app):
        screen = await adding(app, folder)
        await press(app, "ctrl+q")
        await dialog(app)
        question = str(app.screen.query_one(".question", Label).content)
        assert question == f"Adding to My-papers goes on. {library_work.LEFT}"
        await choose(app, row)
        if row == 0:
            await until(lambda: len(app.screen_stack) == 1)
            slow.set()
            await until(lambda: screen.said.startswith("My-papers: "))
            await press(app, "ctrl+q")  # nothing is left to ask about
        await until(lambda: not app.is_running)
    threading.Timer(0.2, slow.set).start()
    app.close()
    assert (app.home.libraries / "My-papers").exists() == (row == 0)


async def test_what_ends_while_another_screen_is_shown_is_told_there(
    app: MiroEdge, tmp_path: Path, slow: threading.Event
) -> None:
    (tmp_path / "ships" / "maud.md").write_text("# Maud\n\nThe Maud was built at Vollen.")
    async with shown(app):
        screen = await libraries_screen(app)
        await press(app, "u")
        await until(lambda: "Reading files" in screen.said)
        await press(app, "f6")
        await until(lambda: app.current_mode == "settings")
        slow.set()
        await notified(app, "1 file added")
        assert cell(screen, "ships", "documents") == "4"
        await press(app, "f4")
        await until(lambda: app.screen is screen)
        assert "1 file added" in screen.said


async def test_embedding_needs_the_embedder(app: MiroEdge) -> None:
    async with shown(app):
        screen = await libraries_screen(app)
        assert cell(screen, "ships", "embedded") == "?"
        await press(app, "m")
        await until(lambda: "cannot be embedded without the embedder" in screen.said)


async def test_all_passages_are_embedded(app: MiroEdge, embedder_model: InstalledModel) -> None:
    app.home.models.symlink_to(embedder_model.path.parent.parent, target_is_directory=True)
    async with shown(app):
        screen = await libraries_screen(app)
        await press(app, "m")
        await until(lambda: "passages of ships are embedded" in screen.said, 60)
        assert cell(screen, "ships", "embedded") == cell(screen, "ships", "passages") != "0"


async def test_a_fault_in_the_program_is_a_message(
    app: MiroEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shown(app):
        screen = await libraries_screen(app)

        def broken(_: object) -> None:
            raise ValueError("the shelf \x1b[31m is broken")

        monkeypatch.setattr(Shelf, "names", broken)
        screen.reload()
        await until(lambda: "A fault in the program: ValueError" in screen.said)
        assert "\x1b" not in screen.said
        assert keys(screen) == ["sample", "ships"]


async def test_every_column_is_there_once(app: MiroEdge) -> None:
    async with shown(app):
        for mode in ("runs", "libraries", "models", "settings"):
            await app.switch_mode(mode)
            await until(lambda: bool(app.screen.query(DataTable)))
            screen = app.screen
            assert isinstance(screen, TableScreen)
            labels = [str(column.label) for column in screen.table.columns.values()]
            assert labels == [*screen.COLUMNS]
