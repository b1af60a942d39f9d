"""What stands for the signs that widgets draw with."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from edge_agent.tui.filters import _AS_ASCII, ASCII_FRAME


def test_each_sign_is_ascii_and_as_wide_as_what_it_stands_for() -> None:
    for sign, stand_in in _AS_ASCII.items():
        assert stand_in.isascii()
        assert len(stand_in) == cell_len(sign), sign


def test_letters_stay() -> None:
    line = [Segment("│ Gjøa 弗拉姆号 فرام …│")]
    (drawn,) = ASCII_FRAME.apply(line, Color(0, 0, 0))
    assert drawn.text == "| Gjøa 弗拉姆号 فرام ~|"
