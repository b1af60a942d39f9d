"""Libraries: made, brought up to date, searched as the agent searches them, and removed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import DataTable, Input

from edge_agent.index import SAMPLE, LibraryError, Shelf
from edge_agent.provisioning import installed_embedder

from . import library_work
from .background import Job
from .dialogs import ChoiceDialog, PromptDialog
from .pages import problems_page, search_page
from .reader import Reader
from .table_screen import REMOVED, Row, TableScreen
from .workbench import ReportProgress

if TYPE_CHECKING:
    from edge_agent.models.embedder import OnnxEmbedder

_MOST = 200
"""Problems that are shown at once: a page of thousands would take seconds to be laid out."""


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
        self._reader.border_title = "As the agent would see it"
        self._reader.add_class("pane")

    def rows(self) -> Iterable[Row]:
        """Return the libraries; one that cannot be opened is listed with what is wrong."""
        used = self.miro.config.ask.libraries
        made = self._shelf.names()
        for name in dict.fromkeys([SAMPLE, *made, *used]):
            in_use = "yes" if name in used else "no"
            if name in made:
                yield name, (name, in_use, *self._figures(name))
                continue
            there = name == SAMPLE or library_work.path_fault(name) is None
            state = "made when it is first asked" if there else "not there: Enter takes it out"
            yield name, (name, in_use, "", "", "", "", "", state)

    def _figures(self, name: str) -> Iterable[str]:
        """Return what a library has, or that it cannot be opened."""
        try:
            with closing(self._shelf.open(name)) as library:
                found = library.statistics()
        except (LibraryError, OSError, sqlite3.Error):
            return ("", "", "", "", "", "cannot be opened: o says why")
        # Which passages are embedded, only the embedder can tell.
        embedded = "?" if self._embedder is None else str(found.embedded)
        numbers = (str(found.documents), str(found.passages), embedded, str(found.problems))
        return (*numbers, f"{found.bytes / 1e6:.1f}", ", ".join(found.sources))

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
            self._begin_reading(
                f"Searching {name}", lambda report: self._searched(name, query, report)
            )

    def _searched(self, name: str, query: str, report: ReportProgress) -> str:
        gathering = self.miro.profile_in_use().gathering
        text, found = library_work.search(self._whole_shelf(), name, query, gathering, report)
        self.app.call_from_thread(self._reader.show, search_page(text, found))
        passages = library_work.times(len(found), "passage")
        return f"{passages} of {name}. Tab goes to them, Escape to the table."

    @property
    def _reader(self) -> Reader:
        """Where what was found is shown."""
        return self.query_one("#found", Reader)

    # Making

    @work
    async def action_add(self) -> None:
        """Add a folder or a file to a library, which is made if there is none."""
        if self.refuses_more():
            return
        text = await self.app.push_screen_wait(
            PromptDialog(
                "Which folder or file?", "", library_work.path_fault, hint=library_work.PATH_HINT
            )
        )
        if text is None:
            return
        path = library_work.path_of(text)
        proposed = library_work.name_for(self._shelf, path)
        given = await self.app.push_screen_wait(
            PromptDialog(
                "Into which library? A new name makes one.", proposed, library_work.name_fault
            )
        )
        name = "" if given is None else given.strip()
        if name and await self._may_add_to(name):
            self._begin_reading(
                f"Adding to {name}",
                lambda report: library_work.add(self._whole_shelf(), name, path, report),
            )
            self._mention_run()

    def _begin_reading(self, doing: str, work: Callable[[ReportProgress], str]) -> None:
        """Do something for which documents may be read, or read again."""
        self.begin(Job(doing, work, library_work.LEFT))

    async def _may_add_to(self, name: str) -> bool:
        """Ask, where there is a library of that name already."""
        if name not in self._shelf.names():
            return True
        sure = ChoiceDialog(
            f"There is a library '{name}' already.", [("yes", "Add to it"), ("no", "Do not")]
        )
        return await self.app.push_screen_wait(sure) == "yes"

    def action_update(self) -> None:
        """Read what is new or changed in the documents of the library under the cursor."""
        self._work_on("Updating", library_work.update)

    def action_embed(self) -> None:
        """Embed all passages, so that they are found by meaning alone."""
        self._work_on("Embedding the passages of", library_work.embed)

    def _work_on(self, doing: str, work: Callable[[Shelf, str, ReportProgress], str]) -> None:
        if (name := self.selected) is not None and not self.refuses_more():
            self._begin_reading(
                f"{doing} {name}", lambda report: work(self._whole_shelf(), name, report)
            )
            self._mention_run()

    def _mention_run(self) -> None:
        """Say that a run may see what is done to a library."""
        if self.miro.run_goes_on:
            self.notify("A run goes on: it is slower meanwhile, and may find what is new.")

    def action_problems(self) -> None:
        """Show what could not be read, and why."""
        name = self.selected
        if name is None or not self._is_made(name):
            return
        try:
            with closing(self._shelf.open(name)) as library:
                problems = library.problems()
        except (LibraryError, OSError, sqlite3.Error) as error:
            self.fail(error)
            return
        self._reader.show(problems_page(name, problems[:_MOST]))
        count = len(problems)
        files = "file was" if count == 1 else "files or folders were"
        shown = f"; the first {_MOST} are shown" if count > _MOST else ""
        self.say(f"{name}: {count} {files} not read, or not whole{shown}.")

    def _is_made(self, name: str) -> bool:
        """Tell whether there is a library of that name, and say so where there is none."""
        made = name in self._shelf.names()
        if not made:
            self.say(f"{name} has not been made yet. u makes it.")
        return made

    @work
    async def action_remove(self) -> None:
        """Remove the library under the cursor; the documents stay."""
        name = self.selected
        if name is None or not self._may_remove(name):
            return
        sure = ChoiceDialog(
            f"Remove the library '{name}'? Your documents stay.",
            [("no", "Keep it"), ("yes", "Remove it")],
        )
        answer = await self.app.push_screen_wait(sure)
        if answer == "yes" and self._may_remove(name):  # a run may have begun meanwhile
            removing = Job(f"Removing {name}", lambda report: self._removed(name), REMOVED)
            self.begin(removing)

    def _may_remove(self, name: str) -> bool:
        """Tell whether a library can be removed now, and why not."""
        if self.refuses_during_run():
            return False
        return self._is_made(name) and not self.refuses_more()

    def _removed(self, name: str) -> str:
        self._shelf.remove(name)
        done = f"The library '{name}' is removed; your documents are where they were."
        return f"{done}{self.app.call_from_thread(self._out_of_use, name)}"

    def _out_of_use(self, name: str) -> str:
        """Ask no more questions of a library that is gone, and say so."""
        used = self.miro.config.ask.libraries
        if name not in used or name == SAMPLE:  # which is made again when it is asked
            return ""
        left = tuple(each for each in used if each != name) or (SAMPLE,)
        self.change_asking(libraries=left)
        return f" Questions are asked of {', '.join(left)}."
