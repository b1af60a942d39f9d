"""What the screens of runs, libraries, models and settings share: a table, a status line, work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import DataTable, Footer, Static

from edge_agent.errors import ConfigError
from edge_agent.failures import explained
from edge_agent.traces.lines import shown

from .background import Background, Ended, Progressed
from .title_bar import TitleBar
from .workbench import Told

if TYPE_CHECKING:
    from .app import MiroEdge

Row = tuple[str, Sequence[str]]
"""The key of a row, and its cells."""


class TableScreen(Screen[None]):
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

    @property
    def miro(self) -> MiroEdge:
        """The application."""
        return cast("MiroEdge", self.app)

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
        yield Footer()

    def on_mount(self) -> None:
        """Name the columns."""
        self.table.border_title = self.NAME
        self.table.add_columns(*self.COLUMNS)
        self.table.focus()

    def on_screen_resume(self) -> None:
        """Read the rows anew."""
        self.reload()

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

    def reload(self) -> None:
        """Read the rows anew; the cursor stays where it was."""
        table, row = self.table, self.table.cursor_row
        try:
            rows = [*self.rows()]
        except Exception as error:
            self.fail(error)
            return
        table.clear()
        for key, cells in rows:
            table.add_row(*(Text(" ".join(shown(cell).split())) for cell in cells), key=key)
        if rows:
            table.move_cursor(row=min(row, len(rows) - 1))
        elif self._background is None:
            self.say(self.EMPTY)

    def say(self, text: str) -> None:
        """Say something in the line below."""
        self.query_one("#status", Static).update(" ".join(shown(text).split()))

    def fail(self, error: Exception) -> None:
        """Say what went wrong; a fault in the program goes on as one."""
        sentence = explained(error)
        if sentence is None:
            raise error
        self.notify(sentence, severity="error", timeout=20, markup=False)
        self.say(sentence)

    def change_asking(self, **values: object) -> bool:
        """Ask with other settings from now on; tell whether they could be kept."""
        config = self.miro.config
        ask = config.ask.model_copy(update=values)
        try:
            self.miro.change(config.model_copy(update={"ask": ask}))
        except ConfigError as error:
            self.fail(error)
            return False
        self.reload()
        return True

    # Work in the background

    @property
    def busy(self) -> bool:
        """Whether something is being done."""
        return self._background is not None

    def begin(self, work: Callable[[Told], str]) -> None:
        """Do something that takes a while, one thing at a time."""
        if self.busy:
            self.notify("Something is being done already: wait, or stop it with x.")
            return
        self._background = Background(work, self.post_message)
        self._background.start()

    def action_stop(self) -> None:
        """Stop what is being done."""
        if self._background is not None:
            self._background.stop()
            self.say("Stopping")

    @on(Progressed)
    def show_progress(self, message: Progressed) -> None:
        """Say how far it is."""
        self.say(str(message))

    @on(Ended)
    def show_end(self, message: Ended) -> None:
        """Say how it ended, and read the rows anew."""
        self._background = None
        self.reload()
        if message.failure is not None:
            self.notify(message.failure, severity="error", timeout=20, markup=False)
        self.say(message.failure or message.result)
