"""Dates: an answer that is one is chosen among the dates that the passages have, as they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator

from edge_agent.index import GERMAN_MONTHS, MONTHS, ONLY_GERMAN_MONTHS, SHARED_MONTHS

_SHORTENED = (f"{month[:3]}(?:{month[3:]})?" for month in (*MONTHS, *map(str.upper, MONTHS)))
_MONTH = rf"(?:{'|'.join(_SHORTENED)}|Sept)\.?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_YEAR = r"(?:1\d|20)\d\d"
_ANY_YEAR = rf"(?:{_YEAR}|[1-9]\d\d(?!\d|,\d| [a-z]))"
"""One of three digits is told from other numbers by what stands beside it."""
_ERA = r"(?:AD|A\.D\.|BCE?|B\.C\.|CE)"
_ORDINAL = (
    r"(?:[Ff]irst|[Ss]econd|[Tt]hird|[Ff]ourth|[Ff]ifth|[Ss]ixth|[Ss]eventh|[Ee]ighth|[Nn]inth|[Tt]enth"
    r"|[Ee]leventh|[Tt]welfth|(?:[Tt]hir|[Ff]our|[Ff]if|[Ss]ix|[Ss]even|[Ee]igh|[Nn]ine)teenth"
    r"|[Tt]wentieth|[Tt]wenty-first)"
)
_EAST_ASIAN = r"(?<!\d)\d{4} ?[年년](?: ?\d\d? ?[月월](?: ?\d\d? ?[日일])?)?"
_IN_GERMAN = r"(?:(?<=am )|(?<=vom )|(?<=dem )|(?<=der )|(?<=bis )|(?<=zum )|(?<=\* )|(?<=† ))"
"""Before a date whose month has the same name in English, where a sentence may end before that."""
_GERMAN = (
    rf"\d{{1,2}}\. (?:{'|'.join(ONLY_GERMAN_MONTHS)}) {_YEAR}"
    rf"|{_IN_GERMAN}\d{{1,2}}\. (?:{'|'.join(SHARED_MONTHS)}) {_YEAR}"
)
_DATE = re.compile(
    rf"{_EAST_ASIAN}|(?<!\w)(?<!\d\.)(?:{_GERMAN}"
    rf"|{_DAY} {_MONTH},? {_ANY_YEAR}|{_MONTH} {_DAY} ?, ?{_ANY_YEAR}"
    rf"|{_MONTH},? {_YEAR}|{_YEAR}-\d\d-\d\d|\d{{1,2}}([./])\d{{1,2}}\1{_YEAR}"
    rf"|(?:AD|A\.D\.) ?\d{{1,4}}|\d{{1,4}} ?{_ERA}"
    rf"|(?:\d{{1,2}}(?:st|nd|rd|th)|{_ORDINAL})[ -]century(?: {_ERA})?|{_YEAR}s"
    r"|(?<=\bin )[1-9]\d\d(?=[.;:)]|,(?!\d)|$)"
    r"|\d{1,2}(?:[:.]\d\d)? ?(?:[ap]\.m\.|[ap]m)|\d{1,2}:\d\d"
    rf"|{_DAY} {_MONTH}|{_MONTH} {_DAY}|{_YEAR})(?!\w)"
)
_LIFE_DATE = r"(?:birth ?date|birthday|date of (?:birth or death|birth|death))"
_ASKED = re.compile(
    r"(?:^|[,;:] )(?:when (?:exactly |first |last )?"
    r"(?:did|was|were|will|has|have|had)\b"
    r"|(?:on |in )?(?:which|what) (?:date|day)(?: (?:in|of) (?!the week)[\w ]+?)?"
    r" (?:is|did|was|were|does|do|will|has|have|had)\b"
    rf"|(?:(?:what|when)(?:['’]s| is| was) .*\b|(?:the )?){_LIFE_DATE}\b)",
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


def found_dates(text: str) -> Iterator[re.Match[str]]:
    """Go through the dates in `text`, where they stand."""
    return _DATE.finditer(text)


def has_year(date: str) -> bool:
    """Tell whether a date says of which year, decade or century it is."""
    return re.search(rf"\d{{3}}|century|(?<![A-Za-z]){_ERA}(?![A-Za-z])", date) is not None


def month_and_day(date: str) -> tuple[int | None, int | None]:
    """Return the month of a date, and the day of it, as numbers, as far as it has them."""
    numbered = re.search(r"(\d\d?) ?[月월](?: ?(\d\d?) ?[日일])?", date)
    if numbered is not None:
        return int(numbered[1]), int(numbered[2]) if numbered[2] else None
    small = date.lower()
    for number, (english, german) in enumerate(zip(MONTHS, GERMAN_MONTHS, strict=True), 1):
        if any(name[:3].lower() in small for name in (english, *german)):
            day = re.search(r"(?<!\d)\d{1,2}(?!\d)", date)
            return number, int(day[0]) if day else None
    return None, None


def dates(text: str) -> tuple[str, ...]:
    """Return the dates in `text` as they stand there, each once; years alone only where alone.

    Decades, centuries, days of a year that is not said and times of day are among them: a model
    that chooses should not have to take a date for one of those.
    """
    return tuple(dict.fromkeys(match[0] for match in found_dates(text)))[-_MOST:]
