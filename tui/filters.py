"""What every line passes on its way to the terminal: no control codes, ASCII frames, no colours."""

from __future__ import annotations

import unicodedata

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter, NoColor

_HORIZONTAL, _VERTICAL = "─━┄┅┈┉╌╍═╴╶╸╺╼╾", "│┃┆┇┊┋╎╏║╵╷╹╻╽╿"
_AS_ASCII = {
    **dict.fromkeys(map(chr, range(0x2500, 0x2580)), "+"),  # corners and crossings
    **dict.fromkeys(_HORIZONTAL, "-"),
    **dict.fromkeys(_VERTICAL, "|"),
    **dict.fromkeys("▀▔", "-"),
    **dict.fromkeys("▁▂▃▄", "_"),
    **dict.fromkeys("▅▆▇█▉", "#"),
    **dict.fromkeys("▊▋▌▍▎▏▐▕", "|"),
    **dict.fromkeys("▶▸►›→", ">"),
    **dict.fromkeys("◀◂◄‹←", "<"),
    **dict.fromkeys("▼▾↓", "v"),
    **dict.fromkeys("▲▴↑", "^"),
    **dict.fromkeys("•●○◦", "*"),
    "…": "~",  # one cell, as it was: three dots would push the border out
    "⏎": "<",
    "␣": "_",
    "🔎": "? ",
}
"""What widgets draw with, and what stands for it; each as wide as it was."""

_PARTS = "\u200c\u200d"
"""They join and part letters."""


class OnlyText(LineFilter):
    """Takes out what would steer the terminal, should a widget ever be given it as it came.

    Such characters take no cell, so that borders stay where they are.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return a line without them; what Textual itself says to the terminal stays."""
        return [
            Segment(text if control or text.isprintable() else _harmless(text), style, control)
            for text, style, control in segments
        ]


def _harmless(text: str) -> str:
    """Return text without control and format characters that are not part of a script."""
    return "".join(
        character
        for character in text
        if character in _PARTS or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
    )


class AsciiFrame(LineFilter):
    """Draws borders, guides, scrollbars and other signs of widgets in ASCII."""

    _table = str.maketrans(_AS_ASCII)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return a line with other signs in it."""
        return [
            Segment(text if text.isascii() else text.translate(self._table), style, control)
            for text, style, control in segments
        ]


ONLY_TEXT = OnlyText()
"""One for all, as the next: lines are kept by the filters that they have passed."""

ASCII_FRAME = AsciiFrame()

NO_COLOR = NoColor()
"""Where NO_COLOR is set: Textual's own filter leaves shades of grey, which are colours too."""
