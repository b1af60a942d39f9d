"""Comparisons of dates: which of two was born, died or began first is worked out, not read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from edge_agent.checking.moments import Happening, Stated, all_before, stated
from edge_agent.checking.wording import words
from edge_agent.evidence import Exhibit
from edge_agent.index import sentence_spans

_EARLY = r"(?:the )?(?:first|earlier|earliest|sooner)|at an earlier date"
_LATE = r"(?:the )?(?:later|latest|last)|more recently|most recently|at a later date"
_ORDER = rf"(?:{_EARLY}|{_LATE})"
_AGE = r"(?:the )?(?:older|oldest|elder|eldest|younger|youngest)(?: than the other)?"
_IS_LATE = re.compile(rf"\b(?:{_LATE}|younger|youngest)\b", re.IGNORECASE)
_HAPPENINGS: dict[str, Happening] = {
    **dict.fromkeys(("born",), "birth"),
    **dict.fromkeys(("died", "die"), "death"),
    **dict.fromkeys(("came out", "come out", "released", "premiered"), "release"),
    **dict.fromkeys(
        ("published", "founded", "established", "formed", "created", "started"), "foundation"
    ),
    **dict.fromkeys(("opened", "open"), "opening"),
}
_EVENT = rf"(?P<event>{'|'.join(_HAPPENINGS)})"
_SAID = (
    r"(?:(?:is|was|were|did|has been|had been) )?"
    rf"(?:{_AGE}|{_EVENT} {_ORDER}|{_ORDER} {_EVENT.replace('event', 'happened')})"
)
_DIRECTOR = (
    r"(?P<director> (?:whose|(?:that )?(?:has|had|with) (?:the|a)) director(?: who| that)?)?"
)
_WHO = rf"(?:who|(?:which|what)(?P<kind>(?: [\w-]+){{0,4}}?){_DIRECTOR})"
_EITHER, _BOTH = r"(?P<sides>.+ or .+)", r"(?P<sides>.+ (?:and|or) .+)"
_QUESTIONS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{_WHO} (?P<said>{_SAID}),? (?:between|out of|of) {_BOTH}",
        rf"{_WHO} (?P<said>{_SAID})[,:]? {_EITHER}",
        rf"{_WHO}[,:] {_EITHER},? (?P<said>{_SAID})",
        rf"(?:in )?between (?:two [\w-]+ )?{_BOTH},? {_WHO} (?P<said>{_SAID})",
        rf"{_EITHER}[,:] {_WHO} (?P<said>{_SAID})",
        rf"(?:was|is|did) {_EITHER} (?P<said>{_SAID})",
    )
)
_BETWEEN_SIDES = re.compile(r",? (?:and|or) ", re.IGNORECASE)
_RELATING = frozenset("and by from had has in of on or that their to which who whose with".split())
"""Words that make of a kind of thing another thing that has to do with it."""
_ANYTHING = frozenset({"man", "one", "person", "woman"})
_SAME_KIND = tuple(map(frozenset, ({"film", "movie"}, {"band", "group"}, {"book", "novel"})))
_OF_FILMS = frozenset("actor actress director directed film films filmmaker movie movies".split())
_DIRECTED_BY = re.compile(
    r"(?<!-)\b[Dd]irected(?:,? (?:and |& )?(?:co-)?[a-z]+){0,4} by (?:and star(?:ring|red) )?"
)
_BRACKETS = re.compile(r"(?:(?<!\s)\s+)?\(([^()]*)\)")
_LONGEST_QUESTION = 300
"""Characters: who asks in more says more than what is compared."""
_QUOTING = " \t,;:\"“”„‘’'«»"


class Ground(NamedTuple):
    """A passage, and the sentence in it that a comparison rests on."""

    exhibit: Exhibit
    sentence: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The side that a question asks for, as it names it, and what both sides rest on."""

    answer: str
    grounds: tuple[Ground, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a question compares, and which of two comes out: the later or the earlier one."""

    happenings: tuple[Happening, ...]
    """What may be compared: the first of these that is dated for both."""
    later: bool
    kinds: frozenset[str]
    """The nouns for what the sides are; none where any will do."""
    of_directors: bool
    sides: tuple[tuple[str, str], ...]
    """The ways to part the two sides: their names may have *or* and *and* in them."""


@dataclass(frozen=True, slots=True)
class _Article:
    """The passages of one document that are read."""

    title: str
    exhibits: tuple[Exhibit, ...]

    @property
    def name(self) -> list[str]:
        """The words of its title without its brackets."""
        return _name(self.title)

    @property
    def brackets(self) -> frozenset[str]:
        """The words in the brackets of its title, which tell it from others of its name."""
        return frozenset(words(" ".join(_BRACKETS.findall(self.title))))

    def has_any(self, some: Iterable[str]) -> bool:
        """Tell whether one of some words stands in it."""
        texts = (each.passage.text for each in self.exhibits)
        return not frozenset(some).isdisjoint(words(" ".join([self.title, *texts])))

    def dated(self, happening: Happening) -> list[tuple[Exhibit, Stated]]:
        """Return what it states of when that happened to what it is about."""
        return [
            (exhibit, each)
            for exhibit in self.exhibits
            for each in stated(happening, self.title, exhibit.passage.text)
        ]


def compared(question: str, exhibits: Sequence[Exhibit]) -> Comparison | None:
    """Return how the dates compare that a question asks to compare; None where that is not sure.

    It is sure where each side is what exactly one of the documents is about, and each date that
    this states of it lies on the same side of each of the other's. What is compared is only ever
    taken from the document that bears the name: no other one can change how it comes out.
    """
    asked = _asked(question)
    if asked is None:
        return None
    articles = _articles(exhibits)
    found = [
        comparison
        for pair in asked.sides
        if (comparison := _decided(asked, pair, articles)) is not None
    ]
    return found[0] if len(found) == 1 else None


def _asked(question: str) -> _Asked | None:
    """Return what a question in English compares, or None where it does no such thing."""
    plain = " ".join(question.split()).rstrip(" ?.")
    if len(plain) > _LONGEST_QUESTION:
        return None
    matches = (form.fullmatch(plain) for form in _QUESTIONS)
    match = next(filter(None, matches), None)
    if match is None:
        return None
    part = match.groupdict()
    kind = (part.get("kind") or "").lower().split()
    if _RELATING & set(kind):
        return None
    event = part["event"] or part["happened"]
    of_directors = bool(part.get("director"))
    happenings: tuple[Happening, ...] = ("birth",)
    if event is not None:
        happenings = (_HAPPENINGS[event.lower()],)
    elif kind and not of_directors:
        happenings = ("birth", "foundation", "release")
    return _Asked(
        happenings,
        _IS_LATE.search(match["said"]) is not None,
        _kinds(kind[-1]) if kind else frozenset(),
        of_directors,
        tuple(_pairs(match["sides"])),
    )


def _kinds(noun: str) -> frozenset[str]:
    """Return the nouns for a kind of thing, given one; none where it is any thing or any one."""
    if noun in _ANYTHING:
        return frozenset()
    return next((same for same in _SAME_KIND if noun in same), frozenset({noun}))


def _pairs(sides: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to part two sides, each without the quotation marks around it."""
    for joint in _BETWEEN_SIDES.finditer(sides):
        first, second = (
            side.strip(_QUOTING) for side in (sides[: joint.start()], sides[joint.end() :])
        )
        if not re.search(r"[\\{}]", first + second):  # they would end the box of the answer
            yield first, second


def _name(title: str) -> list[str]:
    """Return the words of a title or an option, without its brackets and an article before it."""
    name = words(_BRACKETS.sub("", title))
    return name[1:] if len(name) > 1 and name[0] in ("the", "a", "an") else name


def _articles(exhibits: Iterable[Exhibit]) -> tuple[_Article, ...]:
    """Return the documents that passages are of; what a tool told is none."""
    parts: dict[tuple[str, str], list[Exhibit]] = {}
    for exhibit in exhibits:
        if exhibit.is_of_a_document:
            parts.setdefault((exhibit.library, exhibit.passage.document), []).append(exhibit)
    return tuple(_Article(each[0].passage.title, tuple(each)) for each in parts.values())


def _decided(
    asked: _Asked, pair: tuple[str, str], articles: Sequence[_Article]
) -> Comparison | None:
    """Return how two sides compare, or None."""
    subjects = [_subject(option, asked.kinds, articles) for option in pair]
    links: list[list[Ground]] = [[], []]
    if asked.of_directors:
        directors = [None if each is None else _director(each, articles) for each in subjects]
        links = [[each[1]] if each else [] for each in directors]
        subjects = [each[0] if each else None for each in directors]
    first, second = subjects
    if first is None or second is None or first is second:
        return None
    for happening in asked.happenings:
        dated = first.dated(happening), second.dated(happening)
        if all(dated):
            return _ranked(asked, pair, dated, links)
    return None


def _subject(option: str, kinds: frozenset[str], articles: Sequence[_Article]) -> _Article | None:
    """Return the one document about what a question names and says what it is, or None.

    Brackets alone, in the question or in titles, part those of one name: what else a document says
    of itself counts only against it.
    """
    named = [each for each in articles if each.name and each.name == _name(option)]
    if _BRACKETS.search(option):
        named = [each for each in named if words(each.title) == words(option)] or named
    else:
        named = [each for each in named if not kinds or kinds & each.brackets or not each.brackets]
    right = len(named) == 1 and (not kinds or named[0].has_any(kinds))
    return named[0] if right else None


def _director(film: _Article, articles: Sequence[_Article]) -> tuple[_Article, Ground] | None:
    """Return the one document about the only director of a film, and what names him; or None."""
    found: list[tuple[_Article | None, Ground]] = []
    for exhibit in film.exhibits:
        text = " ".join(exhibit.passage.text.split())
        for by in _DIRECTED_BY.finditer(text):
            ground = Ground(exhibit, _sentence_at(text, by.start()))
            found.append((_named_alone(text[by.end() :], film, articles), ground))
    directors = {id(director): director for director, _ in found}
    director = found[0][0] if len(directors) == 1 else None
    return (director, found[0][1]) if director is not None else None


def _sentence_at(text: str, position: int) -> str:
    """Return the sentence of a text that has a position."""
    return next(text[start:end] for start, end in sentence_spans(text) if position < end)


def _named_alone(text: str, film: _Article, articles: Sequence[_Article]) -> _Article | None:
    """Return the one document about the person with whose name alone a text begins, or None."""
    named = [
        each
        for each in articles
        if each is not film
        and (not each.brackets or each.brackets & _OF_FILMS)
        and _begins_with_alone(text, _BRACKETS.sub("", each.title))
    ]
    return named[0] if len(named) == 1 and named[0].has_any(_OF_FILMS) else None


def _begins_with_alone(text: str, name: str) -> bool:
    """Tell whether a text begins with a name that does not go on, and no other one beside it."""
    rest = text[len(name) :]
    after = re.match(r"(?:-|(?:,|\s|&|and\b)*)(\w)", rest)
    goes_on = after is not None and (after.start(1) == 0 or after[1].isupper())
    return text[: len(name)].casefold() == name.casefold() and not goes_on


def _ranked(
    asked: _Asked,
    pair: tuple[str, str],
    dated: tuple[list[tuple[Exhibit, Stated]], list[tuple[Exhibit, Stated]]],
    links: Sequence[Sequence[Ground]],
) -> Comparison | None:
    """Return which of two sides comes out by their dates, its grounds before the other's."""
    moments = [[each for _, each in side] for side in dated]
    if all_before(*moments):
        earlier = 0
    elif all_before(*reversed(moments)):
        earlier = 1
    else:
        return None
    chosen = 1 - earlier if asked.later else earlier
    grounds = [
        ground
        for side in (chosen, 1 - chosen)
        for ground in (*links[side], Ground(dated[side][0][0], dated[side][0][1].sentence))
    ]
    return Comparison(pair[chosen], tuple(grounds))
