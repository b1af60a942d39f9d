"""Scripts: the letters that words have beyond those of Latin, as parts of a pattern's set."""

from __future__ import annotations

from itertools import chain
from unicodedata import category

HAN = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Chinese characters, as Japanese has them too, and its kana."""
HANGUL = "\uac00-\ud7af"
"""Korean, which puts spaces between words that are as short as theirs."""
THAI = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece"
"""Thai and Lao, which have no marks at the ends of sentences either. Digits are not among them."""
UNSPACED = (
    f"{HAN}{THAI}"
    "\u1000-\u103f\u1050-\u108f\u109a-\u109f\u1780-\u17d3\u17d7\u17dc\u17dd\uaa60-\uaa7f"
)
"""Those that put no spaces between words: Japanese, Chinese, Thai, Lao, Burmese and Khmer."""
MARKS = "\u0300-\u036f" + "".join(
    chr(code)
    for code in chain(range(0x0590, 0x1AB0), range(0x1B00, 0x1DC0), range(0xA800, 0xAC00))
    if category(chr(code)) in {"Mn", "Mc"}
)
"""Accents that stand by themselves, and the signs of Hebrew, Arabic and the scripts of India and
beyond, most of which are vowels."""
SMALL = "".join(
    chr(code)
    for code in chain(range(0x0600), range(0x1C80, 0x2E00), range(0xA640, 0xABC0))
    if category(chr(code)) == "Ll"
)
"""The small letters of the alphabets whose names begin with capitals, which Georgian's do not."""
