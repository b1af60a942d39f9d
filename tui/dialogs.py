"""The dialogs: one asks for a choice, one for a line of text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option

from edge_agent.showing import shown


class ChoiceDialog(ModalScreen[str | None]):
    """Asks for one of several things; Escape is none of them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss_none", "Cancel")]

    def __init__(
        self, question: str, choices: Sequence[tuple[str, str]], chosen: str | None = None
    ) -> None:
        """Ask `question`; of each choice its value, and what it is in words; begin at `chosen`."""
        super().__init__()
        self._question = question
        self._choices = tuple(choices)
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        """Show the question and the choices."""
        with Vertical(classes="dialog"):
            yield Label(shown(self._question), markup=False, classes="question")
            values = [value for value, _ in self._choices]
            options = OptionList(
                *(Option(shown(words), id=value) for value, words in self._choices), markup=False
            )
            # At once, and not when all is mounted: by then keys may have moved it.
            options.highlighted = values.index(self._chosen) if self._chosen in values else 0
            yield options
            yield Label("Enter chooses, Escape cancels", classes="hint")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take a choice; a second Enter that comes before the first has closed this is nothing."""
        event.stop()
        if self.is_current:
            self.dismiss(event.option_id)

    def action_dismiss_none(self) -> None:
        """Choose nothing."""
        self.dismiss(None)


class PromptDialog(ModalScreen[str | None]):
    """Asks for a line of text; Escape is none."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss_none", "Cancel")]

    def __init__(
        self,
        question: str,
        value: str = "",
        fault: Callable[[str], str | None] = lambda text: None,
        *,
        hint: str = "",
    ) -> None:
        """Ask `question`; `fault` says what is wrong with a text, or nothing."""
        super().__init__()
        self._question = question
        self._value = value
        self._fault = fault
        self._hint = hint

    def compose(self) -> ComposeResult:
        """Show the question and a line to write in."""
        with Vertical(classes="dialog"):
            yield Label(shown(self._question), markup=False, classes="question")
            yield Input(shown(self._value))
            yield Label(shown(self._hint), id="said", markup=False, classes="hint")
            yield Label("Enter accepts, Escape cancels", classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the text, or say what is wrong with it."""
        event.stop()
        if not self.is_current:  # a second Enter, which came before the first had closed this
            return
        fault = self._fault(event.value)
        if fault is None:
            self.dismiss(event.value)
        else:
            said = self.query_one("#said", Label)
            said.update(shown(fault))
            said.set_classes("fault")

    def action_dismiss_none(self) -> None:
        """Write nothing."""
        self.dismiss(None)
