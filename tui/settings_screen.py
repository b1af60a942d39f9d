"""Settings: all that the command line reads from the configuration file, changed by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from edge_agent.config import Setting, changed, settings, shown_value, value_of
from edge_agent.errors import ConfigError

from .dialogs import ChoiceDialog, PromptDialog
from .table_screen import Row, TableScreen


class SettingsScreen(TableScreen):
    """Every setting, its value, and what it means."""

    NAME = "Settings"
    COLUMNS = ("setting", "value", "default", "what it is")
    EMPTY = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "change", "Change"),
        Binding("z,delete", "reset", "Default"),
    ]

    def rows(self) -> Iterable[Row]:
        """Return the settings."""
        config = self.miro.config
        for each in settings():
            value = shown_value(config, each.key)
            yield each.key, (each.key, value, each.default, each.description)

    def on_mount(self) -> None:
        """Say where they are kept; not again after a dialog, which has something else to say."""
        self.say(f"Kept in {self.miro.home.config}")

    @property
    def _setting(self) -> Setting | None:
        return next((each for each in settings() if each.key == self.selected), None)

    @on(DataTable.RowSelected)
    def change_row(self) -> None:
        """Change a setting."""
        self.action_change()

    @work
    async def action_change(self) -> None:
        """Change the setting under the cursor."""
        setting = self._setting
        if setting is None:
            return
        # A key that is kept is not shown to be edited, only replaced.
        before = "" if setting.secret else value_of(self.miro.config, setting.key)
        if setting.kind == "switch":
            self._change(setting.key, "no" if before == "yes" else "yes")
            return
        dialog = (
            _chooser(setting, before) if setting.kind == "choice" else self._writer(setting, before)
        )
        text = await self.app.push_screen_wait(dialog)
        if text is not None:
            self._change(setting.key, text)

    def action_reset(self) -> None:
        """Go back to the default of the setting under the cursor."""
        if self._setting is not None:
            self._change(self._setting.key, "")

    def _writer(self, setting: Setting, before: str) -> PromptDialog:
        def fault(text: str) -> str | None:
            try:
                changed(self.miro.config, setting.key, text)
            except ConfigError as error:
                return str(error)
            return None

        hint = "Nothing is the default." if setting.kind != "list" else "Separate with commas."
        return PromptDialog(setting.description, before, fault, hint=hint)

    def _change(self, key: str, text: str) -> None:
        try:
            self.miro.change(lambda config: changed(config, key, text))
        except ConfigError as error:
            self.fail(error)
            return
        self.reload()
        self.say(f"{key} is now {shown_value(self.miro.config, key) or 'the default'}.")


def _chooser(setting: Setting, before: str) -> ChoiceDialog:
    choices = [(value, value) for value in setting.choices]
    if setting.optional:
        choices.insert(0, ("", "the default"))
    return ChoiceDialog(setting.description, choices, before)
