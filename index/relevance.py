"""Relevance: how much texts that are at hand say about a query, by its words and its meaning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log

from .analysis import terms
from .dense import Embedder
from .fusion import combined

_EMBEDDED = 30
"""Best texts by words that are embedded to be ranked by meaning too."""


def relevance(
    query: str, worded: Sequence[str], meant: Sequence[str], embedder: Embedder | None
) -> dict[int, float]:
    """Return the numbers of texts with scores, best first.

    Of each text `worded` is what its words are taken from, `meant` what is embedded. With an
    embedder those that are best by words are ranked by both, and the rest is left out.
    """
    scores = _coverage(query, worded)
    best = sorted(range(len(worded)), key=lambda number: -scores[number])
    if embedder is None or len(best) < 2:
        return {number: scores[number] for number in best}
    candidates = best[:_EMBEDDED]
    vectors = embedder.embed([query, *(meant[number] for number in candidates)])
    cosines = dict(zip(candidates, (vectors[1:] @ vectors[0]).tolist(), strict=True))
    return combined(dict(enumerate(scores)), cosines)


def _coverage(query: str, texts: Sequence[str]) -> list[float]:
    """Return for each text how much of `query` it has: words in few of the texts count more."""
    wanted = frozenset(terms(query))
    found = [wanted.intersection(terms(text)) for text in texts]
    having = Counter(term for words in found for term in words)
    return [sum(log(1 + len(texts) / having[term]) for term in words) for words in found]
