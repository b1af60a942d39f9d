"""What every line passes on its way to the terminal: frames in ASCII, and no colours."""

from __future__ import annotations

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


class AsciiFrame(LineFilter):
    """Draws borders, guides, scrollbars and other signs of widgets in ASCII."""

    _table = str.maketrans(_AS_ASCII)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return a line with other signs in it."""
        return [
            Segment(text if text.isascii() else text.translate(self._table), style, control)
            for text, style, control in segments
        ]


ASCII_FRAME = AsciiFrame()
"""One for all: lines are kept by the filters that they have passed."""

NO_COLOR = NoColor()
"""Where NO_COLOR is set: Textual's own filter leaves shades of grey, which are colours too."""
