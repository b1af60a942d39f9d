"""Signs that stand beside words, never instead of them; in plain ASCII where that is asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signs:
    """What is drawn with."""

    full: str
    """A filled cell of a gauge."""
    empty: str
    """An empty cell of a gauge."""
    supports: str
    cited: str
    quoted: str
    shown: str


UNICODE = Signs("━", "╌", "✓", "◇", "“", "·")
ASCII = Signs("#", "-", "+", "o", '"', ".")


def signs(*, ascii_only: bool) -> Signs:
    """Return the signs for a terminal."""
    return ASCII if ascii_only else UNICODE
