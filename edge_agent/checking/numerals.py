"""Numerals: numbers as texts write them, with what parts their thousands and their decimals."""

from __future__ import annotations

import re

_SPACE = "[\u00a0\u202f\u2009]"
"""Spaces that keep together what they part; on both sides of others may stand two numbers."""
_COUNTED = rf"(?: |{_SPACE})?(?:[%‰€$£¥°]|(?!(?:and|or|und|oder|et|ou|y|o|e)\b)[^\W\d_])"
"""What a number counts. Without it a comma may part two numbers, as it does before the last one."""
GROUPED = (
    r"(?<![\w.,])(?:"
    r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\w|[.,]\d)"
    r"|\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?(?!\w|[.,]\d)"
    rf"|\d{{1,3}}(?:{_SPACE}\d{{3}})+(?:[.,]\d+)?(?!\w|[.,]\d|{_SPACE}\d{{3}})"
    rf"|\d{{1,3}},\d\d?(?={_COUNTED})"
    r")"
)
"""A number whose thousands are parted (1,200,000, or 1.200.000, or 1 200 000), or whose decimals
stand after a comma (12,5 per cent). One dot may be either: 1.200 is a little more than one."""
_COMMA = re.compile(r"(?<=\d),(?=\d\d?(?!\d))")
_IN_DECIMALS = re.compile(r",\d\d?$")


def readings(text: str) -> tuple[str, ...]:
    """Return a text, and where a comma may part numbers or stand before decimals, as either."""
    if _COMMA.search(text) is None:
        return (text,)
    return text, _COMMA.sub(", ", text), _COMMA.sub(".", text)


def plain(numeral: str) -> str:
    """Return a number with nothing between its thousands, and its decimals after a dot."""
    bare = re.sub(_SPACE, "", numeral)
    if bare.count(".") > 1:
        return bare.replace(".", "").replace(",", ".")
    is_comma_for_decimals = bare != numeral or _IN_DECIMALS.search(bare) is not None
    return bare.replace(",", "." if is_comma_for_decimals else "")
