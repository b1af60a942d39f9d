"""The line at the top: the program, the screen, and which model works over which libraries."""

from __future__ import annotations

from typing import cast

from textual.widgets import Static

from edge_agent.showing import shown

from .interface import Interface


class TitleBar(Static):
    """Says where one is."""

    def __init__(self, screen: str) -> None:
        """Stand on the screen of that name."""
        super().__init__("", markup=False)
        self._screen_name = screen

    def on_mount(self) -> None:
        """Say it, and again whenever a setting changes."""
        app = cast(Interface, self.app)
        app.config_changed.subscribe(self, lambda _: self._say())
        self._say()

    def _say(self) -> None:
        app = cast(Interface, self.app)
        model = _short(app.wanted_model)
        libraries = ", ".join(map(_short, app.config.ask.libraries))
        text = f"miro-edge  {self._screen_name}  {model} over {libraries}"
        self.update(shown(text))


def _short(name: str) -> str:
    """Return what something is called; of a path or an address only the end."""
    return name.rstrip("/").rpartition("/")[2] or name
