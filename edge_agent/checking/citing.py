"""Which passages a short answer rests on, and by which of their sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise, takewhile

from edge_agent.checking.computations import is_computation, numbers, result_where
from edge_agent.checking.dates import dates, spelt_out
from edge_agent.checking.names import CAPITAL, forms, names
from edge_agent.checking.wording import content_words, is_number, states, words
from edge_agent.events import Citation, Quote
from edge_agent.evidence import Exhibit
from edge_agent.index import sentences

_MOST_CITATIONS = 4
_MOST_STATING = 2
_CHOICE = re.compile(r"\bor\b", re.IGNORECASE)
_YES_OR_NO = re.compile(r"\W*(?:yes|no)\b(?=\W*$|\s*[,;.–-])", re.IGNORECASE)
_OF_VERDICTS = frozenset(
    "a an are both did do does either had has have he in is it neither not of she than that the "
    "there these they this those was we were".split()
)
"""Words that may follow it, and say no more than it does."""
_CAPITALISED = rf"{CAPITAL}[\w.'’-]*"


def is_verdict(question: str, answer: str) -> bool:
    """Tell whether `answer` is a yes, a no or a choice that the question offers.

    No passage spells such an answer out: it rests on what passages say about its sides.
    """
    return _is_yes_or_no(answer) or (
        _CHOICE.search(question) is not None and states(question, answer)
    )


def _is_yes_or_no(answer: str) -> bool:
    """Tell whether an answer says yes or no and nothing else: *No, they are not*."""
    said = _YES_OR_NO.match(answer)  # and not: No. 1, No one, Yes It Is
    return said is not None and not set(words(answer[said.end() :])) - _OF_VERDICTS


def cite(
    question: str, answer: str, quotes: Iterable[Quote], exhibits: Iterable[Exhibit]
) -> tuple[Citation, ...]:
    """Return the passages that a short `answer` rests on, those that state it first.

    Candidates are `exhibits`, the passages that the answer was written from. Of those that state
    the answer the ones that the model quoted from are cited, else the one nearest to the question,
    each with the sentence that does; one that the model only quoted from is cited with the nearest
    of those quotes, as a link of the chain. The former is `supported` where it has to do with the
    question, or a sentence that names what its passage is about; the latter where it has to do with
    the question and what states the answer. A computation has, or it would not be among them.
    There are none where nothing states the answer, unless it is a verdict; a verdict without quotes
    rests on the passages nearest to the question.
    """
    quoted: dict[int, list[str]] = {}
    for quote in quotes:
        quoted.setdefault(quote.key, []).append(quote.sentence)
    stating, links = _parted(question, answer, tuple(exhibits))
    if not stating and not is_verdict(question, answer):
        return ()
    if not stating and not any(link.key in quoted for link in links):
        return _nearest(question, links)
    claim = " ".join([question, *(citation.quote for citation in stating)])
    # A question names what its links are about, whatever the answer is: where that is supported by
    # nothing that states it, their labels are no reason to think better of it.
    sound = not stating or stating[0].supported
    linking = [
        _linking(link, link.label if sound else "", quoted[link.key], claim)
        for link in links
        if link.key in quoted
    ]
    picked = [each for each in stating if each.supported and each.key in quoted]
    first = picked[:_MOST_STATING] or stating[:1]
    return tuple([*first, *linking][:_MOST_CITATIONS])


def _parted(
    question: str, answer: str, exhibits: Sequence[Exhibit]
) -> tuple[list[Citation], list[Exhibit]]:
    """Return the citations of the passages that state an answer, best first, and the others."""
    is_bare = _is_yes_or_no(answer)
    stating: list[Citation] = []
    links: list[Exhibit] = []
    for exhibit in exhibits:
        # Of a bare yes or no a passage with that word says nothing.
        told = not is_bare or is_computation(exhibit)
        sentence = stating_sentence(exhibit, answer, question) if told else None
        if sentence is None:
            links.append(exhibit)
            continue
        related = is_computation(exhibit) or _is_about(exhibit, sentence, question, exhibits)
        stating.append(citation_of(exhibit, sentence, supported=related))
    stating.sort(key=lambda found: (not found.supported, -_shared(found.quote, question)))
    return stating, links


def _linking(link: Exhibit, about: str, quoted: Iterable[str], claim: str) -> Citation:
    """Return the citation of a link, with the sentence quoted from it that is nearest to a claim.

    `about` is what these are about: they seldom say it again.
    """
    shared = {sentence: _shared(f"{about} {sentence}", claim) for sentence in quoted}
    nearest = max(shared, key=lambda sentence: shared[sentence])
    return citation_of(link, nearest, supported=is_computation(link) or shared[nearest] >= 2)


def _is_about(exhibit: Exhibit, sentence: str, question: str, among: Iterable[Exhibit]) -> bool:
    """Tell whether a sentence has to do with a question, or its passage with one that has.

    Where the director of a film was born is said in a passage that need not know of the film; that
    about the film names the director.
    """
    if _shared(f"{exhibit.label} {sentence}", question) > 0:
        return True
    return any(
        _names_it(other, exhibit, question)
        for other in among
        if other.key != exhibit.key and not is_computation(other)
    )


def _names_it(exhibit: Exhibit, other: Exhibit, question: str) -> bool:
    """Tell whether a sentence that has to do with the question names what another passage is about.

    What that is, is its title, without its brackets.
    """
    named = other.passage.title.partition(" (")[0]
    return bool(content_words(named)) and any(
        states(sentence, named) and _shared(f"{exhibit.label} {sentence}", question) >= 2
        for sentence in sentences(exhibit.passage.text)
    )


def _nearest(question: str, exhibits: Iterable[Exhibit]) -> tuple[Citation, ...]:
    """Return the passages that have most to do with the question, by their nearest sentences."""
    ranked = sorted(
        (
            (_shared(f"{exhibit.label} {sentence}", question), exhibit, sentence)
            for exhibit in exhibits
            for sentence in sentences(exhibit.passage.text)
        ),
        key=lambda candidate: -candidate[0],
    )
    chosen: dict[int, Citation] = {}
    for shared, exhibit, sentence in ranked:
        if shared >= 2 and len(chosen) < _MOST_STATING:
            chosen.setdefault(exhibit.key, citation_of(exhibit, sentence, supported=True))
    return tuple(chosen.values())


def stating_sentence(exhibit: Exhibit, answer: str, question: str) -> str | None:
    """Return the sentence of the passage that states `answer`, nearest to the question, or None.

    A sentence with the answer as it stands comes before one that only has all of its words, its
    names as they stand and its dates and amounts in one of its own. Where the answer is the
    title, any sentence that has to do with the question will do. Of a computation only the result
    counts, and its numbers are enough.
    """
    if is_computation(exhibit):
        figures = numbers(answer) or frozenset(filter(str.isdecimal, words(answer)))
        return result_where(
            exhibit,
            lambda result: states(result, answer) or (bool(figures) and figures <= numbers(result)),
        )
    whole = sentences(exhibit.passage.text)
    found = [sentence for sentence in whole if states(sentence, answer)] or [
        sentence for sentence in whole if _has_in_parts(sentence, answer)
    ]
    if not found and _may_be_a_title(answer, question) and states(exhibit.passage.title, answer):
        # What a passage is about is seldom said again in its sentences.
        found = [sentence for sentence in whole if _shared(sentence, question) >= 2]
    return max(found, key=lambda sentence: _shared(sentence, question), default=None)


def _may_be_a_title(answer: str, question: str) -> bool:
    """Tell whether an answer may be what a passage is about: no number, nor what it is asked of."""
    return not any(map(str.isdigit, answer)) and not states(question, answer)


def _has_in_parts(sentence: str, answer: str) -> bool:
    """Tell whether a sentence has the words of an answer in other places, but nothing torn apart.

    What two dates, two people or two quantities have together is neither's.
    """
    wanted = set(words(answer))
    if not wanted or not wanted <= set(words(sentence)):
        return False
    known = [set(words(date)) for date in dates(spelt_out(sentence))]
    asked = dates(answer)
    if not all(any(set(words(date)) <= each for each in known) for date in asked):
        return False
    if not asked and not _has_amounts(sentence, answer):
        return False
    named = (forms(name) for name in names(f"on {answer}"))
    return all(any(_is_named(sentence, form) for form in forms) for forms in named)


def _has_amounts(sentence: str, answer: str) -> bool:
    """Tell whether what each number of an answer counts is what it counts in a sentence.

    A number after a name is a part of that: Formula One, Division 1.
    """
    for name in names(f"on {answer}"):
        answer = answer.replace(name, ";")
    amounts = [
        pair
        for pair in pairwise(words(answer))
        if is_number(pair[0]) and content_words(pair[1]) and not is_number(pair[1])
    ]
    there = words(sentence)
    return all(
        any(
            word == number and counted in takewhile(lambda each: not is_number(each), after)
            for word, after in ((there[n], there[n + 1 : n + 5]) for n in range(len(there)))
        )
        for number, counted in amounts
    )


def _is_named(sentence: str, name: str) -> bool:
    """Tell whether a sentence has a name as it stands, or with other names of theirs in between.

    Between the parts may stand middle names (John William Smith is John Smith), or others who share
    the last part (Emily and Charlotte Brontë: Emily Brontë).
    """
    if states(sentence, name):
        return True
    between = (
        rf"(?:(?: {_CAPITALISED}){{0,3}} "
        rf"|(?:, {_CAPITALISED}){{0,9}},? (?:and|&) (?:{_CAPITALISED} ){{1,3}})"
    )
    return re.search(rf"\b{between.join(map(re.escape, name.split()))}\b", sentence) is not None


def _shared(text: str, other: str) -> int:
    return len(content_words(text) & content_words(other))


def citation_of(exhibit: Exhibit, quote: str, *, supported: bool) -> Citation:
    """Return the citation of a passage, with a sentence of it and whether that bears it out."""
    passage = exhibit.passage
    return Citation(
        exhibit.key,
        passage.title,
        passage.source,
        passage.place,
        quote,
        supported,
        exhibit.library,
    )
