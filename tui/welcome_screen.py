"""The first start: a model, a library, a question; each step says whether it is done."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label, OptionList
from textual.widgets.option_list import Option

from edge_agent.index import Shelf
from edge_agent.models import megabytes
from edge_agent.provisioning import installed_embedder
from edge_agent.showing import shown

from . import library_work
from .background import Background, Ended, Job
from .dialogs import PromptDialog
from .interface import MiroScreen
from .stoppable_thread import Progressed
from .workbench import PULL_LEFT, ReportProgress, puller

_EXAMPLE = "In which city was the engineer born who conceived the Great Eastern?"


class WelcomeScreen(ModalScreen[None], MiroScreen):
    """Leads from nothing to the first question."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Later")]

    def __init__(self) -> None:
        """Begin with the first step."""
        super().__init__()
        self._background: Background | None = None

    def compose(self) -> ComposeResult:
        """Show the three steps."""
        with Vertical(classes="dialog"):
            yield Label("Welcome to miro-edge", classes="question")
            yield Label(
                "Three steps to a first answer. Nothing leaves this machine but the download of "
                "a model.",
                classes="hint",
            )
            yield OptionList(*self._options(), markup=False)
            yield Label("", id="progress", markup=False)
            yield Label("Enter takes a step, Escape leaves this for later", classes="hint")

    def _options(self) -> list[Option]:
        entry = self.miro.models.catalog.get(self._model)
        count = self.miro.models.catalog.bytes_of(entry)
        size = "" if count is None else f", {megabytes(count)} MB"
        here = entry.name in self.miro.models.names()
        used = ", ".join(self.miro.config.ask.libraries)
        return [
            Option(
                f"1  Model: {entry.name} is here"
                if here
                else f"1  Model: pull {entry.name} ({entry.title}{size}, {entry.licence})",
                id="model",
                disabled=here,
            ),
            Option(f"2  Library: {used} is in use; add a folder of your own", id="library"),
            Option("3  Question: ask your own" + ("" if here else ", once the model is here"),
                   id="question", disabled=not here),
            Option(f"   or try: {_EXAMPLE}", id="example", disabled=not here),
        ]  # fmt: skip

    @property
    def _model(self) -> str:
        return self.miro.wanted_model

    @on(OptionList.OptionSelected)
    async def take_step(self, event: OptionList.OptionSelected) -> None:
        """Take a step."""
        event.stop()
        if self._background is not None:
            self._say("Something is being done already: wait, or stop it with Escape.")
        elif event.option_id == "model":
            self._pull()
        elif event.option_id == "library":
            self._add_folder()
        else:
            self.dismiss()
            self.miro.suggest(_EXAMPLE if event.option_id == "example" else "")

    def _pull(self) -> None:
        """Pull the model, and the embedder with it."""
        store, wanted = self.miro.models, (self._model, self.miro.models.catalog.embedder)

        def work(report: ReportProgress) -> str:
            for name in wanted:
                if store.find(name) is None:
                    puller(report)(store.catalog.get(name), store)
            return "The model is here, checked."

        self._begin(Job("Pulling the model", work, PULL_LEFT))

    @work
    async def _add_folder(self) -> None:
        """Make a library of a folder, and use it for questions."""
        text = await self.app.push_screen_wait(
            PromptDialog(
                "Which folder of documents?",
                "",
                library_work.path_fault,
                hint=library_work.PATH_HINT,
            )
        )
        if text is None:
            return
        miro, path = self.miro, library_work.path_of(text)

        def work(report: ReportProgress) -> str:
            shelf = Shelf(miro.home.libraries, installed_embedder(miro.home))
            name = library_work.name_for(shelf, path)
            result = library_work.add(shelf, name, path, report)
            miro.call_from_thread(lambda: miro.change_asking(libraries=(name,)))
            return result

        self._begin(Job("Reading the documents", work, library_work.LEFT))

    def _begin(self, job: Job) -> None:
        self._say(f"{job.doing}. Escape stops it.")
        self._background = Background(job, self.post_message)
        self.miro.begin_work(self._background)

    def action_leave(self) -> None:
        """Stop what is being done; where nothing is, or it is stopping already, leave."""
        if self._background is None or self._background.stopping:
            self.dismiss()
            return
        self._background.stop()
        self._say("Stopping. Escape again leaves.")

    def _say(self, text: str) -> None:
        self.query_one("#progress", Label).update(shown(text))

    @on(Progressed)
    def show_progress(self, message: Progressed) -> None:
        """Say how far it is, unless it is to end."""
        if self._background is not None and not self._background.stopping:
            self._say(f"{message}. Escape stops it.")

    @on(Ended)
    def show_end(self, message: Ended) -> None:
        """Say how it ended, and what can be done next."""
        self._background = None
        self._say(message.failure or message.result)
        options = self.query_one(OptionList)
        highlighted = options.highlighted
        options.clear_options()
        options.add_options(self._options())
        options.highlighted = highlighted
