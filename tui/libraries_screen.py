"""Libraries: made, brought up to date, searched as the agent searches them, and removed."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import DataTable, Input

from edge_agent.index import SAMPLE, LibraryError, Shelf, Statistics
from edge_agent.provisioning import installed_embedder

from . import library_work
from .dialogs import ChoiceDialog, PromptDialog
from .pages import problems_page, search_page
from .reader import Reader
from .table_screen import Row, TableScreen
from .workbench import Told

if TYPE_CHECKING:
    from edge_agent.models.embedder import OnnxEmbedder


class LibrariesScreen(TableScreen):
    """The libraries on this machine."""

    NAME = "Libraries"
    COLUMNS = ("library", "in use", "documents", "passages", "embedded", "problems", "MB", "from")
    EMPTY = "No libraries yet. Press a to add a folder."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "use", "Use, or not"),
        Binding("a", "add", "Add"),
        Binding("slash", "search", "Search"),
        Binding("u", "update", "Update"),
        Binding("o", "problems", "Problems"),
        Binding("d,delete", "remove", "Remove"),
        Binding("m", "embed", "Embed all passages", show=False),
        Binding("x", "stop", "Stop what is being done", show=False),
        Binding("escape", "leave_search", "Back to the table", show=False),
    ]

    def __init__(self) -> None:
        """Begin with no embedder loaded."""
        super().__init__()
        self._embedder: OnnxEmbedder | None = None

    def beside(self) -> Iterable[Widget]:
        """Have a line to search in, and a page for what is found."""
        yield Input(placeholder="Search the library by hand: /", id="search")
        yield Reader(id="found")

    def on_mount(self) -> None:
        """Name the page."""
        super().on_mount()
        found = self.query_one("#found", Reader)
        found.border_title = "As the agent would see it"
        found.add_class("pane")

    def rows(self) -> Iterable[Row]:
        """Return the libraries; one that cannot be opened is listed with what is wrong."""
        used = self.miro.config.ask.libraries
        made = self._shelf.names()
        for name in dict.fromkeys([SAMPLE, *made]):
            in_use = "yes" if name in used else "no"
            if name not in made:
                yield name, (name, in_use, "", "", "", "", "", "made when it is first asked")
                continue
            try:
                with closing(self._shelf.open(name)) as library:
                    yield name, _cells(library.statistics(), in_use)
            except LibraryError as error:
                yield name, (name, in_use, "", "", "", "", "", str(error))

    @property
    def _shelf(self) -> Shelf:
        """The libraries, with what searches them by meaning if it is loaded already."""
        return Shelf(self.miro.home.libraries, self._embedder)

    def _whole_shelf(self) -> Shelf:
        """Return the libraries, searched by meaning too if the embedder is here; takes a second."""
        if self._embedder is None:
            self._embedder = installed_embedder(self.miro.home)
        return self._shelf

    # Searching

    @on(DataTable.RowSelected)
    def use_row(self) -> None:
        """Use a library for questions."""
        self.action_use()

    def action_use(self) -> None:
        """Use the library under the cursor for the questions from now on, or no longer."""
        if self.selected is None:
            return
        used = [*self.miro.config.ask.libraries]
        if self.selected in used:
            used.remove(self.selected)
        else:
            used.append(self.selected)
        if not used:
            self.say("At least one library has to be in use: choose another one first.")
        elif self.change_asking(libraries=tuple(used)):
            self.say(f"Questions are asked of {', '.join(used)}.")

    def action_search(self) -> None:
        """Go to the line to search in."""
        self.query_one("#search").focus()

    def action_leave_search(self) -> None:
        """Go back to the table."""
        self.table.focus()

    @on(Input.Submitted, "#search")
    def search_by_hand(self, event: Input.Submitted) -> None:
        """Show what the agent would see for a query."""
        event.stop()
        query, name = event.value.strip(), self.selected
        if query and name is not None:
            self.begin(lambda told: self._searched(name, query, told))

    def _searched(self, name: str, query: str, told: Told) -> str:
        told(f"Searching {name}")
        text, found = library_work.search(self._whole_shelf(), name, query)
        self.app.call_from_thread(self.query_one("#found", Reader).show, search_page(text, found))
        return f"{len(found)} passages of {name}"

    # Making

    @work
    async def action_add(self) -> None:
        """Add a folder or a file to a library, which is made if there is none."""
        path = await self.app.push_screen_wait(
            PromptDialog("Which folder or file?", str(Path.home()), library_work.path_fault)
        )
        if path is None:
            return
        folder = Path(path).expanduser().resolve()
        name = await self.app.push_screen_wait(
            PromptDialog("Into the library (a new name makes one)", folder.stem or "library")
        )
        if name is not None:
            self.begin(
                lambda told: library_work.add(self._whole_shelf(), name.strip(), folder, told)
            )

    def action_update(self) -> None:
        """Read what is new or changed in the documents of the library under the cursor."""
        if (name := self.selected) is not None:
            self.begin(lambda told: library_work.update(self._whole_shelf(), name, told))

    def action_embed(self) -> None:
        """Embed all passages, so that they are found by meaning alone."""
        if (name := self.selected) is not None:
            self.begin(lambda told: library_work.embed(self._whole_shelf(), name, told))

    async def action_problems(self) -> None:
        """Show which files could not be read, and why."""
        name = self.selected
        if name is None or name not in self._shelf.names():
            return
        try:
            with closing(self._shelf.open(name)) as library:
                page = problems_page(name, library.problems())
        except LibraryError as error:
            self.fail(error)
            return
        self.query_one("#found", Reader).show(page)

    @work
    async def action_remove(self) -> None:
        """Remove the library under the cursor; the documents stay."""
        name = self.selected
        if name is None or name not in self._shelf.names():
            return
        sure = ChoiceDialog(
            f"Remove the library '{name}'? Your documents stay.",
            [("no", "Keep it"), ("yes", "Remove it")],
        )
        if await self.app.push_screen_wait(sure) != "yes":
            return
        try:
            self._shelf.remove(name)
        except LibraryError as error:
            self.fail(error)
            return
        self.reload()
        self.say(f"The library '{name}' is removed.")


def _cells(found: Statistics, in_use: str) -> tuple[str, ...]:
    numbers = (found.documents, found.passages, found.embedded, found.problems)
    megabytes = f"{found.bytes / 1e6:.1f}"
    return (found.name, in_use, *map(str, numbers), megabytes, ", ".join(found.sources))
