"""Raised letters in a line of plain text: a raised 6 after 10 makes `10^6`, and never 106."""

from __future__ import annotations

import re

_EXPONENT = re.compile(r"\s*[-\u2212\d]")


def mark_between(before: str, raised: str) -> str:
    """Return what stands between a text and what is raised behind it: `^` before an exponent."""
    return "^" if before[-1:].isalnum() and _EXPONENT.match(raised) else ""
