"""What the screens of runs, libraries, models and settings share: a table, a status line, work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import DataTable, Static

from edge_agent.errors import ConfigError
from edge_agent.failures import in_words
from edge_agent.showing import in_one_line, shown

from .background import Background, Ended, Job
from .interface import MiroScreen
from .key_line import KeyLine
from .stoppable_thread import Progressed
from .title_bar import TitleBar

Row = tuple[str, Sequence[str]]
"""The key of a row, and its cells."""

_SHARE = 3
"""A cell takes at most this part of the width, so that a long one leaves room for the others."""
_LAST = 200
"""Characters of the last column, which has nothing after it to make room for."""


REMOVED = "It is removed all the same."
"""What there is where removing something is stopped: it does not tell how far it is."""


class TableScreen(MiroScreen):
    """A table whose rows are read anew whenever one comes to the screen."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    NAME: ClassVar[str]
    COLUMNS: ClassVar[tuple[str, ...]]
    EMPTY: ClassVar[str]
    """What is said where the table has no rows."""

    def __init__(self) -> None:
        """Begin with nothing going on."""
        super().__init__()
        self._background: Background | None = None
        self._rows: list[Row] = []

    def rows(self) -> Iterable[Row]:
        """Return the rows as they are now. Raises AgentError, LibraryError, ModelError."""
        raise NotImplementedError

    def beside(self) -> Iterable[Widget]:
        """Return what else is on the screen, below the table."""
        return ()

    def compose(self) -> ComposeResult:
        """Lay out the table, what is beside it, and the lines."""
        yield TitleBar(self.NAME)
        yield DataTable(cursor_type="row", classes="pane", id="table")
        yield from self.beside()
        yield Static("", id="status", markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """Name the columns."""
        self.table.border_title = self.NAME
        self.table.add_columns(*self.COLUMNS)
        self.table.focus()

    def on_screen_resume(self) -> None:
        """Read the rows anew."""
        self.reload()

    def on_resize(self) -> None:
        """Make the cells fit."""
        self._fill()

    @property
    def table(self) -> DataTable[Text]:
        """The table."""
        return cast("DataTable[Text]", self.query_one("#table", DataTable))

    @property
    def selected(self) -> str | None:
        """The key of the row under the cursor, or None where there is none."""
        table = self.table
        if not table.is_valid_row_index(table.cursor_row):
            return None
        return str(table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value)

    def nothing(self) -> str:
        """Return what is said where the table has no rows."""
        return self.EMPTY

    def reload(self) -> None:
        """Read the rows anew; the cursor stays on the row where it was."""
        had_none = not self._rows
        try:
            self._rows = [*self.rows()]
        except Exception as error:  # the interface has to stay, whatever breaks
            self.fail(error)
            return
        self._fill()
        if not self._rows and not self.busy:
            self.say(self.nothing())
        elif had_none and self.said == self.nothing():
            self.say("")

    def _fill(self) -> None:
        """Put the rows into the table, cut to its width."""
        table, row, key = self.table, self.table.cursor_row, self.selected
        table.clear()
        for each, cells in self._rows:
            *first, last = map(_flat, cells)
            for cell in first:
                cell.truncate(max(1, self.size.width // _SHARE), overflow="ellipsis")
            last.truncate(_LAST, overflow="ellipsis")
            table.add_row(*first, last, key=each)
        table.move_cursor(row=max(0, min(row, len(self._rows) - 1)))
        if key is not None:
            self.point_at(key)

    def point_at(self, key: str) -> None:
        """Move the cursor to the row with a key, if there is one."""
        for number, (each, _) in enumerate(self._rows):
            if each == key:
                self.table.move_cursor(row=number)

    @property
    def said(self) -> str:
        """What the line below says."""
        return str(self.query_one("#status", Static).content)

    def say(self, text: str) -> None:
        """Say something in the line below."""
        self.query_one("#status", Static).update(in_one_line(text))

    def fail(self, error: Exception) -> None:
        """Say what went wrong."""
        self._say_failure(in_words(error))

    def _say_failure(self, sentence: str) -> None:
        self.notify(shown(sentence), severity="error", timeout=20, markup=False)
        self.say(sentence)

    def change_asking(self, **values: object) -> bool:
        """Ask with other settings from now on; tell whether they could be kept."""
        try:
            self.miro.change_asking(**values)
        except ConfigError as error:
            self.fail(error)
            return False
        self.reload()
        return True

    def refuses_during_run(self) -> bool:
        """Tell whether a run goes on, which may need what is to be deleted, and say so."""
        if self.miro.run_goes_on:
            self.say("A run goes on, which may need it. Stop it first, or wait for its end: F2.")
        return self.miro.run_goes_on

    # Work in the background

    @property
    def busy(self) -> bool:
        """Whether something is being done."""
        return self._background is not None

    def begin(self, job: Job) -> None:
        """Do something that takes a while, one thing at a time."""
        if self.refuses_more():
            return
        self.say(f"{job.doing}. Press x to stop.")
        self._background = Background(job, self.post_message)
        self.miro.begin_work(self._background)

    def refuses_more(self) -> bool:
        """Tell whether something is being done already, and say so."""
        if self.busy:
            self.notify("Something is being done already: wait, or stop it with x.")
        return self.busy

    def action_stop(self) -> None:
        """Stop what is being done."""
        if self._background is None:
            self.say("Nothing is being done that could be stopped.")
            return
        self._background.stop()
        self.say("Stopping")

    @on(Progressed)
    def show_progress(self, message: Progressed) -> None:
        """Say how far it is, unless it is to end."""
        if self._background is not None and not self._background.stopping:
            self.say(f"{message}. Press x to stop.")

    @on(Ended)
    def show_end(self, message: Ended) -> None:
        """Say how it ended, and read the rows anew."""
        self._background = None
        self.reload()
        if message.failure is not None:
            self._say_failure(message.failure)
            return
        self.say(message.result)
        if not self.is_current:
            self.notify(shown(message.result), markup=False)


def _flat(cell: str) -> Text:
    return Text(in_one_line(cell))
