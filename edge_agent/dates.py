"""Dates: an answer that is one is chosen among the dates that the passages have, as they stand."""

from __future__ import annotations

import re

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
_MONTH = rf"(?:{'|'.join(f'{month[:3]}(?:{month[3:]})?' for month in MONTHS)}|Sept)\.?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_YEAR = r"(?:1\d|20)\d\d"
_ERA = r"(?:AD|A\.D\.|BCE?|B\.C\.|CE)"
_DATE = re.compile(
    rf"(?<!\w)(?<!\d\.)(?:{_DAY} {_MONTH},? {_YEAR}|{_MONTH} {_DAY} ?, ?{_YEAR}"
    rf"|{_MONTH},? {_YEAR}|{_YEAR}-\d\d-\d\d|\d{{1,2}}\.\d{{1,2}}\.{_YEAR}"
    rf"|(?:AD|A\.D\.) ?\d{{1,4}}|\d{{1,4}} ?{_ERA}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)[ -]century(?: {_ERA})?|{_YEAR}s"
    r"|\d{1,2}(?:[:.]\d\d)? ?(?:[ap]\.m\.|[ap]m)|\d{1,2}:\d\d"
    rf"|{_DAY} {_MONTH}|{_MONTH} {_DAY}|{_YEAR})(?!\w)"
)
_ASKED = re.compile(
    r"(?:^|[,;:] )(?:when (?:exactly |first |last )?"
    r"(?:did|was|were|will|has|have|had)\b"
    r"|(?:on |in )?(?:which|what) (?:date|day)\b(?! of the week))"
    r"|\b(?:birth ?date|birthday|date of (?:birth|death|birth or death))\b",
    re.IGNORECASE,
)
_MOST = 40
"""Dates among which a model chooses: the last ones, for what matters most stands last."""


def asks_for_date(question: str) -> bool:
    """Tell whether the answer to a question in English is a date, and not what is every year so."""
    return _ASKED.search(question) is not None


_DAYS = re.compile(
    rf"\b(?:({_DAY})(?: ?[–-] ?| to | and )({_DAY}) ({_MONTH}),? ({_YEAR})"
    rf"|({_MONTH}) ({_DAY}) ?[–-] ?({_DAY}),? ({_YEAR}))\b"
)
_OF = re.compile(rf"\b({_DAY}) of ({_MONTH})\b")


def spelt_out(text: str) -> str:
    """Return a text in which each of two days of one month, as in 3–5 June 1989, has its year."""
    text = _OF.sub(r"\1 \2", text)
    return _DAYS.sub(_both_days, text)


def _both_days(days: re.Match[str]) -> str:
    first, last, month, year = days.group(1, 2, 3, 4) if days[1] else days.group(6, 7, 5, 8)
    return f"{first} {month} {year} – {last} {month} {year}"


def dates(text: str) -> tuple[str, ...]:
    """Return the dates in `text` as they stand there, each once; years alone only where alone.

    Decades, centuries, days of a year that is not said and times of day are among them: a model
    that chooses should not have to take a date for one of those.
    """
    return tuple(dict.fromkeys(match[0] for match in _DATE.finditer(text)))[-_MOST:]
