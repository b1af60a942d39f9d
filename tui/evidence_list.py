"""The evidence as cards: key, title, place, and in words and by a sign what became of a passage."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from edge_agent.showing import in_one_line, shown

from .run_view import Card, Verdict
from .signs import UNICODE, Signs

VERDICTS: dict[Verdict, str] = {
    "supports": "supports the answer",
    "cited": "cited, does not state it",
    "quoted": "quoted by the model",
    "shown": "shown to the model",
}


class EvidenceList(OptionList):
    """The passages of a run in the order of their keys; only those in sight are drawn."""

    class Opened(Message):
        """A passage is to be shown in full."""

        def __init__(self, key: int) -> None:
            """Tell which."""
            super().__init__()
            self.key = key

    def __init__(self, *, id: str | None = None) -> None:
        """Begin empty."""
        super().__init__(id=id, markup=False)
        self.signs: Signs = UNICODE

    def put(self, cards: Sequence[Card]) -> None:
        """Show cards, in order of their keys, each in the place of an older one of its passage."""
        new = []
        for card in cards:
            if card.evidence.key <= self.option_count:
                self.replace_option_prompt_at_index(card.evidence.key - 1, self._prompt(card))
            else:
                new.append(Option(self._prompt(card)))
        if new:
            self.add_options(new)  # all at once: each time the list is laid out anew

    def point_at(self, key: int) -> bool:
        """Put the cursor on a passage; false where none has that key."""
        if not 1 <= key <= self.option_count:
            return False
        self.highlighted = key - 1
        return True

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Have a passage shown in full."""
        event.stop()
        self.post_message(self.Opened(event.option_index + 1))

    def _prompt(self, card: Card) -> Text:
        evidence = card.evidence
        sign = getattr(self.signs, card.verdict)
        place = f" ({shown(evidence.place)})" if evidence.place else ""
        text = Text(overflow="fold")
        text.append(f"[{evidence.key}] ", "bold")
        text.append(f"{in_one_line(evidence.title)}{place}\n")
        text.append(f"{sign} {VERDICTS[card.verdict]}", "" if card.verdict == "supports" else "dim")
        if card.quote:
            text.append(f"\n{in_one_line(card.quote)}", "italic")
        return text
