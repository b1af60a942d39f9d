"""Sentences: where they begin and end in a text."""

from __future__ import annotations

import re

_BORDER = re.compile(
    r"""
    (?P<end> (?<![.!?…]) [.!?…]+ ["'”’»)\]]* ) (?P<gap> \s+ ) (?= ["'“‘«(\[]? [A-Z0-9À-ÞА-ЯΑ-Ω] )
    | (?P<cjk> [。！？] )
    | (?P<paragraph> \n\s*\n | \n(?=\s*(?:[-*+•|]|\d+[.)])\s) )
    """,
    re.VERBOSE,
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|prof|rev|gen|col|capt|lt|sgt|st|mt|sr|jr|no|vol|fig|p|pp|ed|eds|vs|cf|ca|"
    r"approx|inc|ltd|co|corp|e\.g|i\.e|a\.m|p\.m|u\.s|u\.k|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|"
    r"nov|dec)|\b[a-z])\Z",
    re.IGNORECASE,
)


_LONGEST = len("approx")
"""Characters of an abbreviation."""


def sentence_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Return the [start, end) of each sentence, in characters, without the space around it."""
    spans: list[tuple[int, int]] = []
    start = 0
    for border in _BORDER.finditer(text):
        if border["end"] is not None:
            if border["end"] == "." and _is_abbreviated(text, start, border.start()):
                continue
            end = border.end("end")
        elif border["cjk"] is not None:
            end = border.end()
        else:
            end = border.start()
        _keep(spans, text, start, end)
        start = border.end()
    _keep(spans, text, start, len(text))
    return tuple(spans)


def _is_abbreviated(text: str, start: int, end: int) -> bool:
    """Tell whether a word ends before `end` that is shortened, in a sentence from `start` on.

    Only the last characters are looked at: a list of initials may be as long as a book.
    """
    return _ABBREVIATION.search(text, max(start, end - _LONGEST - 1), end) is not None


def sentences(text: str) -> tuple[str, ...]:
    """Return the sentences of `text`, in order."""
    return tuple(text[start:end] for start, end in sentence_spans(text))


def _keep(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    """Add the stretch, less the space around it, unless nothing is left."""
    piece = text[start:end]
    begin = start + len(piece) - len(piece.lstrip())
    stop = start + len(piece.rstrip())
    if begin < stop:
        spans.append((begin, stop))
