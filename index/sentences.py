"""Sentences: where they begin and end in a text."""

from __future__ import annotations

import re

from .months import ONLY_GERMAN_MONTHS, SHARED_MONTHS
from .scripts import THAI

_BORDER = re.compile(
    r"""
    (?P<end> (?<![.!?…।॥۔؟]) [.!?…।॥۔؟]+ ["'“”‘’«»‹›)\]]* ) (?P<gap> \s+ )
      (?= ["'“„‘‚«»‹›(\[¿¡]? (?P<next> [^\W_] ) )
    | (?P<unspaced> (?: [。！？｡។။] | ．(?!\d) )+ ["'”’」』）》】〉〕］｣)\]]* )
    | (?P<paragraph> \n\s*\n | \n(?=\s*(?:[-*+•|]|\d+[.)])\s) )
    """,
    re.VERBOSE,
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|prof|rev|gen|col|capt|lt|sgt|st|mt|sr|jr|no|vol|fig|p|pp|ed|eds|vs|cf|ca|"
    r"approx|inc|ltd|co|corp|e\.g|i\.e|a\.m|p\.m|u\.s|u\.k|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|"
    r"nov|dec))\Z",
    re.IGNORECASE,
)
_INITIAL = re.compile(r"(\.?)\b([^\W\d_])[\u0300-\u036f]?\Z")
_ORDINAL = re.compile(r"(?P<date>\b(?:am|der|vom|im|bis|zum|den|dem|seit|ab)\s+)?\b\d{1,2}\Z", re.I)
_COUNTED = re.compile(
    rf"(?:{'|'.join(ONLY_GERMAN_MONTHS)}|Jh)\b"
    rf"|Jahrhundert|Weltkrieg|Auflage|(?P<english>(?:{'|'.join(SHARED_MONTHS)})\b)"
)
"""What German numbers with a full stop: am 3. Oktober, im 19. Jahrhundert.

Months that English has too may begin a sentence of it: there a word says that it is a date.
"""

_LONGEST = len("approx")
"""Characters of an abbreviation, and of a date: seit 12."""
_LONG = 60
"""Words from which what has no full stops may be a list of lines, as a log is."""
_LINE = re.compile(r"\n\s*(?P<next>\S)")
_BREATH = 60
"""Characters after which a space ends a sentence in scripts that have no other mark for it."""
_PAUSE = re.compile(rf"(?<=[{THAI}])\s+(?=[{THAI}])")


def sentence_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Return the [start, end) of each sentence, in characters, without the space around it."""
    spans: list[tuple[int, int]] = []
    start = 0
    for border in _BORDER.finditer(text):
        if border["end"] is not None:
            if border["next"].islower():
                continue  # most scripts have no capitals: only a small letter says that it goes on
            if border["end"] == "." and _goes_on(text, start, border):
                continue
            end = border.end("end")
        elif border["unspaced"] is not None:
            end = border.end()
        else:
            end = border.start()
        _keep_each(spans, text, start, end)
        start = border.end()
    _keep_each(spans, text, start, len(text))
    return tuple(spans)


def _goes_on(text: str, start: int, border: re.Match[str]) -> bool:
    """Tell whether the full stop at `border` ends no sentence, of which one begins at `start`.

    Only the last characters are looked at: a list of initials may be as long as a book.
    """
    end = border.start()
    window = max(start, end - _LONGEST - 1), end
    initial = _INITIAL.search(text, *window)
    # Where letters have no capitals, one may well be a word, but not after a full stop.
    if initial and (initial[2].lower() != initial[2].upper() or initial[1]):
        return True
    ordinal = _ORDINAL.search(text, *window)
    counted = ordinal and _COUNTED.match(text, border.start("next"))
    if ordinal and counted and (ordinal["date"] or not counted["english"]):
        return True
    return _ABBREVIATION.search(text, *window) is not None


def sentences(text: str) -> tuple[str, ...]:
    """Return the sentences of `text`, in order, each in one line.

    Line breaks inside a sentence are the page's, not the author's. What is shown, quoted and
    checked has to be the same to the letter.
    """
    return tuple(" ".join(text[start:end].split()) for start, end in sentence_spans(text))


def _keep_each(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    """Add the stretch as one sentence; a long one line by line, but where a line only goes on.

    Thai is cut at spaces.
    """
    if len(text[start:end].split()) > _LONG:
        for border in _LINE.finditer(text, start, end):
            if not border["next"].islower():
                _keep(spans, text, start, border.start())
                start = border.start("next")
    for border in _PAUSE.finditer(text, start, end):
        if border.start() - start > _BREATH:
            _keep(spans, text, start, border.start())
            start = border.end()
    _keep(spans, text, start, end)


def _keep(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    """Add the stretch, less the space around it, unless nothing is left."""
    piece = text[start:end]
    begin = start + len(piece) - len(piece.lstrip())
    stop = start + len(piece.rstrip())
    if begin < stop:
        spans.append((begin, stop))
