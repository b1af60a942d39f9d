"""Moments: when a passage says that its subject was born, died or began."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from edge_agent.checking.dates import found_dates, month_and_day
from edge_agent.checking.wording import words
from edge_agent.index import sentences

Happening: TypeAlias = Literal["birth", "death", "release", "foundation", "opening"]

_LONGEST_LIFE = 120
_MOST = 0.6
"""Share of the words of a name that stands for it."""
_BC = r"(?:BCE?\b|B\.C\.)"
_BC_RANGE = re.compile(rf"\b(\d{{1,4}})( ?[–—-] ?\d{{1,4}} ?{_BC})")
_OLD_STYLE = re.compile(r" ?\[[^\]]*\]")
_BRACKETS = re.compile(r"\(((?:[^()]|\([^()]*\))*)\)")
_FINITE = re.compile(r"\b(?:is|are|was|were|has|had)\b")
_DEFINING = re.compile(r"\b(?:is|are|was|were) (?:an?|the|one of)\b")
_UNSURE = re.compile(
    r"\?|\b(?:(?:c|ca|fl|r)\. ?(?=\d)|(?:circa|about|around|before|after|or|between|probably"
    r"|possibly|floruit|reigned|ruled|active|since|bapti[sz]\w+|approx\w*)\b)",
    re.IGNORECASE,
)
"""What makes guesses of the dates beside it, or dates of something else than a life."""
_BORN, _DIED = re.compile(r"\b(?:[Bb]orn\b(?!-)|b\.)"), re.compile(r"\b(?:died\b|d\.)")
_UNTIL = re.compile(r"[–—-]|\bto\b|\bdied\b|\bd\.")
_VERBS: dict[Happening, str] = {
    "release": "released|premiered|published|issued|came out",
    "foundation": "founded|established|formed|created|started|launched|published|incorporated",
    "opening": "opened|inaugurated",
}
_OF_YEAR = re.compile(
    r"\b(?:is|was|are|were) an? "
    r"(?:(?!(?:at|by|in|of|on|the|to)\b)[^\W\d][\w-]* ){0,3}?(?=[12]\d{3} )"
)
"""Comes before the year in what a work is said to be: a British 1934 film."""
_OTHERS = re.compile(
    r"\b(?:sequel|prequel|based|adapt\w+|remake|re-\w+|follow\w+|success\w+|that|which|who|whose"
    r"|when|where|after|before)\b"
)
"""What makes something else the subject of a verb that follows."""
_WITHIN_NAMES = frozenset(
    "a al also and as at better bin born by commonly da de der di du e i ibn in known la le near "
    "née of or professionally simply the to town van village von y".split()
)
"""The words that stand in small letters in names, in those of places, and between two of one."""
_UP_TO_DATE = re.compile(
    r"(?: (?:in|at|near|to|by) (?P<place>[^;()\d]{1,80}?)(?:,|,? (?:on|in|since))"
    r"| on| in| since|,)? "
)
"""What may stand between what happened and when."""
_POINTING = frozenset(
    "he she it the is was are were has have been and first originally officially".split()
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, a month or a year, by how much is known; years before Christ are negative."""

    year: int
    month: int | None = None
    day: int | None = None

    def is_before(self, other: Moment) -> bool | None:
        """Tell whether it came before another; None where that cannot be known."""
        for own, others in zip(self._parts, other._parts, strict=True):
            if own is None or others is None:
                return None
            if own != others:
                return own < others
        return None

    @property
    def _parts(self) -> tuple[int | None, ...]:
        return self.year, self.month, self.day


@dataclass(frozen=True, slots=True)
class _Telling:
    """A sentence that may tell of a happening to the subject of a passage, which it may open."""

    happening: Happening
    subject: frozenset[str]
    sentence: str
    opens: bool


@dataclass(frozen=True, slots=True)
class Stated:
    """A moment, and the sentence that states it."""

    moment: Moment
    sentence: str


def stated(happening: Happening, title: str, text: str) -> tuple[Stated, ...]:
    """Return what a text about what its title names states of when that happened to it.

    What stands in brackets after a name comes before what its sentences say of anybody.
    """
    subject = frozenset(words(_BRACKETS.sub("", title)))
    of_life = happening in ("birth", "death")
    for tell in (_in_brackets, _in_words) if of_life else (_of_origin,):
        found = tuple(
            Stated(moment, sentence)
            for number, sentence in enumerate(sentences(text))
            for moment in tell(_Telling(happening, subject, _plain(sentence), number == 0))
        )
        if found:
            return found
    return ()


def _plain(sentence: str) -> str:
    """Return a sentence without dates in old style, and with its era after each year of a range."""
    return _BC_RANGE.sub(r"\1 BC\2", _OLD_STYLE.sub("", sentence))


def _in_brackets(telling: _Telling) -> Iterator[Moment]:
    """Yield the birth or the death in the brackets after a name."""
    for brackets in _BRACKETS.finditer(telling.sentence):
        if _is_after_name(brackets, telling.subject, opens=telling.opens):
            birth, death = _lifetime(brackets[1])
            yield from filter(None, [birth if telling.happening == "birth" else death])


def _in_words(telling: _Telling) -> Iterator[Moment]:
    """Yield the birth or the death that a sentence tells of."""
    bare = _BRACKETS.sub("", telling.sentence)
    verb = (_BORN if telling.happening == "birth" else _DIED).search(bare)
    if verb is not None:
        before = bare[: verb.start()]
        if before.endswith(" and "):  # was born in … and died
            before = before.partition("born ")[0]
        if _is_of(telling.subject, before):
            yield from _following(bare, verb.end())


def _is_after_name(brackets: re.Match[str], subject: frozenset[str], *, opens: bool) -> bool:
    """Tell whether brackets stand after a subject's name, or before what it is better known as.

    In the sentence that opens a passage half of the name is enough: Billy is William there.
    """
    before, after = brackets.string[: brackets.start()], brackets.string[brackets.end() :]
    finite = _FINITE.search(after)
    appositive = after[: finite.start()] if finite else ""
    known_as = re.search(r"\bknown\b.*\b(?:as|name)\b", appositive)
    both = f"{before} {appositive[known_as.end() :]}" if known_as else before
    return _names(both, subject, at_least=0.5 if opens else _MOST)


def _lifetime(brackets: str) -> tuple[Moment | None, Moment | None]:
    """Return the birth and the death that brackets after a name tell of."""
    if _UNSURE.search(brackets):
        return None, None
    found = [(match, moment) for match in found_dates(brackets) if (moment := _moment(match))]
    if len(found) == 2:
        (first, birth), (second, death) = found
        between = brackets[first.end() : second.start()]
        until = not between.strip() or _UNTIL.search(between)
        if until and 0 <= death.year - birth.year <= _LONGEST_LIFE:
            return birth, death
    elif len(found) == 1 and bool(_BORN.search(brackets)) != bool(_DIED.search(brackets)):
        return (found[0][1], None) if _BORN.search(brackets) else (None, found[0][1])
    return None, None


def _of_origin(telling: _Telling) -> Iterator[Moment]:
    """Yield when a thing began: by the sentence that says what it is, or one that points at it."""
    bare = " ".join(_BRACKETS.sub("", telling.sentence).split())
    defining = _DEFINING.search(bare)
    defined = defining is not None and _names(bare[: defining.start()], telling.subject)
    of_year = _OF_YEAR.match(bare, defining.start()) if defining and defined else None
    if of_year is not None and telling.happening != "opening":
        yield Moment(int(bare[of_year.end() :][:4]))
    verb = re.search(rf"\b(?:{_VERBS[telling.happening]})\b", bare, re.IGNORECASE)
    if verb is not None:
        before = bare[: verb.start()]
        if _is_of(telling.subject, before) or (defined and not _OTHERS.search(before)):
            yield from _following(bare, verb.end())


def _names(before: str, subject: frozenset[str], at_least: float = _MOST) -> bool:
    """Tell whether what stands before a verb or brackets is a name, and most of it a subject's."""
    named = len(subject & set(words(before)))
    return named >= max(1, at_least * len(subject)) and _is_name(before, subject)


def _is_name(text: str, own: frozenset[str] = frozenset()) -> bool:
    """Tell whether a text has no small words and years but those in names, and a name's own."""
    small = " ".join(word for word in text.split() if not word[0].isupper())
    others = frozenset(words(small)) - own - _WITHIN_NAMES
    return not any(re.match(r"[^\W\d_]|\d{3}", word) for word in others)


def _is_of(subject: frozenset[str], before: str) -> bool:
    """Tell whether what stands before a verb is no more than a subject's name, or points at it."""
    return set(words(before)) <= subject | _POINTING


def _following(sentence: str, start: int) -> Iterator[Moment]:
    """Yield the moment that follows on a verb, with nothing but a place between, if one does."""
    date = next(found_dates(sentence[start:]), None)
    if date is not None:
        between = date.string[: date.start()]
        passed = _UP_TO_DATE.fullmatch(between)
        if passed and _is_name(passed["place"] or "") and not _UNSURE.search(between):
            yield from filter(None, [_moment(date)])


def _moment(match: re.Match[str]) -> Moment | None:
    """Return a date that was found as a moment; None for a decade, a century, and without year."""
    date, rest = match[0], match.string[match.end() :]
    has_era = re.search(r"AD|A\.D\.|B\.?C|CE", date) is not None
    year = re.search(r"\d{1,4}" if has_era else r"\d{3,4}(?![\ds])", date)
    glued = re.search(r"\d{5} $", match.string[: match.start()])  # 18943 May 1968
    if year is None or "century" in date or glued:
        return None
    of_bc = re.search(_BC, date) or re.match(rf" ?{_BC}", rest)
    number = -int(year[0]) if of_bc else int(year[0])
    if (numeric := re.fullmatch(r"\d{4}-(\d\d)-(\d\d)", date)) is not None:
        return Moment(number, int(numeric[1]), int(numeric[2]))
    return Moment(number, *month_and_day(date))


def all_before(some: Iterable[Stated], others: Iterable[Stated]) -> bool:
    """Tell whether whatever is stated of one came before whatever is stated of another."""
    later = tuple(others)
    return all(one.moment.is_before(other.moment) is True for one in some for other in later)
