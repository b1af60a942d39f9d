"""Which passages an answer rests on, and whether they say so: by words first, then by meaning."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

from edge_agent.computations import founded, is_computation, numbers, result_where
from edge_agent.dates import dates, spelt_out
from edge_agent.events import Citation, Claim, Quote
from edge_agent.evidence import Exhibit
from edge_agent.index import Embedder, sentences
from edge_agent.names import names
from edge_agent.wording import content_words, spelt_numbers, states, words

_MOST_CITATIONS = 4
_MOST_STATING = 2
_SHORT = 12
"""Words up to which an answer is one claim, checked as the answer to its question."""
_COVERED = 0.7
"""Share of a sentence's words that bears it out."""
_ALIKE = 0.75
"""Cosine from which two sentences say the same."""
_MOST_COMPARED = 32
_KEY = re.compile(r"\s*\[(\d{1,6})\]")
_CHOICE = re.compile(r"\bor\b", re.IGNORECASE)
_AND = re.compile(r";|&|\band\b", re.IGNORECASE)
_LISTING = re.compile(rf"\s*(?:,\s*)?(?:{_AND.pattern})\s*|\s*,\s+", re.IGNORECASE)
"""What stands between the things that an answer lists."""
_DENIALS = frozenset({"not", "never", "no", "nor", "neither", "none", "without"})

_YES_OR_NO = re.compile(r"\W*(?:yes|no)\b(?=\W*$|\s*[,;.–-])", re.IGNORECASE)
_OF_VERDICTS = frozenset(
    "a an are both did do does either had has have he in is it neither not of she than that the "
    "there these they this those was we were".split()
)
"""Words that may follow it, and say no more than it does."""

_BEFORE_NAMES = frozenset(
    "after although as before both during following however in only since the then though through "
    "under until when where while with captain chancellor dr emperor engineer general king lady "
    "lord mr mrs ms pope president prince princess professor queen saint sir".split()
)
"""Words that stand before a name, with a capital, and are no part of it, or need not be."""
_CAPITALISED = r"[^\W\d_a-zß-öø-ÿ][\w.'’-]*"


@dataclass(frozen=True, slots=True)
class Verification:
    """What is left of an answer, the passages that it rests on, and each claim that it makes."""

    answer: str | None
    citations: tuple[Citation, ...]
    claims: tuple[Claim, ...]


UNANSWERED = Verification(None, (), ())
"""What is left of an answer that is none."""


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
    citations = tuple(_citation(each, sentence, supported=True) for each, sentence in grounds)
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
    parts = [part.strip() for part in _LISTING.split(answer)]
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
            found.setdefault(exhibit.key, _citation(exhibit, sentence, supported=True))
        claims.append(Claim(bare, () if witness is None else (witness[0].key,)))
    return tuple(found.values()), tuple(claims)


def _witness(
    claim: str, exhibits: Sequence[Exhibit], embedder: Embedder | None
) -> tuple[Exhibit, str] | None:
    """Return the passage, and its sentence, that bears out a whole sentence, or None.

    It has most of the claim's words, or else means the same; it has every number in it, denies
    something where that does, and stands in a passage that has its names. Where no passage does, a
    computation bears it out from which all of its numbers are.
    """
    wanted = content_words(claim)
    candidates = [
        (len(wanted & content_words(said)) / max(1, len(wanted)), exhibit, sentence)
        for exhibit in exhibits
        if not is_computation(exhibit)
        for sentence in sentences(exhibit.passage.text)
        if _may_bear_out(said := f"{exhibit.label} {sentence}", claim)
        and _has_names(exhibit, claim)
    ]
    best = max(candidates, key=lambda candidate: candidate[0], default=None)
    if best is not None and best[0] >= _COVERED:
        return best[1:]
    alike = None if embedder is None else _alike(claim, candidates, embedder)
    return alike or _computed(claim, exhibits)


def _may_bear_out(said: str, claim: str) -> bool:
    """Tell whether a text has the numbers of a claim, and denies something if that does."""
    wanted, there = content_words(claim), frozenset(words(said))
    signs = {word for word in wanted if any(map(str.isdigit, word)) and not _is_number(word)}
    if not signs <= there or not numbers(claim) | spelt_numbers(claim) <= numbers(said) | there:
        return False
    return not _DENIALS & wanted or bool(_DENIALS & there)


def _is_number(word: str) -> bool:
    return word.replace(".", "").isdecimal()


def _has_names(exhibit: Exhibit, claim: str) -> bool:
    """Tell whether a passage has the words of all names in a claim, each somewhere."""
    there = content_words(f"{exhibit.label} {exhibit.passage.text}")
    return all(any(content_words(part) <= there for part in _forms(name)) for name in names(claim))


def _forms(name: str) -> tuple[str, ...]:
    """Return a name, and what it is without a word that may come before names."""
    first, _, rest = name.partition(" ")
    return (name, rest) if rest and first.lower() in _BEFORE_NAMES else (name,)


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
    among = tuple(exhibits)
    is_bare = _is_yes_or_no(answer)
    stating: list[Citation] = []
    links: list[Exhibit] = []
    for exhibit in among:
        # Of a bare yes or no a passage with that word says nothing.
        told = not is_bare or is_computation(exhibit)
        sentence = stating_sentence(exhibit, answer, question) if told else None
        if sentence is None:
            links.append(exhibit)
            continue
        related = is_computation(exhibit) or _is_about(exhibit, sentence, question, among)
        stating.append(_citation(exhibit, sentence, supported=related))
    if not stating and not is_verdict(question, answer):
        return ()
    stating.sort(key=lambda found: (not found.supported, -_shared(found.quote, question)))
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


def _linking(link: Exhibit, about: str, quoted: Iterable[str], claim: str) -> Citation:
    """Return the citation of a link, with the sentence quoted from it that is nearest to a claim.

    `about` is what these are about: they seldom say it again.
    """
    shared = {sentence: _shared(f"{about} {sentence}", claim) for sentence in quoted}
    nearest = max(shared, key=lambda sentence: shared[sentence])
    return _citation(link, nearest, supported=is_computation(link) or shared[nearest] >= 2)


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
            chosen.setdefault(exhibit.key, _citation(exhibit, sentence, supported=True))
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
    named = (_forms(name) for name in names(f"on {answer}"))
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
        if _is_number(pair[0]) and content_words(pair[1]) and not _is_number(pair[1])
    ]
    there = words(sentence)
    return all(
        any(
            word == number and counted in takewhile(lambda each: not _is_number(each), after)
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


def _citation(exhibit: Exhibit, quote: str, *, supported: bool) -> Citation:
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
