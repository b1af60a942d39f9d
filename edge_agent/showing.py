"""Text of documents and models on its way to people and programs: all seen, nothing obeyed.

The one place that decides what may reach a terminal. What nobody sees, what steers a terminal and
what turns the direction of reading is spelt out, as `\\u{1b}`: a reader sees that it is there.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

_LINE_ENDS = re.compile("\r\n|[\r\u2028\u2029]")
_BLANK = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and signs that are drawn as nothing, though no category says so."""
_JOINERS = frozenset("\u200c\u200d")
"""They join and part the letters of some scripts, and make one picture of several."""
_SELECTORS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
"""They choose a form of the character before them."""
_BEYOND_ASCII = re.compile(r"[^\x20-\x7e\n]")


def shown(text: str) -> str:
    """Return `text` with its lines kept, and all that is hidden in it spelt out."""
    lines = _LINE_ENDS.sub("\n", text).replace("\xad", "")
    seen: list[str] = []
    before = "\n"
    for character in lines:
        kept = character in "\n\t" or _belongs(character, before) or not _is_hidden(character)
        seen.append(character if kept else f"\\u{{{ord(character):x}}}")
        before = seen[-1][-1]
    return "".join(seen)


def in_one_line(text: str) -> str:
    """Return `text` as it is `shown`, without its line breaks."""
    return " ".join(shown(text).split())


def placed(title: str, *places: str) -> str:
    """Return what something is called, with where it stands in brackets, as far as that is known.

    All of it is in one line, as it is shown.
    """
    known = ", ".join(filter(None, places))
    return in_one_line(f"{title} ({known})" if known else title)


def json_text(value: Any, indent: int | None = None) -> str:
    """Return `value` as JSON that files and terminals can hold, and readers of lines can split.

    What is hidden is escaped, which changes no value. It is one line unless there is an `indent`.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _BEYOND_ASCII.sub(lambda found: _escaped(found[0]), text)


def _belongs(character: str, before: str) -> bool:
    """Tell whether a joiner or selector means something where it stands; a row of them does not."""
    if before.isspace() or before in _JOINERS:
        return False
    if character in _JOINERS:
        return not before.isascii()
    return character in _SELECTORS and before not in _SELECTORS


def _is_hidden(character: str) -> bool:
    category = unicodedata.category(character)
    return (
        category[0] == "C"
        or category in ("Zl", "Zp")
        or character in _BLANK
        or character in _SELECTORS
    )


def _escaped(character: str) -> str:
    if not _is_hidden(character):
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
