"""Computations as evidence: code and what came of it, and whether it began with what was found."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence

from edge_agent.checking.numerals import GROUPED, plain
from edge_agent.evidence import Exhibit
from edge_agent.index import Passage, sentence_spans

ORIGIN = "a computation"
"""Where the passages come from, in the place of the name of a library."""
TITLE = "Computation"

_JOINT = "\n= "
"""Stands between code and what came of it; no line of code begins so."""
_LONG = 100
"""Characters of code from which its last statement is quoted without what is before it."""
_LITERAL = re.compile(r"(?<![A-Za-z_\d.])\d+(?:_\d+)*(?:\.\d+)?")
"""A number in code."""
_NUMBER = re.compile(rf"{GROUPED}|{_LITERAL.pattern}")
"""A number in prose, where more may stand between its digits."""
_COMMON = frozenset({"360", "365", "366", "1024"} | {str(10**power) for power in range(2, 13)})
"""Whole numbers that conversions bring in: they need not have been found anywhere."""


def computation(code: str, output: str, earlier: Sequence[str]) -> Passage:
    """Return what code came to as a passage; `earlier` is the code whose variables it may use.

    The last statement and the output are one sentence, so that they are quoted together; short code
    is in it as a whole.
    """
    lines = [line.rstrip() for line in code.splitlines() if line.strip()]
    last = max((n for n, line in enumerate(lines) if not line[0].isspace()), default=0)
    if sum(map(len, lines)) > _LONG and last > 0:
        lines.insert(last, "")
    text = "\n".join(lines) + _JOINT + output
    mark = hashlib.sha256("\0".join([*earlier, code, output]).encode()).hexdigest()[:16]
    return Passage(
        id=f"{mark}#1",
        document=mark,
        title=TITLE,
        source="python",
        headings=("computed in this run",),
        page=None,
        line=1,
        start=0,
        end=len(text),
        text=text,
    )


def is_computation(exhibit: Exhibit) -> bool:
    """Tell whether an exhibit is a computation."""
    return exhibit.library == ORIGIN


def result_where(exhibit: Exhibit, says: Callable[[str], bool]) -> str | None:
    """Return the sentence of a computation, with the code in it, of whose output `says` is true.

    Line breaks in it are spaces. None where there is none.
    """
    text = exhibit.passage.text
    output = text.find(_JOINT) + len(_JOINT)
    for start, end in sentence_spans(text):
        if end > output and says(text[max(start, output) : end]):
            return " ".join(text[start:end].split())
    return None


def founded(question: str, exhibits: Iterable[Exhibit]) -> tuple[Exhibit, ...]:
    """Return exhibits by key, without the computations that begin with nothing found or asked.

    In the code of the others some number stands in the question, in a passage, or in the output of
    an earlier computation of which this is true; and so does each whole number of three digits or
    more, but those that conversions bring in. Code that uses the texts of the passages needs none.
    """
    by_key = sorted(exhibits, key=lambda exhibit: exhibit.key)
    texts = [each.passage.text for each in by_key if not is_computation(each)]
    known = _written(" ".join([question, *texts]))
    found = []
    for exhibit in by_key:
        code, _, output = exhibit.passage.text.partition(_JOINT)
        used = frozenset(map(_plain, _LITERAL.findall(code)))
        needed = {each for each in used if each.isdecimal() and len(each) > 2} - _COMMON
        if not is_computation(exhibit):
            found.append(exhibit)
        elif _reads_passages(code) or (used & known and needed <= known):
            found.append(exhibit)
            known |= _written(output)
    return tuple(found)


def _reads_passages(code: str) -> bool:
    """Tell whether code uses the texts of the passages, and does not only speak of them."""
    try:
        parts = ast.walk(ast.parse(code))
    except (SyntaxError, ValueError, RecursionError):
        return False
    return any(isinstance(part, ast.Name) and part.id == "passages" for part in parts)


def numbers(text: str) -> frozenset[str]:
    """Return the numbers in a text, as digits: 1,200 and 1200.0 are 1200, and 04 is 4."""
    return frozenset(map(_plain, _NUMBER.findall(text)))


def _written(text: str) -> frozenset[str]:
    """Return the numbers in a text, and those that commas could also stand between."""
    return numbers(text) | frozenset(map(_plain, _LITERAL.findall(text)))


def _plain(number: str) -> str:
    whole, _, part = plain(number.replace("_", "")).partition(".")
    part = part.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{part}" if part else "")
