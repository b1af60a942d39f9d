"""Excerpts: the sentences of passages that answer a query, within one token budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from math import log

from .analysis import terms
from .dense import Embedder
from .sentences import sentences

_GAP = " … "
_LEAD = 0.2
"""What the first sentence of a passage is worth more: a passage says first what it is about."""
_RANK = 0.1
"""What a sentence is worth less for each rank that its passage stands lower."""
_AGAIN = 0.7
"""What a word of the query is worth where the passage's excerpt has it already."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some sentences of a passage, in their order; `text` marks the gaps between them."""

    text: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Titled:
    """A text that is excerpted, its title, and which of its sentences need not be shown again."""

    title: str
    text: str
    shown: frozenset[str] = frozenset()
    foremost: bool = False
    """Whether it counts as the best text does, wherever it stands."""


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence that may be chosen: which text it is from, its place there, what it costs."""

    of: int
    rank: int
    place: int
    text: str
    terms: frozenset[str]
    tokens: int


def excerpts(
    texts: Sequence[Titled],
    query: str,
    count: Callable[[str], int],
    tokens: int,
    embedder: Embedder | None = None,
) -> tuple[Excerpt, ...]:
    """Choose sentences of `texts`, the best text first, until `tokens` are used up.

    A sentence is worth the share of the query's words that it has, rare ones counting more, and
    with an `embedder` how near it is to the query in meaning. Tokens are counted by `count`. At
    least one sentence is chosen, if there is one that was not shown.
    """
    found = [_split(text, number, count) for number, text in enumerate(texts)]
    choices = [sentence for split in found for sentence in split]
    choices = [choice for choice in choices if choice.text not in texts[choice.of].shown]
    likeness = _likeness(choices, texts, query, embedder)
    chosen = _chosen(choices, frozenset(terms(query)), likeness, tokens)
    return tuple(
        _joined([sentence.text for sentence in split], [s.place for s in split if s in chosen])
        for split in found
    )


def _split(text: Titled, number: int, count: Callable[[str], int]) -> list[_Sentence]:
    rank = 0 if text.foremost else number
    return [
        _Sentence(number, rank, place, sentence, frozenset(terms(sentence)), count(sentence))
        for place, sentence in enumerate(sentences(text.text))
    ]


def _likeness(
    choices: Sequence[_Sentence],
    texts: Sequence[Titled],
    query: str,
    embedder: Embedder | None,
) -> list[float]:
    """Return how near each sentence is to the query in meaning; nought without an embedder."""
    if embedder is None or not choices:
        return [0.0] * len(choices)
    # Under its title: a sentence often does not name what it is about.
    named = [f"{texts[choice.of].title}: {choice.text}" for choice in choices]
    vectors = embedder.embed([query, *named])
    return [float(cosine) for cosine in vectors[1:] @ vectors[0]]


def _chosen(
    choices: Sequence[_Sentence], wanted: frozenset[str], likeness: Sequence[float], tokens: int
) -> set[_Sentence]:
    """Return the sentences with the highest worth, one by one, that fit into `tokens`."""
    weights = _weights(choices, wanted)
    covered: Counter[tuple[int, str]] = Counter()
    chosen: set[_Sentence] = set()
    left = list(zip(choices, likeness, strict=True))

    def worth(entry: tuple[_Sentence, float]) -> float:
        choice, likeness = entry
        words = sum(
            weights[term] * (_AGAIN if covered[choice.of, term] else 1)
            for term in choice.terms & wanted
        )
        lead = _LEAD if choice.place == 0 else 0.0
        return (words + likeness + lead) * (1 - _RANK * min(choice.rank, 9))

    while left:
        best = max(left, key=worth)
        left.remove(best)
        if best[0].tokens <= tokens or not chosen:
            chosen.add(best[0])
            tokens -= best[0].tokens
            covered.update((best[0].of, term) for term in best[0].terms & wanted)
    return chosen


def _weights(choices: Collection[_Sentence], wanted: frozenset[str]) -> dict[str, float]:
    """Return the weights of the query's words, 1 together: those in few sentences tell most."""
    having = Counter(term for choice in choices for term in choice.terms & wanted)
    rarity = {term: log(1 + len(choices) / (having[term] + 0.5)) for term in wanted}
    total = sum(rarity.values()) or 1.0
    return {term: weight / total for term, weight in rarity.items()}


def _joined(found: Sequence[str], order: Sequence[int]) -> Excerpt:
    pieces: list[str] = []
    for position, index in enumerate(order):
        if position:
            pieces.append(" " if index == order[position - 1] + 1 else _GAP)
        pieces.append(found[index])
    return Excerpt("".join(pieces), tuple(found[index] for index in order))
