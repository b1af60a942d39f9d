"""Colours: three themes in hues that colour-blind people can tell apart (Okabe and Ito, 2008)."""

from __future__ import annotations

from textual.theme import Theme

_SKY, _ORANGE, _GREEN, _YELLOW, _VERMILION = "#56b4e9", "#e69f00", "#009e73", "#f0e442", "#d55e00"
_BLUE = "#0072b2"

DARK = Theme(
    name="dark",
    primary=_SKY,
    secondary=_GREEN,
    accent=_ORANGE,
    warning=_ORANGE,
    error=_VERMILION,
    success=_GREEN,
    foreground="#e4e4e4",
    background="#121417",
    surface="#1a1d21",
    panel="#24282d",
    dark=True,
)
LIGHT = Theme(
    name="light",
    primary=_BLUE,
    secondary="#00664b",
    accent="#9c5b00",
    warning="#9c5b00",
    error="#a64400",
    success="#00664b",
    foreground="#1b1b1b",
    background="#fbfbf9",
    surface="#f1f1ee",
    panel="#e4e4e0",
    dark=False,
)
CONTRAST = Theme(
    name="contrast",
    primary=_YELLOW,
    secondary=_SKY,
    accent=_YELLOW,
    warning=_ORANGE,
    error="#ff8c66",
    success=_SKY,
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1c1c1c",
    dark=True,
    text_alpha=1.0,
)

THEMES = (DARK, LIGHT, CONTRAST)
"""By their names, those of the setting `tui.theme`."""
