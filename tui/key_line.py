"""The line at the bottom: the keys of the screen, those that cannot be used now in brackets.

Textual's Footer makes a widget of every key anew whenever the focus moves. While a model keeps the
cores busy that takes longer than a key may, so this is one line of text.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.style import Style
from rich.text import Text
from textual.binding import ActiveBinding
from textual.screen import Screen
from textual.widgets import Static

_FIRST = ("f1", "ctrl+p")


class KeyLine(Static):
    """Lists keys in the order of importance; a click on one is that key."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__("")
        self._listed: tuple[tuple[str, str, bool], ...] = ()

    def on_mount(self) -> None:
        """List the keys, and again whenever others can be used."""
        self.screen.bindings_updated_signal.subscribe(self, self._list)
        self.call_after_refresh(self._list, self.screen)

    def _list(self, screen: Screen[object]) -> None:
        if not screen.is_attached or screen is not self.screen:
            return
        bindings = screen.active_bindings.values()
        listed = tuple(
            (each.binding.key, each.binding.description, each.enabled) for each in _shown(bindings)
        )
        if listed != self._listed:
            self._listed = listed
            self.update(Text("  ").join(self._drawn(*each) for each in listed))

    def _drawn(self, key: str, name: str, enabled: bool) -> Text:
        shown = self.app.get_key_display(self.screen.active_bindings[key].binding)
        text = Text(f"{shown} {name}" if enabled else f"({shown} {name})", no_wrap=True)
        if enabled:
            text.stylize("bold", 0, len(shown))
            text.stylize(Style.from_meta({"@click": f"app.simulate_key({key!r})"}))
        return text


def _shown(bindings: Iterable[ActiveBinding]) -> list[ActiveBinding]:
    """Return the bindings to list: one for each action, first what leads to all others."""
    by_action: dict[str, ActiveBinding] = {}
    for each in bindings:
        binding = each.binding
        if binding.description and (binding.show or binding.key in _FIRST):
            by_action.setdefault(binding.action, each)
    return sorted(by_action.values(), key=lambda each: each.binding.key not in _FIRST)
