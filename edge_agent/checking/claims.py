"""Whether an answer is borne out: each claim that it makes, by words first, then by meaning."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge_agent.checking.citing import citation_of, cite
from edge_agent.checking.computations import founded, is_computation, numbers, result_where
from edge_agent.checking.names import forms, names
from edge_agent.checking.wording import (
    claimed,
    content_words,
    is_number,
    is_of_characters,
    spelt_numbers,
    states,
    words,
)
from edge_agent.events import Citation, Claim, Quote
from edge_agent.evidence import Exhibit
from edge_agent.index import Embedder, sentences

_SHORT = 12
"""Words up to which an answer is one claim, checked as the answer to its question."""
_COVERED = 0.7
"""Share of a sentence's words that bears it out."""
_COVERED_PAIRS = 0.9
"""Share of the pairs of characters: a name has few of them, what stands around it is much the same
in any sentence."""
_ALIKE = 0.75
"""Cosine from which two sentences say the same."""
_MOST_COMPARED = 32
_KEY = re.compile(r"(?:(?<!\s)\s+)?\[(\d{1,6})\]")
"""A key with the space before it, which is looked at once, however much of it there is."""
_AND = re.compile(r";|&|\band\b", re.IGNORECASE)
_LISTING = re.compile(rf"\s*(?:,\s*)?(?:{_AND.pattern})\s*|\s*,\s+", re.IGNORECASE)
"""What stands between the things that an answer lists."""
_DENIALS = frozenset({"not", "never", "no", "nor", "neither", "none", "without"})


@dataclass(frozen=True, slots=True)
class Verification:
    """What is left of an answer, the passages that it rests on, and each claim that it makes."""

    answer: str | None
    citations: tuple[Citation, ...]
    claims: tuple[Claim, ...]


UNANSWERED = Verification(None, (), ())
"""What is left of an answer that is none."""


def verified(
    question: str,
    answer: str,
    quotes: Sequence[Quote],
    exhibits: Sequence[Exhibit],
    embedder: Embedder | None = None,
) -> Verification:
    """Check an answer against `exhibits`, the passages that it may rest on.

    One of which nothing is supported is no answer. Keys in it that no passage ever had are taken
    out. A computation bears out nothing that does not begin with what was found.
    """
    known = {exhibit.key for exhibit in exhibits}
    exhibits = founded(question, exhibits)
    answer = _KEY.sub(lambda key: key[0] if int(key[1]) in known else "", answer).strip()
    parts = sentences(answer)
    if len(parts) > 1 or len(words(answer)) > _SHORT:
        citations, claims = _check_each(parts, exhibits, embedder)
    else:
        bare = _KEY.sub("", answer).strip()
        citations, claims = _check_whole(question, bare, quotes, exhibits)
    if not any(claim.supported for claim in claims):
        return UNANSWERED
    return Verification(answer, citations, claims)


def worked_out(answer: str, grounds: Iterable[tuple[Exhibit, str]]) -> Verification:
    """Return an answer that the program worked out, as one claim borne out by all its grounds.

    They are passages, each with the sentence that it was worked out from.
    """
    citations = tuple(citation_of(each, sentence, supported=True) for each, sentence in grounds)
    return Verification(answer, citations, (Claim(answer, _supporting(citations)),))


def _check_whole(
    question: str, answer: str, quotes: Sequence[Quote], exhibits: Sequence[Exhibit]
) -> tuple[tuple[Citation, ...], tuple[Claim, ...]]:
    """Check a short answer as one claim, and one that lists several things thing by thing."""
    citations = cite(question, answer, quotes, exhibits)
    if not any(citation.supported for citation in citations):
        listed = _each_listed(question, answer, quotes, exhibits)
        if listed is not None:
            return listed
    return citations, (Claim(answer, _supporting(citations)),)


def _each_listed(
    question: str, answer: str, quotes: Sequence[Quote], exhibits: Sequence[Exhibit]
) -> tuple[tuple[Citation, ...], tuple[Claim, ...]] | None:
    """Check the things that an answer lists, each alone; None where it lists none or one fails.

    What only commas part may be one thing (a town and its country): it is a list where one passage
    has all of three or more.
    """
    parts = [part.strip() for part in _LISTING.split(" ".join(answer.split()))]
    if len(parts) < 2 or not all(map(content_words, parts)):
        return None
    if not _AND.search(answer):
        together = [each for each in exhibits if all(states(each.passage.text, p) for p in parts)]
        exhibits = together if len(parts) > 2 else ()
    found: dict[int, Citation] = {}
    claims = []
    for part in parts:
        borne = [each for each in cite(question, part, quotes, exhibits) if each.supported][:1]
        for each in borne:
            found.setdefault(each.key, each)
        claims.append(Claim(part, _supporting(borne)))
    whole = all(claim.supported for claim in claims)
    return (tuple(found.values()), tuple(claims)) if whole else None


def _supporting(citations: Iterable[Citation]) -> tuple[int, ...]:
    return tuple(citation.key for citation in citations if citation.supported)


def _check_each(
    parts: Sequence[str], exhibits: Sequence[Exhibit], embedder: Embedder | None
) -> tuple[tuple[Citation, ...], tuple[Claim, ...]]:
    """Check every sentence of an answer; those that it names a passage for, against that one."""
    found: dict[int, Citation] = {}
    claims = []
    for part in parts:
        named = {int(key) for key in _KEY.findall(part)}
        bare = " ".join(_KEY.sub("", part).split())
        among = [exhibit for exhibit in exhibits if not named or exhibit.key in named]
        witness = _witness(bare, among, embedder)
        if witness is not None:
            exhibit, sentence = witness
            found.setdefault(exhibit.key, citation_of(exhibit, sentence, supported=True))
        claims.append(Claim(bare, () if witness is None else (witness[0].key,)))
    return tuple(found.values()), tuple(claims)


def _witness(
    claim: str, exhibits: Sequence[Exhibit], embedder: Embedder | None
) -> tuple[Exhibit, str] | None:
    """Return the passage, and its sentence, that bears out a whole sentence, or None.

    It has most of the claim's words (nearly all where those are characters, by pairs), or else
    means the same; it has every number in it, denies something where that does, and stands in a
    passage that has its names. Where no passage does, a computation bears it out from which all of
    its numbers are.
    """
    wanted, of_characters = claimed(claim), is_of_characters(claim)
    candidates = [
        (len(wanted & claimed(said)) / max(1, len(wanted)), exhibit, sentence)
        for exhibit in exhibits
        if not is_computation(exhibit)
        for sentence in sentences(exhibit.passage.text)
        if _may_bear_out(said := f"{exhibit.label} {sentence}", claim)
        and _has_names(exhibit, claim)
    ]
    best = max(candidates, key=lambda candidate: candidate[0], default=None)
    if best is not None and best[0] >= (_COVERED_PAIRS if of_characters else _COVERED):
        return best[1:]
    # The embedder reads no such script: to it all its sentences are much the same.
    alike = None
    if embedder is not None and not of_characters:
        alike = _alike(claim, candidates, embedder)
    return alike or _computed(claim, exhibits)


def _may_bear_out(said: str, claim: str) -> bool:
    """Tell whether a text has the numbers of a claim, and denies something if that does."""
    wanted, there = content_words(claim), frozenset(words(said))
    signs = {word for word in wanted if any(map(str.isdigit, word)) and not is_number(word)}
    if not signs <= there or not numbers(claim) | spelt_numbers(claim) <= numbers(said) | there:
        return False
    return not _DENIALS & wanted or bool(_DENIALS & there)


def _has_names(exhibit: Exhibit, claim: str) -> bool:
    """Tell whether a passage has the words of all names in a claim, each somewhere."""
    there = content_words(f"{exhibit.label} {exhibit.passage.text}")
    return all(any(content_words(part) <= there for part in forms(name)) for name in names(claim))


def _alike(
    claim: str, candidates: Sequence[tuple[float, Exhibit, str]], embedder: Embedder
) -> tuple[Exhibit, str] | None:
    """Return the passage, and its sentence, that means the same as a claim, or None."""
    if not candidates:
        return None
    nearest = sorted(candidates, key=lambda candidate: -candidate[0])[:_MOST_COMPARED]
    vectors = embedder.embed([claim, *(sentence for _, _, sentence in nearest)])
    likeness = vectors[1:] @ vectors[0]
    best = int(likeness.argmax())
    return nearest[best][1:] if likeness[best] >= _ALIKE else None


def _computed(claim: str, exhibits: Iterable[Exhibit]) -> tuple[Exhibit, str] | None:
    """Return a computation, and its sentence, that has all numbers of a claim, one as result."""
    wanted = numbers(claim)
    for exhibit in filter(is_computation, exhibits):
        if wanted <= numbers(exhibit.passage.text):
            sentence = result_where(exhibit, lambda result: bool(wanted & numbers(result)))
            if sentence is not None:
                return exhibit, sentence
    return None
