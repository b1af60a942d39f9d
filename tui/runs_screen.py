"""Runs: what was asked, found again, opened, gone on with, exported, deleted and brought back."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import DataTable, Input

from edge_agent.runs import RemovedRun, RunStore, RunSummary

from .background import Job
from .table_screen import REMOVED, Row, TableScreen

_MOST = 1000
"""Runs that are listed: older ones are found by a search."""
_BACK = "It is brought back all the same."
"""What there is where bringing a run back is stopped."""


class RunsScreen(TableScreen):
    """The history of runs, newest first."""

    NAME = "Runs"
    COLUMNS = ("when", "status", "question", "answer", "calls", "seconds", "model", "library")
    EMPTY = "No runs. Ask something on the research screen: F2."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open"),
        Binding("r", "resume", "Go on"),
        Binding("w", "export", "Export"),
        Binding("d,delete", "delete", "Delete"),
        Binding("u", "undo", "Undo"),
        Binding("slash", "search", "Search"),
        Binding("x", "stop", "Stop what is being done", show=False),
        Binding("escape", "leave_search", "Leave the search, show all runs", show=False),
    ]

    def __init__(self) -> None:
        """Begin with all runs, and none deleted or brought back."""
        super().__init__()
        self._search = ""
        self._removed: list[RemovedRun] = []
        self._back: str | None = None

    def beside(self) -> Iterable[Widget]:
        """Have a line to search in."""
        yield Input(placeholder="Search in questions and answers: /", id="search")

    def rows(self) -> Iterable[Row]:
        """Return the runs whose question or answer has in it what is searched for."""
        return map(_row, self.miro.store.list(_MOST, self._search or None))

    def nothing(self) -> str:
        """Return why there are no runs to see."""
        if not self._search:
            return super().nothing()
        return f"No run has '{self._search}' in its question or answer. Escape shows all."

    @on(Input.Changed, "#search")
    def search_as_typed(self, event: Input.Changed) -> None:
        """Show what has the text in it."""
        self._search = event.value.strip()
        self.reload()
        found = self.table.row_count
        if found and self._search:
            runs = "1 run has" if found == 1 else f"{found} runs have"
            self.say(f"{runs} '{self._search}' in question or answer. Escape shows all.")
        elif found:
            self.say("")

    @on(Input.Submitted, "#search")
    def end_search(self) -> None:
        """Go to what was found."""
        self.table.focus()

    @on(DataTable.RowSelected)
    async def open_row(self) -> None:
        """Show a run."""
        await self.action_open()

    async def action_open(self) -> None:
        """Show the run under the cursor; there it can be played again."""
        if self.selected is None:
            return
        try:
            await self.miro.open_run(self.selected)
        except Exception as error:  # what is stored may be damaged, or of a later version
            await self.miro.switch_mode("runs")
            self.fail(error)

    @work
    async def action_resume(self) -> None:
        """Go on with the run under the cursor."""
        if self.miro.run_goes_on:
            self.say("A run goes on already. Stop it first, or wait for its end: F2.")
        elif self.selected is not None:
            try:
                await self.miro.resume(self.selected)
            except Exception as error:  # as above
                self.fail(error)

    @work
    async def action_export(self) -> None:
        """Write the run under the cursor into a file."""
        if self.selected is not None:
            try:
                await self.miro.export(self.selected)
            except Exception as error:  # as above
                self.fail(error)

    def action_delete(self) -> None:
        """Delete the run under the cursor; it can be brought back."""
        if (run := self.selected) is not None:
            self.begin(Job(f"Deleting {run}", lambda report: self._deleted(run), REMOVED))

    def _deleted(self, run: str) -> str:
        # With a store of its own: the screen reads in the other one while the disk is given back.
        with closing(RunStore(self.miro.home.runs)) as store:
            self._removed.append(store.remove(run))
        return f"The run {run} is deleted. Press u to bring it back."

    def action_undo(self) -> None:
        """Bring back the run that was deleted last."""
        if self.refuses_more():
            return
        if not self._removed:
            self.say("There is nothing to bring back: no run was deleted, or all are back.")
            return
        run = self._removed[-1]
        self.begin(Job(f"Bringing back {run.id}", lambda report: self._put_back(run), _BACK))

    def _put_back(self, run: RemovedRun) -> str:
        with closing(RunStore(self.miro.home.runs)) as store:
            store.put_back(run)
        self._removed.remove(run)
        self._back = run.id
        return f"The run {run.id} is back."

    def reload(self) -> None:
        """Read the rows anew; the cursor goes to a run that was brought back meanwhile."""
        super().reload()
        if self._back is not None:
            self.point_at(self._back)
            self._back = None

    def action_search(self) -> None:
        """Go to the line to search in."""
        self.query_one("#search").focus()

    def action_leave_search(self) -> None:
        """Show all runs again, and go back to the table."""
        self.query_one("#search", Input).clear()
        self.table.focus()


def _row(run: RunSummary) -> Row:
    when = f"{datetime.fromisoformat(run.started).astimezone():%Y-%m-%d %H:%M}"
    calls = "" if run.calls is None else str(run.calls)
    seconds = "" if run.seconds is None else f"{run.seconds:.0f}"
    cells = (when, run.status, run.question, run.answer or "", calls, seconds)
    return run.id, (*cells, run.model, run.library)
