"""The reader: what the model is writing, the answer, or whatever was opened, as Markdown."""

from __future__ import annotations

import asyncio

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Markdown

from .pages import EVIDENCE, turn_page

_BETWEEN_PAGES = 0.05
"""Seconds that a page is shown at least: tokens come faster than anybody reads."""


class Reader(VerticalScroll):
    """Shows the page that was asked for last; nobody waits for it to be drawn."""

    class Followed(Message):
        """A citation was followed."""

        def __init__(self, key: int) -> None:
            """Tell to which passage."""
            super().__init__()
            self.key = key

    def __init__(self, *, id: str | None = None) -> None:
        """Begin with an empty page."""
        super().__init__(id=id)
        self.is_drawn = True
        """Whether the page stands on the screen."""
        self._asked = asyncio.Event()
        self._page = ""
        self._turn: str | None = None
        self._written = ""

    @property
    def page(self) -> str:
        """The page that is shown, or will be in a moment."""
        return self._page if self._turn is None else turn_page(self._turn, self._written)

    def compose(self) -> ComposeResult:
        """Hold one page."""
        yield Markdown(open_links=False)

    def on_mount(self) -> None:
        """Draw pages as they are asked for."""
        self.run_worker(self._draw_pages(), exit_on_error=False)

    def show(self, page: str) -> None:
        """Show a page from its beginning."""
        self._turn, self._page = None, page
        self._ask()

    def begin_turn(self, title: str) -> None:
        """Show that a turn is being written."""
        self._turn, self._written = title, ""
        self._ask()

    def write(self, text: str) -> None:
        """Go on with the turn, unless something else is shown by now."""
        if self._turn is not None:
            self._written += text
            self._ask()

    def end_turn(self, text: str) -> None:
        """Show the whole turn, which may not have been streamed."""
        if self._turn is not None:
            self._written = text
            self._ask()

    def _ask(self) -> None:
        """Have the page drawn; it is made only then, not for every token."""
        self.is_drawn = False
        self._asked.set()

    async def _draw_pages(self) -> None:
        drawn, markdown = "", self.query_one(Markdown)
        while True:
            await self._asked.wait()
            self._asked.clear()
            page = self.page
            if drawn and page.startswith(drawn):
                await markdown.append(page[len(drawn) :])
                self.scroll_end(animate=False)
            else:
                await markdown.update(page)
                self.scroll_home(animate=False)
            drawn = page
            self.is_drawn = not self._asked.is_set()
            await asyncio.sleep(_BETWEEN_PAGES)

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        """Follow a citation; no other address is ever opened."""
        event.prevent_default()
        event.stop()
        key = event.href.removeprefix(EVIDENCE)
        if event.href.startswith(EVIDENCE) and key.isdecimal():
            self.post_message(self.Followed(int(key)))
