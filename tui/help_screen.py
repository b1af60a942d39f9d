"""The list of keys, made from the keys themselves so that it is never out of date."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingsMap, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

_WIDTH = 14


class HelpScreen(ModalScreen[None]):
    """Lists the keys of a screen, and those that work everywhere."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q,question_mark", "dismiss", "Close")
    ]

    def __init__(self, about: Screen[object]) -> None:
        """List the keys of the screen `about`."""
        super().__init__()
        self._about = about

    def compose(self) -> ComposeResult:
        """Show the lists."""
        with VerticalScroll(classes="dialog"):
            yield Static(self.text, markup=False)

    @property
    def text(self) -> str:
        """The lists, as text."""
        here = type(self._about).__doc__ or ""
        return "\n".join(
            [
                f"Keys: {here.splitlines()[0]}",
                *self._lines(self._about._bindings),
                "",
                "Everywhere",
                *self._lines(self.app._bindings),
                f"{'arrows, Enter':{_WIDTH}}Move, open",
                "",
                "Escape closes this.",
            ]
        )

    def _lines(self, bindings: BindingsMap) -> Iterator[str]:
        keys: dict[str, list[str]] = {}
        for key, binding in bindings:
            if binding.description:
                display = self.app.get_key_display(binding.with_key(key))
                keys.setdefault(binding.description, []).append(display)
        for description, names in keys.items():
            yield f"{_keys(names):{_WIDTH}}{description}"


def _keys(names: list[str]) -> str:
    """Return the names of keys; a row of digits as a range."""
    if len(names) > 3:
        return f"{names[0]} to {names[-1]}"
    return ", ".join(names)
