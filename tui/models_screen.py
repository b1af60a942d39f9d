"""Models: what there is, whether it fits this machine, and getting, tuning, checking it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from edge_agent.model_opening import loading_settings
from edge_agent.models import (
    CatalogEntry,
    EngineSettings,
    InstalledModel,
    ModelError,
    TunedSettings,
    expected_need,
    free_memory,
    megabytes,
)
from edge_agent.provisioning import lost_without

from .background import Job
from .dialogs import ChoiceDialog
from .table_screen import REMOVED, Row, TableScreen
from .workbench import PULL_LEFT, ReportProgress, puller

_TUNING = 30.0
"""Seconds after which no further trial is begun."""

_CHECK_LEFT = "The model is as it was."
_TUNING_LEFT = "The settings are as they were: a measurement counts only when it is whole."


class ModelsScreen(TableScreen):
    """The models of the catalogue, and those that were added."""

    NAME = "Models"
    COLUMNS = ("model", "in use", "MB", "here", "fits", "licence", "what")
    EMPTY = "No models."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "use", "Use"),
        Binding("p", "pull", "Pull"),
        Binding("t", "tune", "Tune"),
        Binding("v", "verify", "Verify"),
        Binding("d,delete", "remove", "Remove"),
        Binding("x", "stop", "Stop"),
    ]

    def rows(self) -> Iterable[Row]:
        """Return the models, those of the catalogue first."""
        store = self.miro.models
        here = store.names()
        for entry in store.catalog.models:
            yield entry.name, self._cells(entry, entry.name in here)
        for name in here:
            if store.catalog.find(name) is None:
                size = megabytes(store.bytes_of(name))
                cells = (self._in_use(name), size, "yes", self._fit(name, None))
                yield name, (name, *cells, "the user's own", "added by you")
        if store.catalog.find(self._wanted) is None and self._wanted not in here:
            elsewhere = "a file or a server, as set: F6"
            yield self._wanted, (self._wanted, "yes", "?", "?", "?", "?", elsewhere)

    def _cells(self, entry: CatalogEntry, here: bool) -> tuple[str, ...]:
        count = self.miro.models.catalog.bytes_of(entry)
        size = "?" if count is None else megabytes(count)
        fits = self._fit(entry.name, count)
        is_here = "yes" if here else "in part" if self._is_begun(entry.name) else "no"
        cells = (self._in_use(entry.name), size, is_here, fits)
        return (entry.name, *cells, entry.licence, entry.title)

    def _in_use(self, name: str) -> str:
        return "yes" if name == self._wanted else "no"

    @property
    def _wanted(self) -> str:
        """The model that answers questions."""
        return self.miro.wanted_model

    def _is_begun(self, name: str) -> bool:
        """Tell whether there is anything of a model: it is here, or a pull of it was begun."""
        try:
            self.miro.models.require_here(name)
        except ModelError:
            return False
        return True

    def _fit(self, name: str, size: int | None) -> str:
        """Say whether a model would fit into the memory that is free now."""
        try:
            model = self.miro.models.find(name)
        except ModelError:
            return "cannot be used: v says why"
        if model is None or model.header is None:
            need = expected_need(size, None, EngineSettings())
        else:
            settings = loading_settings(model, self.miro.home)
            need = expected_need(model.bytes, model.header, settings)
        if need is None:
            return "?"
        missing = need - free_memory()
        return "yes" if missing <= 0 else f"no, {megabytes(missing)} MB too few"

    @on(DataTable.RowSelected)
    def use_row(self) -> None:
        """Use a model for questions."""
        self.action_use()

    def action_use(self) -> None:
        """Use the model under the cursor for the questions from now on."""
        name = self.selected
        if name is None:
            return
        entry = self.miro.models.catalog.find(name)
        if entry is not None and not entry.profile:
            self.say("This model writes no answers: it is for searching by meaning.")
            return
        if self.change_asking(model=name):
            here = name in self.miro.models.names()
            later = "" if here else " It is pulled when it is first needed."
            self.say(f"Questions are answered by {name}.{later}")

    def action_pull(self) -> None:
        """Download the model under the cursor; an interrupted pull goes on where it ended."""
        entry = self.miro.models.catalog.find(self.selected or "")
        if entry is None:
            self.say("Only the models of the catalogue can be pulled.")
            return
        pulling = Job(
            f"Pulling {entry.name}", lambda report: self._pulled(entry, report), PULL_LEFT
        )
        self.begin(pulling)

    def _pulled(self, entry: CatalogEntry, report: ReportProgress) -> str:
        store = self.miro.models
        model = puller(report)(entry, store)
        return f"{model.name} is here, checked: {megabytes(model.bytes)} MB."

    def action_verify(self) -> None:
        """Hash the files of the model under the cursor again."""
        if (name := self.selected) is not None:
            self.begin(
                Job(f"Checking {name}", lambda report: self._verified(name, report), _CHECK_LEFT)
            )

    def _verified(self, name: str, report: ReportProgress) -> str:
        size = max(1, self.miro.models.bytes_of(name))
        self.miro.models.verify(name, lambda done: report(f"Checking {name}", done, size))
        return f"{name} is what it was when it was checked before."

    def action_tune(self) -> None:
        """Measure which settings suit the model under the cursor on this machine."""
        if self.miro.run_goes_on:
            self.say("A run goes on, which would disturb the measurements. Stop it first.")
            return
        if (name := self.selected) is not None:
            self.begin(
                Job(f"Measuring {name}", lambda report: self._tuned(name, report), _TUNING_LEFT)
            )

    def _tuned(self, name: str, report: ReportProgress) -> str:
        from edge_agent.models.tuning import tune

        model = self._here(name)
        kept = None
        with self.miro.workbench.taken():
            self.miro.workbench.let_go()  # two models at once may not fit, and would be slow
            for trial in tune(model.path, _TUNING):
                kept = trial if trial.kept else kept
                report(f"Measured {trial.changed}: {trial.step_seconds:.1f} s a step")
        assert kept is not None
        TunedSettings(self.miro.home.tuning).keep(model, kept.tuned)
        return f"{name} is tuned: {kept.changed} did best, {kept.step_seconds:.1f} s a step."

    def _here(self, name: str) -> InstalledModel:
        """Return a model that is here and writes answers. Raises ModelError."""
        model = self.miro.models.find(name)
        if model is None:
            raise ModelError(f"The model '{name}' is not on this machine. Pull it first: p")
        if model.header is None:
            raise ModelError(f"The model '{name}' draws no tokens: there is nothing to tune.")
        return model

    @work
    async def action_remove(self) -> None:
        """Delete the model under the cursor from this machine."""
        name = self.selected
        if name is None or not self._may_remove(name):
            return
        lost = lost_without(name, self.miro.models)
        sure = ChoiceDialog(
            f"Delete the model '{name}' from this machine? {lost}".strip(),
            [("no", "Keep"), ("yes", "Delete")],
        )
        answer = await self.app.push_screen_wait(sure)
        if answer == "yes" and self._may_remove(name):  # a run may have begun meanwhile
            self.begin(Job(f"Deleting {name}", lambda report: self._removed(name), REMOVED))

    def _may_remove(self, name: str) -> bool:
        """Tell whether a model can be deleted now, and why not."""
        if not self._is_begun(name):
            self.say(f"There is nothing of {name} on this machine.")
            return False
        if self.refuses_during_run():
            return False
        return not self.refuses_more()

    def _removed(self, name: str) -> str:
        with self.miro.workbench.taken():
            self.miro.workbench.let_go()  # it may be in memory
            self.miro.models.remove(name)
        if name != self._wanted:
            return f"The model '{name}' is deleted."
        return f"The model '{name}' is deleted, and still in use: choose another with Enter."
